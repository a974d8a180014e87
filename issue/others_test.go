package issue_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

func TestOtherIncidentsAreToldOf(t *testing.T) {
	onset := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	made := func(group string, onset time.Time, length time.Duration) alert.Incident {
		return alert.Incident{ID: group + onset.String(), Group: group, Windows: []alert.Window{{
			Objective: slo.Objective{Name: group}, Kind: alert.Burn, Onset: onset, Detected: onset.Add(time.Minute), Ended: onset.Add(length),
		}}}
	}
	this := made("checkout", onset, 17*time.Minute)
	others := []alert.Incident{
		this,
		made("payment", onset.Add(-2*time.Hour), 2*time.Hour),
		made("payment", onset.Add(-2*time.Hour-time.Second), 4*time.Hour),              // began too long before
		made("checkout", onset.Add(time.Hour), time.Hour),                              // comes later
		made("checkout", onset.Add(-90*24*time.Hour-time.Hour-time.Second), time.Hour), // ended too long before
	}
	for n := range 7 {
		others = append(others, made("checkout", onset.Add(-time.Duration(n+1)*24*time.Hour), time.Hour))
	}
	others = append(others, made("checkout", onset.Add(-90*24*time.Hour-time.Hour), time.Hour))
	f, err := issue.NewFacts(this, others, func(id string) (issue.Publication, error) {
		pub := issue.Publication{Writes: []issue.Write{{Ref: issue.Ref{URL: "https://example.com/" + id}}}}
		if id == others[6].ID {
			pub.Triage = issue.Noise
		}
		return pub, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Earlier) != 5 || f.EarlierAll != 8 || f.Noise != 1 || !f.Earlier[0].Onset.Equal(onset.Add(-24*time.Hour)) || f.Earlier[0].URL == "" {
		t.Errorf("earlier ones: %d of %d: %+v", len(f.Earlier), f.EarlierAll, f.Earlier)
	}
	want := []issue.Entry{{
		Time: onset.Add(-2 * time.Hour), Text: "Another incident: payment began to miss its target", Source: "postburn", Symptom: true,
		URL: "https://example.com/" + others[1].ID,
	}}
	if diff := cmp.Diff(want, f.Timeline); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestExcludedIncidentsAreNoSign has an earlier incident, which overspent the budget, excluded.
func TestExcludedIncidentsAreNoSign(t *testing.T) {
	onset := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	window := func(kind alert.Kind, onset time.Time) alert.Window {
		return alert.Window{
			Objective: slo.Objective{Name: "checkout", Window: slo.Window{Rolling: 30 * 24 * time.Hour}}, Kind: kind,
			Onset: onset, Detected: onset.Add(time.Minute), Ended: onset.Add(time.Hour), Counts: slo.Counts{Total: 10, Bad: 5},
		}
	}
	this := alert.Incident{ID: "this", Windows: []alert.Window{window(alert.Burn, onset), window(alert.Budget, onset)}}
	before := alert.Incident{ID: "before", Windows: []alert.Window{window(alert.Burn, onset.Add(-24*time.Hour))}}
	for _, excluded := range []bool{false, true} {
		f, err := issue.NewFacts(this, []alert.Incident{before}, func(string) (p issue.Publication, err error) {
			if p.Triage = issue.Noise; excluded {
				p.Excluded = &issue.Exclusion{}
			}
			return p, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want := 1
		if excluded {
			want = 0
		}
		if f.EarlierAll != want || len(f.Earlier) != want || f.Noise != want || len(f.SpentBy) != 1+want {
			t.Errorf("excluded %v: %d earlier ones, %d of them noise, budget spent by %+v", excluded, f.EarlierAll, f.Noise, f.SpentBy)
		}
	}
}

func TestLookPast(t *testing.T) {
	for interval, want := range map[time.Duration]time.Duration{
		time.Second: 2 * time.Minute, 24 * time.Second: 2 * time.Minute, 25 * time.Second: 125 * time.Second, time.Minute: 5 * time.Minute,
	} {
		if got := issue.LookPast(interval); got != want {
			t.Errorf("for ticks of %s: %s, want %s", interval, got, want)
		}
	}
}

func TestLaterHalf(t *testing.T) {
	onset := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for length, want := range map[time.Duration]time.Duration{
		30 * time.Minute: 15 * time.Minute, 2 * time.Hour: time.Hour, 2*time.Hour + time.Second: time.Hour, 24 * time.Hour: time.Hour,
	} {
		ended := onset.Add(length)
		if got := ended.Sub(issue.LaterHalf(onset, ended)); got != want {
			t.Errorf("of %s: %s, want %s", length, got, want)
		}
	}
}
