package drill_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue/learn"
	"github.com/postburn/postburn/issue/learn/drill"
	"github.com/postburn/postburn/issue/learn/lint"
)

var update = flag.Bool("update", false, "write the golden files anew")

func scenarios(t *testing.T) []drill.Scenario {
	t.Helper()
	all, err := drill.All()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func subject() drill.Subject {
	return drill.Subject{
		Service: "shop", Objective: "`checkout`", Promise: "99.9 % over 30 days", Allowed: 0.001, Window: 30 * 24 * time.Hour, PerMinute: 1240,
		Noun: "request", Bad: "failed",
	}
}

// TestScenariosAreComplete holds the built-in scenarios to what a team needs.
func TestScenariosAreComplete(t *testing.T) {
	all := scenarios(t)
	if len(all) != 12 {
		t.Errorf("%d scenarios", len(all))
	}
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join("scenarios", s.Name+".yaml")); err != nil {
				t.Errorf("its file has another name: %v", err)
			}
			if len(s.Injects) < 4 || len(s.Phases) < 3 || len(s.Afterwards) < 2 || s.Behind == "" || s.About == "" || s.Injects[0].At != 0 {
				t.Errorf("something is missing: %+v", s)
			}
			if last := s.Phases[len(s.Phases)-1]; last.Bad != 0 {
				t.Errorf("it does not end well: %+v", last)
			}
			for _, i := range s.Injects {
				if len(i.Ask) == 0 {
					t.Errorf("minute %d asks nothing", i.At)
				}
				for _, q := range i.Ask {
					if !strings.ContainsAny(q, "?") {
						t.Errorf("no question: %s", q)
					}
				}
			}
			text := drill.Write(s, subject(), drill.Course{Noticed: true, Detected: 4 * time.Minute}, "")
			if strings.ContainsAny(text.Body, "{}") {
				t.Errorf("a name is left:\n%s", text.Body)
			}
		})
	}
}

func TestBetween(t *testing.T) {
	s, err := drill.Parse([]byte(`{name: x, title: X, minutes: 10, phases: [{from: 0, bad: 10%}, {from: 5, bad: 50%, traffic: 2}], injects: [{at: 0, title: t, text: x}]}`))
	if err != nil {
		t.Fatal(err)
	}
	sub := drill.Subject{PerMinute: 100}
	for _, tc := range []struct {
		from, to   time.Duration
		total, bad float64
	}{
		{0, 5 * time.Minute, 500, 50},
		{0, 10 * time.Minute, 1500, 550},
		{4 * time.Minute, 6 * time.Minute, 300, 110},
		{-time.Hour, 0, 6000, 0},
		{-time.Minute, time.Minute, 200, 10},
		{9 * time.Minute, 12 * time.Minute, 400, 100},
		{time.Hour, 2 * time.Hour, 6000, 0},
		{90 * time.Second, 90 * time.Second, 0, 0},
	} {
		total, bad := s.Between(sub, tc.from, tc.to)
		if diff := cmp.Diff([2]float64{tc.total, tc.bad}, [2]float64{total, bad}); diff != "" {
			t.Errorf("%s to %s (-want +got):\n%s", tc.from, tc.to, diff)
		}
	}
}

func TestParseProblems(t *testing.T) {
	const good = `{name: x, title: X, minutes: 10, phases: [{from: 0, bad: 10%}], injects: [{at: 0, title: t, text: "{service}"}]}`
	if _, err := drill.Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ from, to, want string }{
		{"name: x", "name: X y", "name must be made of a-z, 0-9 and -"},
		{"title: X", `title: ""`, "title must say in one line"},
		{"minutes: 10", "minutes: 1000", "minutes must be from 1 to 240, not 1000"},
		{"minutes: 10", "minutes: 10, sorrow: 1", "sorrow"},
		{"from: 0", "from: 1", "phases must begin with one from minute 0"},
		{"10%", "10", "bad must be a percentage like 30%"},
		{"10%", "110%", "bad must be a percentage like 30%"},
		{"bad: 10%}", "bad: 10%}, {from: 0, bad: 1%}", "phases: number 2 is from minute 0"},
		{"bad: 10%}", "bad: 10%}, {from: 10, bad: 1%}", "phases: number 2 is from minute 10"},
		{"bad: 10%", "bad: 10%, traffic: -1", "phases: number 1 has a traffic of -1"},
		{`{at: 0, title: t, text: "{service}"}`, "", "injects must have at least one"},
		{"at: 0", "at: 11", "injects: number 1 is at minute 11"},
		{"title: t", `title: " "`, "injects: number 1 must have a title and a text"},
		{"{service}", "{weather}", "{weather} stands for nothing; there are {service}"},
		{good, "x: [", "yaml"},
		{good, strings.Repeat(" ", 70_000), "a scenario has at most 64 KiB"},
	} {
		_, err := drill.Parse([]byte(strings.Replace(good, tc.from, tc.to, 1)))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", tc.to, err, tc.want)
		}
	}
}

