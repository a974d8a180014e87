package promtest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// metadata is what a target says about a metric.
type metadata struct {
	Type string `json:"type"`
	Help string `json:"help"`
	Unit string `json:"unit"`
}

// describe notes the type in a line of the exposition format, `# TYPE name type`.
func (s *Server) describe(line string) {
	if words := strings.Fields(line); len(words) == 4 && words[0] == "#" && words[1] == "TYPE" {
		s.types.Store(words[2], words[3])
	}
}

func (s *Server) listMetadata(w http.ResponseWriter, _ *http.Request) {
	found := map[string][]metadata{}
	s.types.Range(func(name, kind any) bool {
		found[name.(string)] = []metadata{{Type: kind.(string)}}
		return true
	})
	write(w, http.StatusOK, answer{Status: "success", Data: found})
}

// listSeries finds the series that one of the selectors matches.
func (s *Server) listSeries(w http.ResponseWriter, r *http.Request) {
	s.running.Add(1)
	defer s.running.Done()
	found, err := s.matching(r)
	if err != nil {
		writeError(w, err)
		return
	}
	s.queries.Add(1)
	write(w, http.StatusOK, answer{Status: "success", Data: found})
}

func (s *Server) matching(r *http.Request) ([]map[string]string, error) {
	found := []map[string]string{}
	if err := r.ParseForm(); err != nil {
		return nil, badData{err}
	}
	start, startErr := parseTime(r.FormValue("start"))
	end, endErr := parseTime(r.FormValue("end"))
	if startErr != nil || endErr != nil {
		return nil, badData{fmt.Errorf("invalid parameter: start %q, end %q", r.FormValue("start"), r.FormValue("end"))}
	}
	limit, _ := strconv.Atoi(r.FormValue("limit")) // 0: none
	querier, err := s.db.Querier(start.UnixMilli(), end.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer querier.Close()
	var sets []storage.SeriesSet
	for _, text := range r.Form["match[]"] {
		matchers, err := s.parser.ParseMetricSelector(text)
		if err != nil {
			return nil, badData{fmt.Errorf("invalid parameter \"match[]\": %w", err)}
		}
		hints := &storage.SelectHints{Start: start.UnixMilli(), End: end.UnixMilli(), Func: "series"}
		sets = append(sets, querier.Select(r.Context(), true, hints, matchers...))
	}
	all := storage.NewMergeSeriesSet(sets, 0, storage.ChainedSeriesMerge)
	for all.Next() && (limit == 0 || len(found) < limit) {
		set := map[string]string{}
		all.At().Labels().Range(func(l labels.Label) { set[l.Name] = l.Value })
		found = append(found, set)
	}
	return found, all.Err()
}
