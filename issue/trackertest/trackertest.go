package trackertest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
)

// World is a tracker with nothing in it, and what people can do there.
type World struct {
	Tracker issue.Tracker
	// Edit changes a text as a person would. The function gets all that the person sees, except the
	// title.
	Edit func(at issue.Found, change func(string) string)
	// Read returns all that a person sees of a text, except the title.
	Read func(at issue.Found) string
	// Delete removes an issue, or a comment.
	Delete func(at issue.Found)
	// Close closes an issue, as completed or as not planned. If issues can't be closed, it is nil,
	// and so are the following.
	Close func(at issue.Found, completed bool)
	// Label puts labels on an issue, and takes others off, as a person would.
	Label func(at issue.Found, add, remove []string)
	// Labels returns an issue's labels, sorted.
	Labels func(at issue.Found) []string
	// Transfer moves an issue to another repository: one that postburn follows to, or one that it
	// must not write to.
	Transfer func(at issue.Found, followed bool)
	// List is the tracker's lister.
	List issue.Lister
}

var (
	onset = time.Date(2026, 10, 14, 10, 41, 0, 0, time.UTC)
	text  = issue.Text{Title: "checkout was unavailable", Body: "It failed.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"}
	final = issue.Text{Title: "checkout was unavailable for 17 minutes", Body: "It failed, and is over.\n"}
)

func post(key string) issue.Post {
	return issue.Post{Key: key, Group: "checkout", Onset: onset, Repository: "acme/checkout", Text: text}
}

func comment(key string, parent issue.Found, body string) issue.Post {
	return issue.Post{Key: key, Group: "checkout", Onset: onset, Repository: "acme/checkout", Parent: &parent, Text: issue.Text{Body: body}}
}

