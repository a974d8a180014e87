package daemon

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

func TestRedefinitionsAreToldOf(t *testing.T) {
	onset := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	defined := func(name, target string) alert.Definition {
		return alert.Definition{Objective: slo.Objective{Name: name, Target: slo.MustDecimal(target)}}
	}
	var r redefined
	for _, step := range []struct {
		minute int
		defs   []alert.Definition
	}{
		{-200, []alert.Definition{defined("a", "99%"), defined("b", "99%")}},
		{-150, []alert.Definition{defined("a", "98%"), defined("b", "99%")}},
		{-20, []alert.Definition{defined("a", "99.9%"), defined("b", "99.9%")}},
		{-10, []alert.Definition{defined("a", "99.9%"), defined("b", "99.9%"), defined("c", "99%")}},
		{20, []alert.Definition{defined("a", "99%"), defined("c", "99%")}},
		{30, []alert.Definition{defined("a", "99%")}},
		{50, []alert.Definition{defined("a", "90%"), defined("c", "99%")}},
	} {
		r.took(onset.Add(time.Duration(step.minute)*time.Minute), step.defs)
	}
	i := alert.Incident{Windows: []alert.Window{
		{Objective: slo.Objective{Name: "a"}, Onset: onset, Ended: onset.Add(40 * time.Minute)},
		{Objective: slo.Objective{Name: "c"}, Onset: onset, Ended: onset.Add(30 * time.Minute)},
	}}
	var got []string
	for _, e := range r.changes(t.Context(), i).Timeline {
		got = append(got, fmt.Sprintf("%s %s", e.Time.Format("15:04"), e.Text))
	}
	want := []string{
		"09:40 SLO file changed: a: target 98 % → 99.9 %", "09:50 SLO file changed: c is new", "10:20 SLO file changed: a: target 99.9 % → 99 %",
		"10:30 SLO file changed: c is gone",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
