package learn

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	const text = `---
title: not this
---
# checkout was unavailable

Above all.

## Root Cause(s) ##

_What came together here?_

- The pool's limit was **20**.
  And it was ` + "`full`" + `.
- See [the docs](https://example.org/a?b=1), which say "nothing".

> Human error

as the vendor said.

#### What made it worse

TBD

## 4. Action items

| Action | Owner |
|---|---|
| Measure it | alice |

- [x] Done (bob)
- [ ] Open
  - owner: carol

---

Blameless: everyone did what made sense with what they knew then.

Not read any more.
`
	d := Parse(text)
	if d.Title != "checkout was unavailable" {
		t.Errorf("title %q", d.Title)
	}
	want := []Section{
		{Kind: Summary, Blocks: []Block{{Line: 6, Text: "Above all.", Said: "Above all."}}},
		{Kind: Causes, Title: "Root Cause(s)", Line: 8, Level: 2, Blocks: []Block{
			{Shape: Prompt, Line: 10, Text: "What came together here?", Said: "What came together here?"},
			{Shape: Item, Line: 12, Text: "The pool's limit was 20. And it was full.", Said: "The pool's limit was 20. And it was …."},
			{Shape: Item, Line: 14, Text: `See the docs, which say "nothing".`, Said: `See …, which say … .`, Links: []string{"https://example.org/a?b=1"}},
			{Shape: Quote, Line: 16, Text: "Human error"},
			{Line: 18, Text: "as the vendor said.", Said: "as the vendor said."},
			{Shape: Heading, Line: 20, Text: "What made it worse", Said: "What made it worse"},
			{Line: 22, Text: "TBD", Said: "TBD"},
		}},
		{Kind: FollowUps, Title: "4. Action items", Line: 24, Level: 2, Blocks: []Block{
			{Shape: Row, Line: 28, Text: "Measure it alice", Said: "Measure it alice", Names: []string{"action", "owner"}, Cells: []string{"Measure it", "alice"}},
			{Shape: Task, Line: 30, Text: "Done (bob)", Said: "Done (bob)", Done: true},
			{Shape: Task, Line: 31, Text: "Open owner: carol", Said: "Open owner: carol"},
		}},
	}
	if diff := cmp.Diff(want, d.Sections); diff != "" {
		t.Error(diff)
	}
	var written []string
	for _, b := range d.Of(Causes) {
		written = append(written, b.Text)
	}
	if len(written) != 4 {
		t.Errorf("people wrote %q", written)
	}
	if diff := cmp.Diff([]string{"alice", "bob"}, d.People()); diff != "" {
		t.Error(diff)
	}
	if !d.IsPostMortem() || Parse("# x\n\n## Usage\n").IsPostMortem() {
		t.Error("a post-mortem is one if it has sections of one")
	}
}

// TestForm reads postburn's own text: none of its sections is written by people.
func TestForm(t *testing.T) {
	text, err := os.ReadFile("../postmortem/testdata/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	d := Parse(string(text))
	for _, k := range []Kind{Resolved, Trigger, Causes, Well, Poorly, Lucky, FollowUps} {
		s, ok := d.Section(k)
		if written := s.Written(); !ok || len(written) > 0 {
			t.Errorf("%s: %v, %+v", k, ok, written)
		}
	}
	at := func(clock string) time.Time {
		at, err := time.Parse("2006-01-02 15:04", "2026-10-14 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	want := []Window{{
		Objective: "checkout-availability", Target: "99.9 % over 30 days", Onset: at("10:41"), Ended: at("11:22"),
		Events: 50969, Bad: 15337, ErrorRatio: 30.1, BudgetSpent: 45,
	}}
	if diff := cmp.Diff(want, d.Record.Windows); diff != "" {
		t.Error(diff)
	}
	if n := len(d.Record.Rows); n != 7 { // without those of people
		t.Errorf("%d rows of the timeline: %+v", n, d.Record.Rows)
	}
	if diff := cmp.Diff([]string{"alice", "bob", "carol"}, d.People()); diff != "" {
		t.Error(diff)
	}
}

// TestLocalFile reads a file of the local tracker: the numbers are those of the last comment, and
// lines keep their numbers.
func TestLocalFile(t *testing.T) {
	row := func(end, bad string) string {
		return "| Objective | Onset (UTC) | End (UTC) | Bad events |\n|---|---|---|---:|\n| `a` | 2026-10-14 10:41 | " + end + " | " + bad + " |\n"
	}
	text := "<!-- postburn key=a-1 -->\n# a\n\n" + row("still burning", "10") + "\n## Causes\n\nA pool.\n<!-- postburn end -->\n" +
		"\n---\n<!-- postburn key=a-1/recovery-1 -->\n\n" + row("11:22", "1,000") + "\n## Causes\n\nNot people's.\n<!-- postburn end -->\n\nA note.\n"
	d := Parse(strings.ReplaceAll(text, "\n", "\r\n"))
	if len(d.Record.Windows) != 1 || d.Record.Windows[0].Bad != 1000 || d.Record.IsOpen() {
		t.Errorf("record %+v", d.Record)
	}
	causes := d.Of(Causes)
	if len(causes) != 2 || causes[0].Text != "A pool." || causes[0].Line != 10 || causes[1].Text != "A note." {
		t.Errorf("causes %+v", causes)
	}
}

func TestOwner(t *testing.T) {
	for text, want := range map[string]string{
		"Measure it (alice)":                        "alice",
		"Measure it (alice, by Friday)":             "alice",
		"Measure it @alice":                         "alice",
		"Measure it (@acme/checkout)":               "acme/checkout",
		"Measure it, owner: alice":                  "alice",
		"alice measures it":                         "alice",
		"Bob will measure it":                       "Bob",
		"Carol: measure it":                         "Carol",
		"Measure it (platform team)":                "platform team",
		"Measure it, see #12":                       "issue",
		"[Measure it](https://example.org/1)":       "issue",
		"Measure it (this week)":                    "",
		"Measure it (owner: TBD)":                   "",
		"Measure it":                                "",
		"Switch to a pool of its own":               "",
		"Measure it with Prometheus, or in Grafana": "",
	} {
		d := Parse("## Action items\n\n- [ ] " + text + "\n")
		name, ok := d.Of(FollowUps)[0].Owner([]string{"alice"})
		if ok && name == "" {
			name = "issue"
		}
		if name != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", text, name, ok, want)
		}
	}
}
