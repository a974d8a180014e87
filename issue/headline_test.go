package issue_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

func TestWorstFirst(t *testing.T) {
	i := func(id string, severity int, spent float64) alert.Incident {
		return alert.Incident{ID: id, Windows: []alert.Window{{Kind: alert.Burn, Severity: severity, BudgetSpent: spent}}}
	}
	var got []string
	for _, i := range issue.WorstFirst([]alert.Incident{i("d", 0, 0.9), i("b", 2, 0.2), i("c", 2, 0.1), i("a", 1, 0.01), i("e", 0, 0.9)}) {
		got = append(got, i.ID)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d", "e"}, got); diff != "" {
		t.Error(diff)
	}
}