// recorded is what postburn would have written, as the command has it.
const recorded = `checkout was unavailable.

## Facts

postburn wrote this part from what Prometheus recorded. All times are UTC.

### Impact

| Objective | Target | Onset (UTC) | End (UTC) | Events | Bad events | Error ratio | Peak burn rate | Budget spent |
|---|---|---|---|---:|---:|---:|---:|---:|
| ` + "`checkout`" + ` | 99.9 % over 30 days | 2026-12-03 10:00 | 10:42 | 52,080 | 29,239 | 56.1 % | 850× | 54.6 % |

### How it was resolved

shop was within its target again at 10:42 UTC on 2026-12-03, 42 minutes after onset.

_What ended it, and how do you know? If it ended by itself, say so._

### Timeline

| Time (UTC) | What happened | Source |
|---|---|---|
| 2026-12-03 10:00 | Onset: ` + "`checkout`" + ` began to miss its target | postburn |

## Analysis

This part is for people to write.

### Causes

_What came together here, and what had been waiting all along? What made it worse without being a fault?_

### What went well

_What kept this smaller or shorter than it could have been?_

### What went poorly

_What made this harder to notice, understand or end?_

### Follow-up actions

#### Short term

_What will you change this week, and who does it?_

#### Long term

_What would keep the next failure of this kind from reaching users, and who will see to it?_

---

Blameless: everyone did what made sense with what they knew then. Write what made it hard to do better, not who did it.
`

func TestWrite(t *testing.T) {
	for _, s := range scenarios(t) {
		if s.Name != "slow-dependency" {
			continue
		}
		text := drill.Write(s, subject(), drill.Course{Noticed: true, Detected: 8 * time.Minute}, recorded)
		got := "# " + text.Title + "\n\n" + text.Body
		golden := filepath.Join("testdata", s.Name+".md")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("run with -update and read the golden file:\n%s", diff)
		}
	}
}

// TestLint lints drills as they are, and filled in.
func TestLint(t *testing.T) {
	filled := strings.NewReplacer(
		"_What ended it, and how do you know? If it ended by itself, say so._", "We said that we would turn off the call with the flag `payments`; nobody had the right to.",
		"| postburn |\n\n## Analysis", "| postburn |\n| 10:20 | alice opened the dashboard, and found no panel for calls to others | alice |\n\n## Analysis",
		"_What came together here, and what had been waiting all along? What made it worse without being a fault?_",
		"- The client of payments has no timeout.\n- All calls share one pool of workers.",
		"_What kept this smaller or shorter than it could have been?_", "The runbook names the other team.",
		"_What made this harder to notice, understand or end?_", "There is no metric of what workers wait for.",
		"_What will you change this week, and who does it?_", "- [ ] Set a timeout on the client of payments (alice)",
		"_What would keep the next failure of this kind from reaching users, and who will see to it?_", "- [ ] Give each dependency a pool of workers of its own (bob)",
	)
	for _, s := range scenarios(t) {
		text := drill.Write(s, subject(), drill.Course{Noticed: true, Detected: 8 * time.Minute}, recorded).Body
		d := learn.Parse(text)
		if !d.IsPostMortem() || !d.Record.IsKnown() {
			t.Errorf("%s: lint does not know it: %+v", s.Name, d.Record)
		}
		empty := map[string]bool{}
		for _, f := range lint.Check(d) {
			empty[f.Text] = true
			if f.Rule != lint.EmptySection && f.Rule != lint.TimelinePeople {
				t.Errorf("%s, not filled in: %+v", s.Name, f)
			}
		}
		if !empty["Causes"] || len(empty) < 5 {
			t.Errorf("%s: lint does not see that it is not filled in: %v", s.Name, empty)
		}
		for _, f := range lint.Check(learn.Parse(filled.Replace(text))) {
			t.Errorf("%s, filled in: %+v", s.Name, f)
		}
	}
}

func TestPick(t *testing.T) {
	all := scenarios(t)
	seen := map[string]bool{}
	for day := range 60 {
		key := drill.Key("checkout", time.Date(2026, 12, 1+day, 9, 0, 0, 0, time.UTC))
		one := drill.Pick(all, key)
		if again := drill.Pick(all, key); again.Name != one.Name || !drill.IsKey(key) {
			t.Errorf("%s: %s, then %s", key, one.Name, again.Name)
		}
		seen[one.Name] = true
	}
	if len(seen) < 10 {
		t.Errorf("in 60 days there are only %v", fmt.Sprint(seen))
	}
}

func TestNothingNoticed(t *testing.T) {
	text := drill.Write(scenarios(t)[0], subject(), drill.Course{}, "## Analysis\n").Body
	if !strings.Contains(text, "postburn would have noticed **nothing** of this") || !strings.HasSuffix(text, "\n\n## Analysis\n") {
		t.Errorf("it says\n%s", text)
	}
}
