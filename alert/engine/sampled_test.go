package engine_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo"
)

// TestWindowsOfSampled checks that windows say that their numbers are measured once a tick.
func TestWindowsOfSampled(t *testing.T) {
	def := definition("errors")
	def.Objective.Indicator = slo.Indicator{Sampled: &slo.Sampled{ErrorRatio: "ratio"}}
	def.Policy.MinBadEvents = 0
	m := newMemory(t, "00", interval, epoch, def)
	for n := range 300 {
		s := good(1)
		if n >= 100 && n < 120 {
			s = bad(1, 0.5)
		}
		m.step(s)
	}
	want := []slo.Caveat{{Kind: slo.OnceATick, Count: 1}}
	if len(m.windows()) == 0 {
		t.Fatal("there is no breach window")
	}
	for _, w := range m.windows() {
		if diff := cmp.Diff(want, withoutEstimate(w.Caveats)); diff != "" {
			t.Errorf("caveats of the window of kind %s (-want +got):\n%s", w.Kind, diff)
		}
	}
}
