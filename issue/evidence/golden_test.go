package evidence_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/postmortem"
	"github.com/postburn/postburn/slo/prom/promtest"
)

// steady is a service that fails only by a fault.
func steady(s promtest.Service) promtest.Service {
	fails := s.Fails
	s.Fails = func(at time.Time, t promtest.Target, route string) float64 {
		if share := fails(at, t, route); share > 0.001 {
			return share
		}
		return 0
	}
	return s
}

// TestPostMortems compares the final texts of incidents in which every process restarted around the
// onset, and again at the end, with the goldens in testdata.
func TestPostMortems(t *testing.T) {
	for _, test := range []struct {
		file    string
		fault   fault
		summary []string // what it says above the facts
	}{
		{"bad-deploy.md", badDeploy(), []string{"route `/cart`", "version 4.3 appeared", "12 targets started"}},
		{"config-push.md", configPush(), []string{"tenant `dune`", "12 targets started"}},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			test.fault.service = steady(test.fault.service)
			i, e, asked := test.fault.collect(t)
			t.Logf("%d queries", asked)
			if asked > 50 {
				t.Errorf("%d queries", asked)
			}
			text, err := postmortem.Render(issue.Facts{Incident: i, Evidence: e, Interval: interval}, issue.Opening)
			if err != nil {
				t.Fatal(err)
			}
			summary, _, _ := strings.Cut(text.Body, "## Facts")
			for _, want := range test.summary {
				if !strings.Contains(summary, want) {
					t.Errorf("the summary does not say %s:\n%s", want, summary)
				}
			}
			compareGolden(t, test.file, "# "+text.Title+"\n\n"+text.Body)
		})
	}
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("run with -update, and read what changed:\n%s", diff)
	}
}
