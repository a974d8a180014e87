package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo"
)

func defaultSeverities() []alert.Severity {
	return []alert.Severity{{Level: 1, Outage: 5 * time.Minute}, {Level: 2, BudgetSpent: slo.MustDecimal("10%")}}
}

// TestDefaultsSaidOrNot reads one slo that says a default, and one that leaves it out: they are the
// same.
func TestDefaultsSaidOrNot(t *testing.T) {
	found := 0
	for _, k := range Keys() {
		if k.Default == "" {
			continue
		}
		found++
		t.Run(k.Path(), func(t *testing.T) {
			said, unsaid := k.Name+": "+k.Default, ""
			for at := k.In; at != ""; {
				var name string
				if i := strings.LastIndex(at, "."); i >= 0 {
					at, name = at[:i], at[i+1:]
				} else {
					at, name = "", at
				}
				said, unsaid = fmt.Sprintf("%s: {%s}", name, said), fmt.Sprintf("%s: {%s}", name, unsaid)
			}
			with, problems := Native([]byte(one+"    "+said+"\n"), "slo.yaml")
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			without, problems := Native([]byte(one+"    "+unsaid+"\n"), "slo.yaml")
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			if d := cmp.Diff(without, with, cmp.AllowUnexported(slo.Decimal{})); d != "" {
				t.Errorf("unsaid, and said as %q (-unsaid +said):\n%s", said, d)
			}
		})
	}
	if found < 10 {
		t.Errorf("only %d keys have defaults", found)
	}
}

// TestKeysAreWhole has each key say what it is, once.
func TestKeysAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Keys() {
		if k.Name == "" || k.Value == "" || k.About == "" || seen[k.Path()] || k.Missing != "" && k.Default != "" {
			t.Errorf("%+v", k)
		}
		seen[k.Path()] = true
	}
	if d := alert.DefaultQuiet(); d.Below != slo.MustDecimal(keyAt("incident.quiet.below").Default) || d.After.Minutes() != 15 {
		t.Errorf("package alert has other defaults of quiet: %+v", d)
	}
}

// TestEachKeyIsMeant misspells each key: the message names the one that was meant.
func TestEachKeyIsMeant(t *testing.T) {
	for _, k := range Keys() {
		if len(k.Name) < 3 {
			continue
		}
		s := schemaOf(k.In, "it")
		wrong := k.Name[1:2] + k.Name[:1] + k.Name[2:]
		d := newDocument([]byte(wrong+": 1\n"), "slo.yaml")
		found, _ := field{doc: d, value: d.parse([]byte(wrong + ": 1\n"))[0]}.mapping(s)
		if _, there := found[k.Name]; !there || len(d.problems) != 1 || d.problems[0].Text != fmt.Sprintf("unknown key %q; did you mean %s?", wrong, k.Name) {
			t.Errorf("%s in %s: %v", wrong, k.In, d.problems)
		}
	}
}
