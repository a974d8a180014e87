package promtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
)

// maxPoints is Prometheus' limit on the steps of a range query.
const maxPoints = 11_000

// answer is the envelope of all of Prometheus' answers.
type answer struct {
	Status    string   `json:"status"`
	Data      any      `json:"data,omitempty"`
	ErrorType string   `json:"errorType,omitempty"`
	Error     string   `json:"error,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
	Infos     []string `json:"infos,omitempty"`
}

// queryData is the data of an answer to a query.
type queryData struct {
	ResultType string `json:"resultType"`
	Result     any    `json:"result"`
}

// badData is the error of a request with parameters that make no sense.
type badData struct{ error }

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for path, handle := range map[string]func(*http.Request) (promql.Query, error){
		"/api/v1/query":       s.instantQuery,
		"/api/v1/query_range": s.rangeQuery,
	} {
		mux.HandleFunc("GET "+path, s.query(handle))
		mux.HandleFunc("POST "+path, s.query(handle))
	}
	for _, method := range []string{"GET ", "POST "} {
		mux.HandleFunc(method+"/api/v1/series", s.listSeries)
	}
	mux.HandleFunc("GET /api/v1/metadata", s.listMetadata)
	mux.HandleFunc("GET /api/v1/status/buildinfo", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, answer{Status: "success", Data: map[string]string{"version": "3.0.0-promtest", "revision": "", "branch": ""}})
	})
	started := time.Now().Format(time.RFC3339Nano)
	mux.HandleFunc("GET /api/v1/status/runtimeinfo", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, answer{Status: "success", Data: map[string]string{"startTime": started, "CWD": "/"}})
	})
	for _, path := range []string{"/-/healthy", "/-/ready"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintln(w, "Prometheus Server is Healthy.")
		})
	}
	return mux
}

// query evaluates the query that `prepare` makes of a request, and writes the answer.
func (s *Server) query(prepare func(*http.Request) (promql.Query, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.running.Add(1)
		defer s.running.Done()
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		if text := r.FormValue("timeout"); text != "" {
			timeout, err := parseDuration(text)
			if err != nil {
				writeError(w, badData{fmt.Errorf("invalid parameter \"timeout\": %w", err)})
				return
			}
			ctx, cancel = context.WithTimeout(ctx, timeout)
			defer cancel()
		}
		query, err := prepare(r)
		if err != nil {
			writeError(w, err)
			return
		}
		defer query.Close()
		result := query.Exec(ctx)
		s.queries.Add(1)
		s.samples.Add(query.Stats().Samples.TotalSamples)
		if result.Err != nil {
			writeError(w, result.Err)
			return
		}
		data := queryData{ResultType: string(result.Value.Type()), Result: result.Value}
		switch v := result.Value.(type) {
		case promql.Vector:
			if v == nil {
				data.Result = promql.Vector{}
			}
		case promql.Matrix:
			data.Result = matrix(v)
		}
		warnings, infos := result.Warnings.AsStrings(r.FormValue("query"), 10, 10)
		write(w, http.StatusOK, answer{Status: "success", Data: data, Warnings: warnings, Infos: infos})
	}
}

func (s *Server) instantQuery(r *http.Request) (promql.Query, error) {
	at := time.Now()
	if text := r.FormValue("time"); text != "" {
		var err error
		if at, err = parseTime(text); err != nil {
			return nil, badData{fmt.Errorf("invalid parameter \"time\": %w", err)}
		}
	}
	query, err := s.engine.NewInstantQuery(r.Context(), s.db, nil, r.FormValue("query"), at)
	if err != nil {
		return nil, badData{fmt.Errorf("invalid parameter \"query\": %w", err)}
	}
	return query, nil
}

func (s *Server) rangeQuery(r *http.Request) (promql.Query, error) {
	start, err := parseTime(r.FormValue("start"))
	if err != nil {
		return nil, badData{fmt.Errorf("invalid parameter \"start\": %w", err)}
	}
	end, err := parseTime(r.FormValue("end"))
	if err != nil {
		return nil, badData{fmt.Errorf("invalid parameter \"end\": %w", err)}
	}
	step, err := parseDuration(r.FormValue("step"))
	if err != nil {
		return nil, badData{fmt.Errorf("invalid parameter \"step\": %w", err)}
	}
	switch {
	case end.Before(start):
		return nil, badData{errors.New("invalid parameter \"end\": end timestamp must not be before start time")}
	case step <= 0:
		return nil, badData{errors.New("invalid parameter \"step\": zero or negative query resolution step widths are not accepted")}
	case end.Sub(start)/step > maxPoints:
		return nil, badData{errors.New("exceeded maximum resolution of 11,000 points per timeseries")}
	}
	query, err := s.engine.NewRangeQuery(r.Context(), s.db, nil, r.FormValue("query"), start, end, step)
	if err != nil {
		return nil, badData{fmt.Errorf("invalid parameter \"query\": %w", err)}
	}
	return query, nil
}

func writeError(w http.ResponseWriter, err error) {
	status, kind := http.StatusUnprocessableEntity, "execution"
	var bad badData
	switch {
	case errors.As(err, &bad):
		status, kind = http.StatusBadRequest, "bad_data"
	case errors.As(err, new(promql.ErrQueryTimeout)):
		status, kind = http.StatusServiceUnavailable, "timeout"
	case errors.As(err, new(promql.ErrQueryCanceled)):
		status, kind = 499, "canceled"
	case errors.As(err, new(promql.ErrStorage)):
		status, kind = http.StatusInternalServerError, "internal"
	}
	write(w, status, answer{Status: "error", ErrorType: kind, Error: err.Error()})
}

func write(w http.ResponseWriter, status int, a answer) {
	body, err := json.Marshal(a)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away needs no answer
}

func parseTime(text string) (time.Time, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		whole, part := math.Modf(seconds)
		return time.Unix(int64(whole), int64(math.Round(part*1000))*int64(time.Millisecond)).UTC(), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("cannot parse %q to a valid timestamp", text)
}

func parseDuration(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if math.IsNaN(seconds) || math.Abs(seconds) > 1e9 {
			return 0, fmt.Errorf("cannot parse %q to a valid duration: it overflows", text)
		}
		return time.Duration(seconds * float64(time.Second)), nil
	}
	d, err := model.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("cannot parse %q to a valid duration", text)
	}
	return time.Duration(d), nil
}
