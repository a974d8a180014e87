package archive

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/postburn/postburn/issue"
)

var update = flag.Bool("update", false, "write the golden files again")

// checkout is a finished post-mortem at GitHub.
func checkout(t *testing.T) PostMortem {
	t.Helper()
	text, err := os.ReadFile("../../postmortem/testdata/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	title, body, _ := strings.Cut(strings.TrimPrefix(string(text), "# "), "\n")
	for heading, said := range map[string]string{
		"### Causes":     "The cache's keys have no version.\n\nNobody had tried to go back.",
		"### Follow-ups": "- [x] Version in the keys (alice, short term)\n- [ ] Try to go back, each week (bob, short term), answers: nobody had tried\n- [ ] A cache for each version (long term) #77",
	} {
		body = strings.Replace(body, heading+"\n", heading+"\n\n"+said+"\n", 1)
	}
	return PostMortem{
		Key: "checkout-20261014t104100z", Title: title, Text: "<!-- postburn key=checkout-20261014t104100z -->\r\n" + strings.TrimSpace(body) + "\r\n",
		URL: "https://github.com/acme/checkout/issues/50", Labels: []string{"postburn", "service:checkout", "severity:1", "cause:deploy", "cause:detection"},
		Comments: []issue.Comment{
			{Author: "alice", Trusted: true, Time: time.Date(2026, 10, 14, 11, 14, 0, 0, time.UTC), Body: "11:14 restarted nginx"},
			{Author: "robot", Robot: true, Trusted: true, Body: "a robot's"},
			{Author: "mallory", Body: "a stranger's"},
		},
	}
}

func plan(t *testing.T, files map[string][]byte, posts ...PostMortem) Planned {
	t.Helper()
	p, err := Plan(posts, files)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestFirstForm archives a post-mortem in the form that postburn opened issues with at first.
func TestFirstForm(t *testing.T) {
	text, err := os.ReadFile("../testdata/first-form.md")
	if err != nil {
		t.Fatal(err)
	}
	got := newFile(PostMortem{Text: string(text)}).Front
	want := []FollowUp{
		{Text: "Alert on the queue's length (alice)", Owner: "alice", Term: "short"},
		{Text: "Limit the pool (bob)", Owner: "bob", Term: "short", Done: true},
		{Text: "Roll out to one pod first (carol), see #12", Owner: "carol", Term: "long"},
	}
	if diff := cmp.Diff(want, got.FollowUps); diff != "" || len(got.Causes) != 3 || len(got.Contributors) != 2 {
		t.Errorf("%d causes, %d contributors, follow-ups (-want +got):\n%s", len(got.Causes), len(got.Contributors), diff)
	}
}

func TestArchive(t *testing.T) {
	search := checkout(t)
	search.Key, search.Labels, search.Comments, search.URL = "search-20251230t080000z", []string{"service:search", "cause:deploy"}, nil, "https://github.com/acme/search/issues/3"
	search.Text = strings.ReplaceAll(search.Text, "2026-10-14 10:41", "2025-12-30 08:00")
	files := plan(t, nil, checkout(t), search).Write
	got := slices.Sorted(maps.Keys(files))
	if diff := cmp.Diff([]string{"2025/search-20251230t080000z.md", "2026/checkout-20261014t104100z.md", "index.md"}, got); diff != "" {
		t.Error(diff)
	}
	for _, name := range got[1:] {
		golden := filepath.Join("testdata", filepath.Base(name))
		if *update {
			if err := os.WriteFile(golden, files[name], 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(files[name])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestAgain plans again over what was planned before.
func TestAgain(t *testing.T) {
	const name = "2026/checkout-20261014t104100z.md"
	post := checkout(t)
	files := plan(t, nil, post).Write
	if again := plan(t, files, post); len(again.Write) != 0 || again.Same != 1 {
		t.Errorf("the same again: %+v", again)
	}

	changed := post
	changed.Labels = append(changed.Labels, "cause:capacity")
	again := plan(t, files, changed)
	if again.Updated != 1 || !strings.Contains(string(again.Write[name]), "- capacity") || !strings.Contains(string(again.Write["index.md"]), "### capacity") {
		t.Errorf("what changed at the tracker: %+v", again)
	}

	for what, edit := range map[string]func(string) string{
		"text":         func(s string) string { return strings.Replace(s, "Nobody had tried", "We had not tried", 1) },
		"front matter": func(s string) string { return strings.Replace(s, "severity: 1", "severity: 2", 1) },
		"a key more": func(s string) string {
			return strings.Replace(s, "postburn_digest:", "layout: post\npostburn_digest:", 1)
		},
		"no digest": func(s string) string { return strings.Replace(s, "postburn_digest:", "digest:", 1) },
		"line ends": func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
	} {
		edited := maps.Clone(files)
		edited[name] = []byte(edit(string(files[name])))
		again := plan(t, edited, changed)
		if _, written := again.Write[name]; written || !slices.Equal(again.Left, []string{name}) || again.Added+again.Updated != 0 {
			t.Errorf("%s: people's change was not left alone: %+v", what, again)
		}
	}
	edited := maps.Clone(files)
	edited["index.md"] = append([]byte("Ours\n"), files["index.md"]...)
	if again := plan(t, edited, changed); again.Write["index.md"] != nil || !slices.Equal(again.Left, []string{"index.md"}) {
		t.Errorf("people's index was not left alone: %+v", again)
	}

	moved := map[string][]byte{"old/checkout.md": files[name], "notes.md": []byte("# Notes\n")}
	again = plan(t, moved, changed)
	if got := slices.Sorted(maps.Keys(again.Write)); !slices.Equal(got, []string{"index.md", "old/checkout.md"}) || again.Updated != 1 {
		t.Errorf("a moved file: %v, %+v", got, again)
	}
	foreign := map[string][]byte{name: []byte("# Somebody's\n")}
	if again := plan(t, foreign, post); again.Write[name] != nil || again.Write["2026/checkout-20261014t104100z~2.md"] == nil {
		t.Errorf("somebody's file: %v", slices.Collect(maps.Keys(again.Write)))
	}
}

// TestTwice has two issues with one key, and one without.
func TestTwice(t *testing.T) {
	first, second, third := checkout(t), checkout(t), checkout(t)
	second.URL, third.URL, third.Key = "https://github.com/acme/checkout/issues/51", "https://github.com/acme/checkout/issues/52", ""
	got := slices.Sorted(maps.Keys(plan(t, nil, first, second, third).Write))
	want := []string{"2026/checkout-20261014t104100z-issue-51.md", "2026/checkout-20261014t104100z.md", "2026/issue-52.md", "index.md"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestNames tries keys that people may have written into a marker.
func TestNames(t *testing.T) {
	for key, want := range map[string]string{
		"checkout-1":       "undated/checkout-1.md",
		"../../etc/passwd": "undated/etc-passwd-",
		"/etc/passwd":      "undated/etc-passwd-",
		"..":               "undated/",
		"Checkout 1":       "undated/checkout-1-",
		"a/b":              "undated/a-b-",
	} {
		got := nameOf(File{Front: Front{Key: key}})
		if !strings.HasPrefix(got, want) || strings.Contains(got, "..") || strings.Count(got, "/") != 1 {
			t.Errorf("%q: %q", key, got)
		}
	}
}

// TestEdited takes the final numbers from postburn's comment if the text has others.
func TestEdited(t *testing.T) {
	row := func(end, bad string) string {
		return "| Objective | Onset (UTC) | End (UTC) | Bad events |\n|---|---|---|---:|\n| `a` | 2026-10-14 10:41 | " + end + " | " + bad + " |\n"
	}
	f := newFile(PostMortem{Text: row("still burning", "10") + "\n## Causes\n\nA pool.\n", Final: "<!-- postburn key=a/recovery-1 -->\n" + row("11:22", "1,000")})
	if len(f.Objectives) != 1 || f.Objectives[0].Bad != 1000 || f.Duration != "41 minutes" || !strings.Contains(f.Body, "| 1,000 |") {
		t.Errorf("%+v", f)
	}
}

// FuzzFront writes any text into the front matter, and reads back what was written: nothing ends
// it, and nothing gets into another key.
func FuzzFront(f *testing.F) {
	f.Add("a\n---\nkey: b\n", "---\n", "- [ ] x\n---\n")
	f.Add("\"'`: {}[]#&*!|>%@", "\x00\u2028\u0085\ufeff", "postburn_digest: 1\n")
	f.Fuzz(func(t *testing.T, title, label, text string) {
		file := newFile(PostMortem{Title: title, Text: "## Causes\n\n" + text, Labels: []string{"service:" + label, "cause:deploy"}, Key: "k"})
		content, err := file.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, ours, untouched := Decode(content)
		if !ours || !untouched {
			t.Fatalf("ours %v, untouched %v:\n%s", ours, untouched, content)
		}
		if got.Body != file.Body {
			t.Errorf("body %q, want %q", got.Body, file.Body)
		}
		want, _ := yaml.Marshal(file.Front)
		have, _ := yaml.Marshal(got.Front)
		if !bytes.Equal(want, have) {
			t.Errorf("front matter\n%s\nwant\n%s", have, want)
		}
	})
}
