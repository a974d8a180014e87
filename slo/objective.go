package slo

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Objective is one service-level objective: what is measured, how much of it must be good, and over
// which window.
type Objective struct {
	Name        string            `json:"name"` // unique in all SLO files
	Service     string            `json:"service"`
	Description string            `json:"description,omitempty"`
	Owner       string            `json:"owner,omitempty"` // a GitHub user or team, "@acme/checkout"
	Target      Decimal           `json:"target"`          // the share of events that has to be good, in (0, 1)
	Window      Window            `json:"window"`
	Source      string            `json:"source,omitempty"` // the Prometheus, or tenant, that has its series; empty: the default one
	Indicator   Indicator         `json:"indicator"`
	GroupBy     []string          `json:"group_by,omitempty"` // label names: one history a label set
	Delay       time.Duration     `json:"delay,omitempty"`    // how long after a tick its sample is taken; 0: the daemon's default
	Exclude     string            `json:"exclude,omitempty"`  // PromQL that is true during planned work
	Links       map[string]string `json:"links,omitempty"`    // name to URL: runbook, dashboard
}

// DefaultSource is how people name the default source, which Objective.Source leaves empty.
const DefaultSource = "default"

// Window is the period over which a target holds: rolling, or of the calendar.
type Window struct {
	Rolling  time.Duration `json:"rolling,omitempty"`
	Calendar string        `json:"calendar,omitempty"` // "week", "month" or "quarter"; empty: rolling
	Timezone string        `json:"timezone,omitempty"` // IANA name, of a calendar window; empty: UTC
}

// Indicator is what is measured. Exactly one field is set.
type Indicator struct {
	Ratio   *Ratio   `json:"ratio,omitempty"`
	Latency *Latency `json:"latency,omitempty"`
	Bool    string   `json:"bool,omitempty"` // PromQL that is true or false, counted per tick
	Sampled *Sampled `json:"sampled,omitempty"`
}

// Caveats returns what makes all numbers of an indicator less than exact.
func (i Indicator) Caveats() []Caveat {
	if i.Sampled == nil {
		return nil
	}
	return []Caveat{{Kind: OnceATick, Count: 1}}
}

// Ratio counts good or bad events out of a total. Each field is PromQL: a vector selector of
// counters, or several joined by `or`. Total is set, and one of Good and Bad.
type Ratio struct {
	Good  string `json:"good,omitempty"`
	Bad   string `json:"bad,omitempty"`
	Total string `json:"total"`
}

// Latency counts as good the events of a histogram that took at most the threshold.
type Latency struct {
	Histogram string        `json:"histogram"` // PromQL: a vector selector of a classic or native histogram, without _bucket
	Threshold time.Duration `json:"threshold"`
	Unit      time.Duration `json:"unit,omitempty"` // what 1 means in the metric; 0: a second
}

// Sampled is measured once a tick by any PromQL that has a number then. ErrorRatio is set, or Bad
// and Total.
//
// A tick with an error ratio is one event, bad by that part: all ticks weigh the same. With Bad and
// Total, each tick has as many events as these say, so it weighs by its total. They may be amounts
// or rates, as long as both have one unit.
type Sampled struct {
	Bad        string `json:"bad,omitempty"`
	Total      string `json:"total,omitempty"`
	ErrorRatio string `json:"error_ratio,omitempty"`
}

// Labels is a label set in its canonical text, `{pod="a",zone="b"}` sorted by name, so that it can
// be compared and be a map's key. As in PromQL, names with other characters than letters, digits
// and _ are quoted: `{"service.name"="a"}`. The empty label set is the empty string.
type Labels string

// NewLabels returns the canonical text of a label set.
func NewLabels(set map[string]string) Labels {
	return writeLabels(set, slices.Sorted(maps.Keys(set)))
}

// PickLabels returns the canonical text of those labels of a set that are named and not empty.
func PickLabels(set map[string]string, names []string) Labels {
	picked := make([]string, 0, len(names))
	for _, name := range names {
		if set[name] != "" {
			picked = append(picked, name)
		}
	}
	slices.Sort(picked)
	return writeLabels(set, slices.Compact(picked))
}

func writeLabels(set map[string]string, names []string) Labels {
	if len(names) == 0 {
		return ""
	}
	text := make([]byte, 0, 64)
	for i, name := range names {
		text = append(text, "{,"[min(i, 1)])
		text = append(append(text, quoteName(name)...), '=')
		text = strconv.AppendQuote(text, set[name])
	}
	return Labels(append(text, '}'))
}

// Map returns the label set as a map, never nil.
func (l Labels) Map() map[string]string {
	set := map[string]string{}
	for rest := strings.Trim(string(l), "{}"); rest != ""; {
		name, after, ok := cutName(rest)
		quoted, err := strconv.QuotedPrefix(after)
		if !ok || err != nil {
			break
		}
		set[name], _ = strconv.Unquote(quoted)
		rest = strings.TrimPrefix(after[len(quoted):], ",")
	}
	return set
}

// quoteName writes a label's name as PromQL does: quoted if it has other characters than letters,
// digits and _.
func quoteName(name string) string {
	isPlain := func(i int, r rune) bool {
		return r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' && i > 0
	}
	for i, r := range name {
		if !isPlain(i, r) {
			return strconv.Quote(name)
		}
	}
	return name
}

// cutName splits the text of labels after the first name and its `=`; ok is false if there is none.
func cutName(text string) (name, after string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		return strings.Cut(text, "=")
	}
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return "", "", false
	}
	name, _ = strconv.Unquote(quoted)
	after, ok = strings.CutPrefix(text[len(quoted):], "=")
	return name, after, ok
}

// MarshalJSON writes a label set as an object of names and values.
func (l Labels) MarshalJSON() ([]byte, error) { return json.Marshal(l.Map()) }

// UnmarshalJSON reads an object of names and values.
func (l *Labels) UnmarshalJSON(data []byte) error {
	var set map[string]string
	if err := json.Unmarshal(data, &set); err != nil {
		return err
	}
	*l = NewLabels(set)
	return nil
}

// ID names one history: an objective's name, and a label set if it has `group_by`.
type ID struct {
	SLO    string `json:"slo"`
	Labels Labels `json:"labels"`
}

// String returns the name followed by the label set: `checkout{region="eu"}`.
func (id ID) String() string { return id.SLO + string(id.Labels) }

// Compare orders by name, then by label set.
func (id ID) Compare(other ID) int {
	if c := strings.Compare(id.SLO, other.SLO); c != 0 {
		return c
	}
	return strings.Compare(string(id.Labels), string(other.Labels))
}
