package people_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/people"
)

func TestPastedChat(t *testing.T) {
	written := time.Date(2026, 11, 29, 10, 30, 0, 0, time.UTC)
	const two = "2026-11-29 09:12:00 alex: restarting nginx; 2026-11-29 09:14:00 Bob B.: it is back"
	for name, tc := range map[string]struct{ body, want string }{
		"brackets":             {"[09:12] alex: restarting nginx\n[09:14] Bob B.: it is back", two},
		"one line in brackets": {"[09:12] alex: restarting nginx", "2026-11-29 09:12:00 alex: restarting nginx"},
		"after some words":     {"From the channel:\r\n\r\n[09:12] alex: restarting nginx\r\n[09:14] Bob B.: it is back\r\n", two},
		"in a block of code":   {"```text\n[09:12] alex: restarting nginx\n[09:14] Bob B.: it is back\n```", two},
		"quoted":               {"> [09:12] alex: restarting nginx\n> [09:14] Bob B.: it is back", two},
		"Slack, older":         {"alex  [9:12 AM]\nrestarting nginx\nBob B.  [9:14 AM]\nit is\n\nback\n:eyes: 2\n3 replies", two},
		"Slack":                {"alex  9:12 AM\nrestarting nginx\nBob B.  9:14 AM\nit is back (edited)", two + " (edited)"},
		"Slack, in two lines":  {"alex\n  9:12 AM\nrestarting nginx\n9:13\nslow today\nBob B.\n  9:14 AM\nit is back", strings.Replace(two, "; ", "; 2026-11-29 09:13:00 alex: slow today; ", 1)},
		"Slack, 24 hours":      {"alex  09:12\nrestarting nginx\nBob B.  09:14\nit is back", two},
		"Teams":                {"[09:12] alex\nrestarting nginx\n\n[09:14] Bob B.\nit is back", two},
		"Teams, with dates":    {"[29.11.2026 09:12] alex\nrestarting nginx\n\n[29.11.2026 09:14] Bob B.\nit is back", two},
		"Discord":              {"alex — Today at 9:12 AM\nrestarting nginx\nBob B. — Today at 9:14 AM\nit is back", two},
		"Discord, compact":     {"[9:12 AM]alex: restarting nginx\n[9:14 AM]Bob B.: it is back", two},
		"IRC":                  {"09:12 <@alex> restarting nginx\n09:14 <Bob B.> it is back", two},
		"IRC, in brackets":     {"[09:12:00] <alex> restarting nginx\n[09:14:00] <Bob B.> it is back", two},
		"IRC, with dates":      {"2026-11-29 09:12:00 <alex> restarting nginx\n2026-11-29 09:14:00 <Bob B.> it is back", two},
		"WhatsApp":             {"[29/11/26, 09:12] alex: restarting nginx\n[29/11/26, 09:14] Bob B.: it is back", two},
		"WhatsApp, American":   {"[11/29/26, 9:12:00\u202fAM] alex: restarting nginx\n[11/29/26, 9:14:00\u202fAM] Bob B.: it is back", two},
		"WhatsApp, Android":    {"29.11.26, 09:12 - alex: restarting nginx\n29.11.26, 09:14 - Bob B.: it is back", two},
		"more than a line":     {"[09:12] alex: restarting\nnginx\n[09:14] Bob B.: it is back", two},
		"before midnight":      {"[11:50 PM] alex: calling\n[12:10 AM] bob: here", "2026-11-28 23:50:00 alex: calling; 2026-11-29 00:10:00 bob: here"},
		"yesterday":            {"alex — Yesterday at 11:50 PM\ncalling\nbob — Today at 12:10 AM\nhere", "2026-11-28 23:50:00 alex: calling; 2026-11-29 00:10:00 bob: here"},

		"typed":                     {"09:12 rollback: started\n09:14 rollback: done", "2026-11-29 09:12:00 rollback: started; 2026-11-29 09:14:00 rollback: done"},
		"typed, with a dash":        {"Rolled back - 09:12\nRestarted - 09:14", ""},
		"one head":                  {"Meeting  09:12\nwas good", ""},
		"prose":                     {"See [1] alex: no time.\nAt 09:12 all was well.\n\n[link](x) bob: fine", ""},
		"no hour of twelve":         {"[13:12 PM] alex: restarting nginx\n[0:14 AM] bob: it is back", ""},
		"no day":                    {"[31/31/26, 09:12] alex: restarting nginx", ""},
		"nothing said":              {"alex  9:12 AM\nbob  9:14 AM", ""},
		"a list of times in a text": {"We looked at\n09:12\nand at\n09:14", ""},
	} {
		m := newMemory()
		i := incidentOn(m, "this", time.Date(2026, 11, 29, 0, 30, 0, 0, time.UTC).Add(8*time.Hour))
		c := issue.Comment{Author: "alice", Trusted: true, Time: written, Body: tc.body, URL: "https://example.org/1"}
		found := people.Collector(m, tracker{comments: []issue.Comment{c}})(t.Context(), i)
		var got []string
		for _, e := range found.Timeline {
			got = append(got, e.Time.Format(time.DateTime)+" "+e.Text)
			if e.Source != "alice" || e.URL != c.URL || !e.Person {
				t.Errorf("%s: %+v", name, e)
			}
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestWhichDayADateMeans has days that may be of two months: the one near the incident counts.
func TestWhichDayADateMeans(t *testing.T) {
	for _, tc := range []struct {
		onset time.Time
		want  string
	}{
		{time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC), "2026-03-04"}, {time.Date(2026, 4, 3, 9, 0, 0, 0, time.UTC), "2026-04-03"},
	} {
		m := newMemory()
		i := incidentOn(m, "this", tc.onset)
		c := issue.Comment{Author: "alice", Trusted: true, Time: tc.onset.Add(time.Hour), Body: "[3/4/26, 09:12] alex: restarting nginx"}
		found := people.Collector(m, tracker{comments: []issue.Comment{c}})(t.Context(), i)
		if len(found.Timeline) != 1 || found.Timeline[0].Time.Format(time.DateOnly) != tc.want {
			t.Errorf("got %+v, want %s", found.Timeline, tc.want)
		}
	}
}

// TestWhoPastesHasAShare pastes what many are said to have written: it counts as the paster's.
func TestWhoPastesHasAShare(t *testing.T) {
	onset := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	m := newMemory()
	i := incidentOn(m, "this", onset)
	var pasted strings.Builder
	for n := range 60 {
		pasted.WriteString("[08:10] " + strings.Repeat("x", n+1) + ": again @everyone <!-- postburn key=x -->\n")
	}
	at := onset.Add(90 * time.Minute)
	found := people.Collector(m, tracker{comments: []issue.Comment{
		{Author: "alice", Trusted: true, Time: at, Body: pasted.String()}, {Author: "mallory", Time: at, Body: pasted.String()},
	}})(t.Context(), i)
	if len(found.Timeline) != 20 || len(found.LeftOut) != 1 || !strings.Contains(found.LeftOut[0], "60 by accounts that may not write") || !strings.Contains(found.LeftOut[0], "40 beyond an author's share") {
		t.Errorf("%d rows, left out: %q", len(found.Timeline), found.LeftOut)
	}
	if len(found.People) != 1 {
		t.Errorf("people: %q", found.People)
	}
}

func TestChatIsBounded(t *testing.T) {
	onset := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	for lines, want := range map[int]int{498: 2, 499: 0, 1000: 0} {
		m := newMemory()
		i := incidentOn(m, "this", onset)
		c := issue.Comment{Author: "alice", Trusted: true, Time: onset.Add(time.Hour), Body: strings.Repeat("prose\n", lines) + "[08:10] alex: x\n[08:11] bob: y"}
		if found := people.Collector(m, tracker{comments: []issue.Comment{c}})(t.Context(), i); len(found.Timeline) != want {
			t.Errorf("after %d lines: %d rows", lines, len(found.Timeline))
		}
	}
}

// FuzzPastedChat reads anything: no row is without a text, or longer than a row may be.
func FuzzPastedChat(f *testing.F) {
	for _, seed := range []string{"[09:12] alex: x\n[09:14] bob: y", "alex  9:12 AM\nx", "alex\n9:12\nx", "[29/11/26, 09:12] alex: x", "```\n> 09:12 <a> b"} {
		f.Add(seed)
	}
	onset := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body string) {
		m := newMemory()
		i := incidentOn(m, "this", onset)
		found := people.Collector(m, tracker{comments: []issue.Comment{{Author: "alice", Trusted: true, Time: onset.Add(time.Hour), Body: body}}})(t.Context(), i)
		for _, e := range found.Timeline {
			if e.Text == "" || len([]rune(e.Text)) > 501 || strings.Contains(e.Text, "\n") {
				t.Errorf("%q", e.Text)
			}
		}
	})
}
