package web

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/humanize"
)

const (
	// patience is how long a page waits for the details of an objective whose samples are just
	// being read.
	patience = 3 * time.Second
	// maxStretches is how many bars a chart has at most.
	maxStretches = 120
	// longestLabels is how long a label set in an address may be; a longer one has its digest
	// there.
	longestLabels = 100
	// maxSets is how many label sets an objective's page lists.
	maxSets = 200
)

// ranges are the lengths of time that an objective's page can show, besides the window.
var ranges = []time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour}

// objectiveView is the page of an objective, or of one of its label sets.
type objectiveView struct {
	page
	objectiveRow
	Links        []namedLink
	Sets         []setRow // the worst first; none if there is only one
	HiddenSets   int
	Ranges       []rangeLink
	Busy         bool // its details could not be had in time
	Attained     []attainedRow
	Rules        []ruleRow
	Course       *courseView
	BurnDown     *leftView
	Terms        []term
	Timed        bool        // it is known, in whole or in part, how long events took
	TimedInPart  bool        // Prometheus did not answer all that was asked
	History      []changeRow // of the definition, newest first
	Query        string      // PromQL to look at it; empty: none
	QueryAddress string      // of Prometheus with this query; empty: not known
	Explore      string      // of Grafana with this query; empty: not known
	Incidents    incidentList
}

// setRow is a label set in a list of them.
type setRow struct {
	objectiveRow
	Current bool
}

// rangeLink leads to the same page with another length of time.
type rangeLink struct {
	Text, Address string
	Current       bool
}

// attainedRow is what was attained over a length of time.
type attainedRow struct {
	Period   string
	Attained string // empty: not known
	Missed   bool   // less than the target
	slo.Counts
	BurnRate float64
	Unseen   time.Duration
	Took     []string // p50, p95 and p99 of a latency; none if not known
}

// ruleRow says how near a rule is to firing.
type ruleRow struct {
	Rate, Long, Short           string
	LongBurnRate, ShortBurnRate float64
	Near                        string // in per cent, at most 100
	Fires                       bool
	Lacks                       string // what keeps it from firing though both rates are above; empty: nothing
}

// term is a part of an objective's definition.
type term struct {
	Name, Text string
	Code       bool
}

func (h pageHandler) objective(w http.ResponseWriter, r *http.Request) {
	d := h.data.Load()
	if d == nil {
		h.starting(w, "../")
		return
	}
	now, name, query := time.Now(), r.PathValue("name"), r.URL.Query()
	sets := d.standing(r.Context(), now).byName[name]
	chosen := chooseSet(sets, query)
	length, err := rangeOf(query)
	switch {
	case err != nil:
		h.show(w, http.StatusBadRequest, "message", message{page{Title: "No such range · postburn", Root: "../", Now: now}, "No such range", shown(err.Error()) + "."})
		return
	case chosen < 0:
		h.show(w, http.StatusNotFound, "message", message{
			page{Title: "No such objective · postburn", Root: "../", Now: now}, "No such objective",
			"postburn watches no objective “" + shown(name) + "” with these labels. It may have another name now, or be gone from the SLO files; its incidents are still in the list of incidents.",
		})
		return
	}
	v, err := newObjectiveView(r.Context(), now, d, sets, chosen, length)
	if err != nil {
		h.unreadable(w, "../", fmt.Errorf("reading the incidents of %s: %w", name, err))
		return
	}
	h.show(w, http.StatusOK, "objective", v)
}

// statusesOf returns how the label sets of an objective stand, the worst first.
func statusesOf(all []alert.Status, name string) (sets []alert.Status) {
	for _, s := range all {
		if s.Objective.Name == name {
			sets = append(sets, s)
		}
	}
	worstFirst(sets)
	return sets
}

// worstFirst sorts how the label sets of an objective stand.
func worstFirst(sets []alert.Status) {
	slices.SortStableFunc(sets, func(a, b alert.Status) int {
		return cmp.Or(cmp.Compare(sectionOf(a), sectionOf(b)), cmp.Compare(a.BudgetRemaining, b.BudgetRemaining))
	})
}

