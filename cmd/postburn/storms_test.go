package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
)

// sevenOf are incidents of as many groups, one a minute.
func sevenOf(kind alert.Kind) (all []alert.Incident) {
	for n := range 7 {
		at := time.Date(2026, 3, 2, 10, n, 0, 0, time.UTC)
		all = append(all, alert.Incident{
			ID: fmt.Sprintf("service-%d", n), Group: fmt.Sprint(n), Windows: []alert.Window{{Kind: kind, Onset: at, Detected: at}},
		})
	}
	return all
}

func TestStormsAreTold(t *testing.T) {
	incidents := sevenOf(alert.Burn)
	var quiet, told strings.Builder
	printStorms(&quiet, incidents[:5])
	printStorms(&told, incidents)
	want := `
A storm: 7 incidents of kind burn were detected from 2026-03-02 10:00:00 to 2026-03-02 10:06:00. Those not published before the sixth would have shared an issue:
  service-0
  service-1
  service-2
  service-3
  service-4
  service-5
  service-6
`
	if diff := cmp.Diff(want, told.String()); diff != "" || quiet.Len() > 0 {
		t.Errorf("of five %q is told; of seven (-want +got):\n%s", quiet.String(), diff)
	}
}

// TestStormsAsJSON has five incidents, which are no storm, and seven.
func TestStormsAsJSON(t *testing.T) {
	incidents := sevenOf(alert.Blindness)
	for n, want := range map[int]string{
		5: `[]`,
		7: `[{"kind":"blind","first_detected":"2026-03-02T10:00:00Z","last_detected":"2026-03-02T10:06:00Z",` +
			`"incidents":["service-0","service-1","service-2","service-3","service-4","service-5","service-6"]}]`,
	} {
		if text, err := json.Marshal(stormsOf(incidents[:n])); err != nil || string(text) != want {
			t.Errorf("of %d: %s, %v", n, text, err)
		}
	}
}
