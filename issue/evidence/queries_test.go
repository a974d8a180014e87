package evidence_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/evidence"
	"github.com/postburn/postburn/slo"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// TestQueriesOfTheSLOFile asks queries around a breach from noon to 12:40. Values are a minute
// apart, from 10:00 on.
func TestQueriesOfTheSLOFile(t *testing.T) {
	for _, tc := range []struct {
		name, series, query string
		want                []string
	}{
		{"rises before the onset, and comes back", "depth 10 14 10x98 50 900 4321 900 20 12x100", "depth",
			[]string{"11:41:00 Depth was 10 to 14 before: it rose to 4321 by 11:43:00, and was 12 at 12:42:30"}},
		{"falls and stays", "free 0.52x115 0.031x200", "free",
			[]string{"11:56:00 Depth was 0.52 before: it fell to 0.031, and was 0.031 at 12:42:30"}},
		{"stays", "depth 10 14 12x200", "depth", []string{"12:00:00 Depth stayed as it was before, 10 to 14"}},
		{"leaves its range by too little to tell", "depth 100 140 120x118 148x100", "depth", []string{"12:00:00 Depth stayed as it was before, 100 to 140"}},
		{"was out of its range for a while, and then farther", "depth 0x70 5x5 0x44 9x100", "depth",
			[]string{"12:02:00 Depth was 0 before: it rose to 9, and was 9 at 12:42:30"}},
		{"one of two series", "depth{q=\"a\"} 1x121 7x100\ndepth{q=\"b\"} 1x200", "depth",
			[]string{`12:02:00 Depth {q="a"} was 1 before: it rose to 7, and was 7 at 12:42:30`}},
		{"none of two series", "depth{q=\"a\"} 1x200\ndepth{q=\"b\"} 1x200", "depth", []string{"12:00:00 Depth stayed as it was before, in all 2 series"}},
		{"those that changed most", "d{q=\"a\"} 1x121 7x100\nd{q=\"b\"} 1x121 8x100\nd{q=\"c\"} 1x121 9x100\nd{q=\"d\"} 1x121 6x100", "d", []string{
			`12:02:00 Depth {q="c"} was 1 before: it rose to 9, and was 9 at 12:42:30`,
			`12:02:00 Depth {q="b"} was 1 before: it rose to 8, and was 8 at 12:42:30`,
			`12:02:00 Depth {q="a"} was 1 before: it rose to 7, and was 7 at 12:42:30`,
		}},
		{"no past", "depth _x115 7x100", "depth", []string{"Depth could not be found out: it has no values in the hour before last, or none since the onset."}},
		{"no such metric", "", "depth", []string{"Depth could not be found out: it has no values in the hour before last, or none since the onset."}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := promtest.Start(t)
			if err := server.Load(minute(-120), time.Minute, tc.series); err != nil {
				t.Fatal(err)
			}
			o := &opened{client: newClient(t, server.URL())}
			e := evidence.New(evidence.Options{
				Open: o.open, Interval: interval, Newest: func() time.Time { return minute(60) },
				Settings: func(string) issue.Settings {
					return issue.Settings{Evidence: issue.EvidenceQuery{Queries: map[string]string{"Depth": tc.query}}}
				},
			})(t.Context(), alert.Incident{ID: "a", Windows: []alert.Window{{
				Objective: objective().Objective, Kind: alert.Burn, Onset: noon, Detected: minute(2), Ended: minute(40), Counts: slo.Counts{Total: 1000, Bad: 100},
			}}})
			var got []string
			for _, row := range e.Timeline {
				got = append(got, fmt.Sprintf("%s %s", row.Time.Format(time.TimeOnly), row.Text))
			}
			for _, text := range e.Unresolved {
				if strings.HasPrefix(text, "Depth") {
					got = append(got, text)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}