// chooseSet returns which label set the query asks for, by its labels or their digest: the worst
// unless it names one; -1 if there is none.
func chooseSet(sets []alert.Status, query url.Values) int {
	labels, set := query.Get("labels"), query.Get("set")
	if !query.Has("labels") && set == "" {
		return min(0, len(sets)-1)
	}
	return slices.IndexFunc(sets, func(s alert.Status) bool {
		return set != "" && digest(s.Labels) == set || set == "" && string(s.Labels) == labels
	})
}

// digest names a label set that is too long for an address, such as "2x8f0k1m5q9ab".
func digest(labels slo.Labels) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(labels)) // a hash takes all
	return strconv.FormatUint(h.Sum64(), 36)
}

// rangeOf returns the length of time that the query asks for; 0 is the objective's window.
func rangeOf(query url.Values) (time.Duration, error) {
	text := query.Get("range")
	if text == "" {
		return 0, nil
	}
	length, err := model.ParseDuration(text)
	if err != nil || length <= 0 {
		return 0, fmt.Errorf("range must be a length of time like 6h or 3d, not %.50q", text)
	}
	return time.Duration(length), nil
}

// objectiveAddress is that of an objective's page, relative to the first page.
func objectiveAddress(id slo.ID, length time.Duration) string {
	query := url.Values{}
	switch {
	case len(id.Labels) > longestLabels:
		query.Set("set", digest(id.Labels))
	case id.Labels != "":
		query.Set("labels", string(id.Labels))
	}
	if length > 0 {
		query.Set("range", slo.FormatDuration(length))
	}
	address := "slos/" + url.PathEscape(id.SLO)
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

func newObjectiveView(ctx context.Context, now time.Time, d *Data, sets []alert.Status, chosen int, length time.Duration) (objectiveView, error) {
	s := sets[chosen]
	id := slo.ID{SLO: s.Objective.Name, Labels: s.Labels}
	open, err := d.openIncidents(ctx)
	if err != nil {
		return objectiveView{}, err
	}
	byObjective := openIncidents(open.incidents)
	v := objectiveView{
		page:         page{Title: string(s.State) + ": " + shown(id.String()) + " · postburn", Root: "../", Now: now},
		objectiveRow: newObjectiveRow(now, s, byObjective), Links: linksOf(s.Objective.Links),
		Ranges: rangeLinks(id, s.Objective, length), HiddenSets: max(0, len(sets)-maxSets),
	}
	for i, other := range sets[:len(sets)-v.HiddenSets] {
		if len(sets) > 1 || s.Labels != "" {
			v.Sets = append(v.Sets, setRow{newObjectiveRow(now, other, byObjective), i == chosen})
		}
	}
	detail, ok := d.detail(ctx, s, length)
	v.Busy = !ok && d.Details != nil && !s.Tick.IsZero()
	breaches, err := v.addIncidents(ctx, now, d, id, detail.Policy.Group, open)
	if err != nil {
		return v, err
	}
	if ok {
		v.addDetail(detail, length, breaches)
		v.addDurations(ctx, d, detail)
	}
	v.addTerms(s, detail, ok)
	v.addHistory(d, s)
	v.addQuery(d, s)
	return v, nil
}

// detail asks for the details of a label set; ok is false if they can't be had in time.
func (d *Data) detail(ctx context.Context, s alert.Status, length time.Duration) (found alert.Detail, ok bool) {
	if d.Details == nil || s.Tick.IsZero() {
		return found, false
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	details, err := d.Details(ctx, s.Objective.Name, length, maxStretches)
	i := slices.IndexFunc(details, func(d alert.Detail) bool { return d.Labels == s.Labels })
	if err != nil || i < 0 {
		return found, false
	}
	return details[i], true
}

func rangeLinks(id slo.ID, o slo.Objective, length time.Duration) (links []rangeLink) {
	for _, l := range ranges {
		if l < o.Window.Length() {
			links = append(links, rangeLink{slo.FormatDuration(l), "../" + objectiveAddress(id, l), l == length})
		}
	}
	return append(links, rangeLink{o.Window.String(), "../" + objectiveAddress(id, 0), length == 0})
}

// addIncidents lists the open incidents of the objective and the newest that are over, and returns
// their breach windows.
func (v *objectiveView) addIncidents(ctx context.Context, now time.Time, d *Data, id slo.ID, group string, open openOnes) (breaches []breach, err error) {
	over, err := d.breachesOfGroup(ctx, group, open)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, b := range append(breachesOf(open.incidents), over...) {
		if b.of == id {
			breaches, ids = append(breaches, b), append(ids, b.incident)
		}
	}
	ids = slices.Compact(ids)
	its, err := d.Store.IncidentsByID(ctx, ids[:min(len(ids), maxRecent)])
	if err != nil {
		return nil, err
	}
	v.Incidents = newIncidentList(now, "Its incidents, newest first", its, maxRecent, d.standing(ctx, now).blind)
	v.Incidents.Root = v.Root
	return breaches, addSummaries(ctx, d.Store, v.Incidents.Rows)
}

func (v *objectiveView) addDetail(d alert.Detail, length time.Duration, breaches []breach) {
	for _, a := range d.Attained {
		v.Attained = append(v.Attained, newAttainedRow(a, d.Objective))
	}
	for _, r := range d.Rules {
		v.Rules = append(v.Rules, newRuleRow(r, d.Policy))
	}
	v.Course = newCourse(d, breaches)
	if length == 0 {
		v.BurnDown = newLeft(d)
	}
}

func newAttainedRow(a alert.Attained, o slo.Objective) attainedRow {
	row := attainedRow{
		Period: "the last " + humanize.Period(a.Length), Counts: a.Counts, BurnRate: slo.BurnRate(a.Counts, o.Target), Unseen: a.Unseen,
	}
	if a.Total > 0 {
		row.Attained, row.Missed = attained(a.Counts, o.Target), slo.BurnRate(a.Counts, o.Target) > 1
	}
	return row
}

// attained writes the share of good events with two digits more than the target has. It is cut off
// and not rounded: what misses the target never looks as if it met it.
func attained(c slo.Counts, target slo.Decimal) string {
	_, fraction, _ := strings.Cut(strings.TrimSuffix(target.Percent(), " %"), ".")
	digits := len(fraction) + 2
	shift := math.Pow10(digits)
	good := math.Floor((c.Total-c.Bad)/c.Total*100*shift+1e-6) / shift
	return unbroken(strconv.FormatFloat(good, 'f', digits, 64) + " %")
}

func newRuleRow(r alert.RuleStatus, p alert.Policy) ruleRow {
	row := ruleRow{
		Rate: humanize.Times(r.Rate.Float()), Long: slo.FormatDuration(r.Long), Short: slo.FormatDuration(r.Short),
		LongBurnRate: r.LongBurnRate, ShortBurnRate: r.ShortBurnRate, Near: humanize.Decimal(100*min(1, r.Nearness()), 1),
		Fires: r.Nearness() > 1,
	}
	if row.Fires && r.Bad < p.MinBadEvents {
		row.Fires, row.Lacks = false, fmt.Sprintf("%s of the %s bad events that it takes", humanize.Count(r.Bad), humanize.Count(p.MinBadEvents))
	}
	return row
}

// graphed is how much of the past Prometheus draws at first.
const graphed = 6 * time.Hour

// addQuery adds what to look at in Prometheus.
func (v *objectiveView) addQuery(d *Data, s alert.Status) {
	if d.Graph == nil {
		return
	}
	query, err := d.Graph(s.Objective, s.Labels)
	if err != nil {
		return // it can't be read either, and the page says so
	}
	v.Query = printable(query)
	place := d.Places[s.Objective.Source]
	v.QueryAddress = issue.GraphURL(link(place.PrometheusURL), query, time.Time{}, graphed)
	v.Explore = place.Grafana.explore(query)
}
