package github

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// sample is a body with two tables, the second one longer, and a form.
func sample(rows int, filler string) string {
	var b strings.Builder
	b.WriteString("Summary.\n\n| Objective | Bad |\n|---|---|\n")
	for i := range 8 {
		fmt.Fprintf(&b, "| objective %d | 1 of many that there are in all of the many requests |\n", i)
	}
	b.WriteString("\n### Timeline\n\n| Time | What |\n|---|---|\n")
	for i := range rows {
		fmt.Fprintf(&b, "| row %d | ö happened |\n", i)
	}
	return b.String() + filler + "\n## Analysis\n\nThis part is for people to write.\n"
}

func TestFitBody(t *testing.T) {
	long := strings.Repeat("A sentence of prose.\n", 100)
	for name, tc := range map[string]struct {
		body    string
		limit   int
		want    []string
		without []string
	}{
		"short enough":            {sample(3, ""), 10_000, []string{sample(3, "")}, []string{"left out"}},
		"the timeline's end":      {sample(100, ""), 1200, []string{"| objective 7 |", "| row 0 |", "more rows are left out", "## Analysis", "for people to write"}, []string{"| row 99 |"}},
		"all that the longer has": {sample(100, ""), 890, []string{"| objective 7 |", "| row 4 |", "_95 more rows are left out"}, []string{"| row 5 |"}},
		"the ends of both":        {sample(100, ""), 800, []string{"| objective 4 |", "| row 4 |", "_95 more rows are left out", "_3 more rows", "## Analysis"}, []string{"| row 5 |", "| objective 5 |"}},
		"prose before the form":   {sample(100, long), 1000, []string{"Summary.", leftOut, "## Analysis", "for people to write"}, []string{"row 0"}},
		"a form that is too long": {"Summary.\n\n## Analysis\n" + long, 500, []string{"Summary.", leftOut}, nil},
		"one long line":           {strings.Repeat("ö", 1000), 500, []string{leftOut}, nil},
		"an open code block":      {"```mermaid\n" + long + "```\n", 500, []string{"```\n\n" + leftOut}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := fitBody(tc.body, tc.limit)
			if n := utf8.RuneCountInString(got); n > tc.limit {
				t.Errorf("%d characters, more than %d", n, tc.limit)
			}
			for _, want := range tc.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q is missing in\n%s", want, got)
				}
			}
			for _, other := range tc.without {
				if strings.Contains(got, other) {
					t.Errorf("%q is in\n%s", other, got)
				}
			}
		})
	}
}

func FuzzFitBody(f *testing.F) {
	f.Add(sample(20, "prose"), 300)
	f.Add("|a|\n|-|\n|b|\n|c|\n```\n## Analysis\n", 90)
	f.Add(strings.Repeat("\n", 500), 100)
	f.Fuzz(func(t *testing.T, body string, limit int) {
		if limit < 0 || limit > 5000 {
			return
		}
		got := fitBody(body, limit)
		if n := utf8.RuneCountInString(got); n > limit {
			t.Errorf("%d characters, more than %d", n, limit)
		}
		if utf8.RuneCountInString(body) > limit && limit > 200 && !strings.Contains(got, "left out") {
			t.Error("shortened without saying so")
		}
	})
}

func TestFitLabel(t *testing.T) {
	seen := map[string]string{}
	long := strings.Repeat("x", 45)
	for _, name := range []string{
		"postburn", "service:a", "service:a,b", "service:a b", "service:a\nb", "service:" + long, "service:" + long + "y", "service:" + long + "z",
		strings.Repeat("ö", 50), strings.Repeat("ö", 51), "\xff",
	} {
		got := fitLabel(name)
		if n := utf8.RuneCountInString(got); n > maxLabel || n == 0 || strings.ContainsAny(got, ",\n") {
			t.Errorf("fitLabel(%q) = %q of %d characters", name, got, n)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q are both %q", name, other, got)
		}
		seen[got] = name
	}
	if got := fitLabel("service:checkout"); got != "service:checkout" {
		t.Errorf("a name that fits became %q", got)
	}
}
