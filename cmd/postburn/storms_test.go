package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
)

func TestStormsAreTold(t *testing.T) {
	var incidents []alert.Incident
	for n := range 7 {
		at := time.Date(2026, 3, 2, 10, n, 0, 0, time.UTC)
		incidents = append(incidents, alert.Incident{
			ID: fmt.Sprintf("service-%d", n), Group: fmt.Sprint(n), Windows: []alert.Window{{Kind: alert.Burn, Onset: at, Detected: at}},
		})
	}
	var quiet, told strings.Builder
	printStorms(&quiet, incidents[:5])
	printStorms(&told, incidents)
	want := `
A storm: 7 incidents were detected from 2026-03-02 10:00:00 to 2026-03-02 10:06:00. Those not published before the sixth would have shared an issue:
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