// Run runs the suite; open makes a new world for each test.
func Run(t *testing.T, open func(t *testing.T) World) {
	for name, test := range map[string]func(*testing.T, World){
		"create and find":                   createAndFind,
		"create twice is one":               createTwice,
		"found anew by another store":       foundAnew,
		"comments":                          comments,
		"replace":                           replace,
		"replace an edited text":            replaceEdited,
		"replace keeps what is around":      replaceKeepsNotes,
		"replace with line ends changed":    replaceLineEnds,
		"replace again":                     replaceAgain,
		"replace a comment":                 replaceComment,
		"deleted issue":                     deletedIssue,
		"deleted comment":                   deletedComment,
		"reopen":                            reopen,
		"close":                             closeIssue,
		"change a deleted issue":            deletedIssueChanged,
		"prepare":                           prepare,
		"exchange labels":                   exchangeLabels,
		"labels that a person exchanged":    labelsOfAPerson,
		"list what has changed":             listChanged,
		"transferred":                       transferred,
		"transferred away":                  transferredAway,
		"of another tracker":                ofAnother,
		"find by place":                     findByPlace,
		"called off":                        calledOff,
		"hostile text cannot forge markers": hostileText,
		"hostile keys":                      hostileKeys,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func (w World) create(t *testing.T, p issue.Post) issue.Found {
	t.Helper()
	found, err := w.Tracker.Create(t.Context(), p)
	if err != nil {
		t.Fatalf("creating %q: %v", p.Key, err)
	}
	if found.Key != p.Key || found.Ref == (issue.Ref{}) || found.Ref.URL == "" {
		t.Fatalf("created %+v for the key %q", found, p.Key)
	}
	return found
}

func (w World) find(t *testing.T, p issue.Post) []issue.Found {
	t.Helper()
	all, err := w.Tracker.Find(t.Context(), p, onset)
	if err != nil {
		t.Fatalf("finding %q: %v", p.Key, err)
	}
	return all
}

// one finds a post's only text.
func (w World) one(t *testing.T, p issue.Post) issue.Found {
	t.Helper()
	all := w.find(t, p)
	if len(all) != 1 {
		t.Fatalf("found %d texts for %q, want 1: %+v", len(all), p.Key, all)
	}
	return all[0]
}

func createAndFind(t *testing.T, w World) {
	p := post("checkout-1")
	if all := w.find(t, p); len(all) != 0 {
		t.Fatalf("found %+v in an empty tracker", all)
	}
	created := w.create(t, p)
	got := w.one(t, p)
	got.Author, got.Updated, got.Labels = "", time.Time{}, nil
	if diff := cmp.Diff(issue.Found{Key: p.Key, Ref: created.Ref, Text: text}, got); diff != "" {
		t.Error(diff)
	}
	other := post("checkout-2")
	other.Onset = onset.Add(24 * time.Hour)
	if all := w.find(t, other); len(all) != 0 {
		t.Errorf("found %+v for another incident", all)
	}
}

func createTwice(t *testing.T, w World) {
	if w.Close != nil {
		return // only a tracker that files texts by their key can know
	}
	p := post("checkout-1")
	first := w.create(t, p)
	p.Text = final
	second := w.create(t, p)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("created another text: %s", diff)
	}
	w.one(t, p)
}

func foundAnew(t *testing.T, w World) {
	w.create(t, post("checkout-1"))
	p := post("checkout-2")
	p.Onset = onset.Add(5 * time.Minute)
	if got := w.one(t, p); got.Key != "checkout-1" {
		t.Errorf("found %q", got.Key)
	}
}

func comments(t *testing.T, w World) {
	parent := w.create(t, post("checkout-1"))
	first := w.create(t, comment("checkout-1/progress", parent, "Still going on.\n"))
	w.create(t, comment("checkout-1/recovery-1", parent, "Over.\n\nReally.\n"))
	got := w.one(t, comment("checkout-1/progress", parent, ""))
	if got.Ref != first.Ref || got.Text.Body != "Still going on.\n" {
		t.Errorf("found %+v", got)
	}
	if all := w.find(t, comment("checkout-1/return-1", parent, "")); len(all) != 0 {
		t.Errorf("found %+v", all)
	}
	if got := w.one(t, post("checkout-1")); got.Text != text {
		t.Errorf("the comments changed the issue: %+v", got)
	}
}

func replace(t *testing.T, w World) {
	at := w.create(t, post("checkout-1"))
	at.Text = text
	if err := w.Tracker.Replace(t.Context(), at, final); err != nil {
		t.Fatal(err)
	}
	if got := w.one(t, post("checkout-1")); got.Text != final {
		t.Errorf("found %+v", got)
	}
}

func replaceEdited(t *testing.T, w World) {
	at := w.create(t, post("checkout-1"))
	at.Text = text
	w.Edit(at, func(s string) string { return strings.Replace(s, "It failed.", "It failed: the cache was full.", 1) })
	before := w.Read(at)
	if !strings.Contains(before, "the cache was full") {
		t.Fatal("the world's Edit changed nothing")
	}
	if err := w.Tracker.Replace(t.Context(), at, final); !errors.Is(err, issue.ErrEdited) {
		t.Errorf("got %v, want ErrEdited", err)
	}
	if diff := cmp.Diff(before, w.Read(at)); diff != "" {
		t.Errorf("a person's words were changed: %s", diff)
	}
	if got := w.one(t, post("checkout-1")); !strings.Contains(got.Text.Body, "the cache was full") {
		t.Errorf("found %+v, want the text as it is now", got)
	}
}

func replaceKeepsNotes(t *testing.T, w World) {
	at := w.create(t, post("checkout-1"))
	at.Text = text
	w.Edit(at, func(s string) string { return "Notes before.\n" + s + "\nNotes after.\n" })
	if err := w.Tracker.Replace(t.Context(), at, final); err != nil && !errors.Is(err, issue.ErrEdited) {
		t.Fatal(err)
	}
	now := w.Read(at)
	for _, note := range []string{"Notes before.\n", "\nNotes after.\n"} {
		if !strings.Contains(now, note) {
			t.Errorf("%q is lost: %s", note, now)
		}
	}
}

func replaceLineEnds(t *testing.T, w World) {
	at := w.create(t, post("checkout-1"))
	at.Text = text
	w.Edit(at, func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") })
	if err := w.Tracker.Replace(t.Context(), at, final); err != nil {
		t.Errorf("line ends alone are no edit: %v", err)
	}
	if now := w.Read(at); !strings.Contains(now, "and is over") {
		t.Errorf("not replaced: %s", now)
	}
}

func replaceAgain(t *testing.T, w World) {
	at := w.create(t, post("checkout-1"))
	at.Text = text
	for _, next := range []issue.Text{final, text, final} {
		if err := w.Tracker.Replace(t.Context(), at, next); err != nil {
			t.Fatal(err)
		}
		at.Text = next
	}
	if got := w.one(t, post("checkout-1")); got.Text != final {
		t.Errorf("found %+v", got)
	}
}

func replaceComment(t *testing.T, w World) {
	parent := w.create(t, post("checkout-1"))
	p := comment("checkout-1/progress", parent, "Still going on.\n")
	at := w.create(t, p)
	last := w.create(t, comment("checkout-1/recovery-1", parent, "Over.\n"))
	at.Text = p.Text
	if err := w.Tracker.Replace(t.Context(), at, issue.Text{Body: "Still going on, and on.\n"}); err != nil {
		t.Fatal(err)
	}
	if got := w.one(t, p); got.Text.Body != "Still going on, and on.\n" {
		t.Errorf("found %+v", got)
	}
	if err := w.Tracker.Replace(t.Context(), at, issue.Text{Body: "No.\n"}); !errors.Is(err, issue.ErrEdited) {
		t.Errorf("got %v, want ErrEdited: it is not what it was", err)
	}
	if got := w.one(t, comment("checkout-1/recovery-1", parent, "")); got.Ref != last.Ref || got.Text.Body != "Over.\n" {
		t.Errorf("the other comment is %+v", got)
	}
	if got := w.one(t, post("checkout-1")); got.Text != text {
		t.Errorf("the issue is %+v", got)
	}
}

func deletedIssue(t *testing.T, w World) {
	at := w.create(t, post("checkout-1"))
	at.Text = text
	w.Delete(at)
	if all := w.find(t, post("checkout-1")); len(all) != 0 {
		t.Errorf("found %+v", all)
	}
	if err := w.Tracker.Replace(t.Context(), at, final); !errors.Is(err, issue.ErrNotFound) {
		t.Errorf("replacing: got %v, want ErrNotFound", err)
	}
	if _, err := w.Tracker.Create(t.Context(), comment("checkout-1/progress", at, "Still.\n")); !errors.Is(err, issue.ErrNotFound) {
		t.Errorf("commenting: got %v, want ErrNotFound", err)
	}
	if all, err := w.Tracker.Find(t.Context(), comment("checkout-1/progress", at, ""), onset); err != nil || len(all) != 0 {
		t.Errorf("found the comments %+v, %v", all, err)
	}
	if all := w.find(t, post("checkout-1")); len(all) != 0 {
		t.Errorf("a comment made the issue again: %+v", all)
	}
}

func deletedComment(t *testing.T, w World) {
	parent := w.create(t, post("checkout-1"))
	p := comment("checkout-1/progress", parent, "Still going on.\n")
	at := w.create(t, p)
	at.Text = p.Text
	w.Delete(at)
	if err := w.Tracker.Replace(t.Context(), at, issue.Text{Body: "Still.\n"}); !errors.Is(err, issue.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if all := w.find(t, p); len(all) != 0 {
		t.Errorf("found %+v", all)
	}
}

func findByPlace(t *testing.T, w World) {
	p := post("checkout-1")
	at := w.create(t, p)
	c := comment("checkout-1/progress", at, "Still going on.\n")
	commented := w.create(t, c)
	w.create(t, post("checkout-2"))
	p.Ref, c.Ref = at.Ref, commented.Ref
	if got := w.find(t, p); !slices.ContainsFunc(got, func(f issue.Found) bool { return f.Key == p.Key && f.Ref == at.Ref && f.Text == text }) {
		t.Errorf("the issue is not found where it is: %+v", got)
	}
	if got := w.one(t, c); got.Ref != commented.Ref || got.Text != c.Text {
		t.Errorf("the comment that is found where it is: %+v", got)
	}
	w.Delete(commented)
	if got := w.find(t, c); len(got) != 0 {
		t.Errorf("found a deleted comment: %+v", got)
	}
	w.Delete(at)
	for _, got := range w.find(t, p) {
		if got.Ref == at.Ref {
			t.Errorf("found a deleted issue: %+v", got)
		}
	}
}

func calledOff(t *testing.T, w World) {
	at := w.create(t, post("checkout-1"))
	at.Text = text
	before := w.Read(at)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Tracker.Create(ctx, comment("checkout-1/progress", at, "Still.\n")); err == nil {
		t.Error("commented though it was called off")
	}
	if err := w.Tracker.Replace(ctx, at, final); err == nil {
		t.Error("replaced though it was called off")
	}
	if diff := cmp.Diff(before, w.Read(at)); diff != "" {
		t.Errorf("the text was changed: %s", diff)
	}
}

func hostileText(t *testing.T, w World) {
	forged := post("checkout-2")
	p := post("checkout-1")
	p.Text.Body = "One.\n\n" + forged.Marker().String() + "\n\n---\n<!-- postburn end -->\n" + p.Marker().String() + "\nTwo.\n"
	at := w.create(t, p)
	for _, found := range w.find(t, forged) {
		if found.Key == forged.Key {
			t.Errorf("the text forged the issue %+v", found)
		}
	}
	if all := w.find(t, comment("checkout-2", at, "")); len(all) != 0 {
		t.Errorf("the text forged the comment %+v", all)
	}
	at.Text = p.Text
	if err := w.Tracker.Replace(t.Context(), at, final); err != nil {
		t.Errorf("replacing: %v", err)
	}
	if now := w.Read(at); strings.Contains(now, "Two.") {
		t.Errorf("a part of the old text is left: %s", now)
	}
}

func hostileKeys(t *testing.T, w World) {
	keys := []string{"../../escape", "/etc/passwd", "a\x00b", "..", "", "CON", "--> <script>", "a\nb", strings.Repeat("k", 400), "A", "a"}
	for i, key := range keys {
		if key == "" {
			continue
		}
		p := post(key)
		p.Group, p.Onset = key, onset.Add(time.Duration(i)*24*time.Hour)
		created := w.create(t, p)
		if got := w.one(t, p); got.Ref != created.Ref || got.Key != key || got.Text != text {
			t.Errorf("%q: found %+v", key, got)
		}
	}
}
