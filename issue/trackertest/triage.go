package trackertest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
)

func reopen(t *testing.T, w World) {
	at := w.create(t, post("checkout-1"))
	if err := w.Tracker.Change(t.Context(), at, issue.Change{Reopen: true}); err != nil {
		t.Errorf("reopening an open issue: %v", err)
	}
	if w.Close == nil {
		return // issues can't be closed there
	}
	for _, completed := range []bool{true, false} {
		w.Close(at, completed)
		got := w.one(t, post("checkout-1"))
		if !got.Closed || got.Completed != completed {
			t.Errorf("found %+v, closed with completed = %v", got, completed)
		}
		if err := w.Tracker.Change(t.Context(), at, issue.Change{Reopen: true}); err != nil {
			t.Fatal(err)
		}
		if got := w.one(t, post("checkout-1")); got.Closed == completed || got.Completed {
			t.Errorf("found %+v after reopening what was closed with completed = %v: noise stays noise", got, completed)
		}
	}
}

func closeIssue(t *testing.T, w World) {
	at := w.create(t, post("checkout-1"))
	for range 2 {
		if err := w.Tracker.Change(t.Context(), at, issue.Change{Close: true}); err != nil {
			t.Fatal(err)
		}
		if got := w.one(t, post("checkout-1")); w.Close != nil && got.Triage() != issue.Noise {
			t.Errorf("found %+v, want it closed as not planned", got)
		}
	}
	if w.Close == nil {
		return
	}
	w.Close(at, true)
	if err := w.Tracker.Change(t.Context(), at, issue.Change{Close: true}); err != nil {
		t.Fatal(err)
	}
	if got := w.one(t, post("checkout-1")); got.Triage() != issue.Completed {
		t.Errorf("found %+v, want it closed as a person did", got)
	}
}

func deletedIssueChanged(t *testing.T, w World) {
	at := w.create(t, post("checkout-1"))
	w.Delete(at)
	for _, c := range []issue.Change{{Reopen: true}, {Close: true}, {Add: []string{"status:recovered"}}} {
		if err := w.Tracker.Change(t.Context(), at, c); !errors.Is(err, issue.ErrNotFound) {
			t.Errorf("%+v: got %v, want ErrNotFound", c, err)
		}
	}
}

func labelled(key string, labels ...string) issue.Post {
	p := post(key)
	p.Labels = labels
	return p
}

func prepare(t *testing.T, w World) {
	p := labelled("checkout-1", "postburn", "service:"+strings.Repeat("ü", 63), "severity:1", "post-mortem")
	for range 2 {
		if err := w.Tracker.Prepare(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if all := w.find(t, p); len(all) != 0 {
		t.Errorf("preparing has made %+v", all)
	}
	if got := w.create(t, p); len(got.Dropped) > 0 {
		t.Errorf("left out: %q", got.Dropped)
	}
}

func exchangeLabels(t *testing.T, w World) {
	at := w.create(t, labelled("checkout-1", "postburn", "status:burning", "severity:2", "post-mortem"))
	c := issue.Change{Add: []string{"severity:1", "status:recovered", "service:a b, c"}, Remove: []string{"severity:2", "status:burning"}}
	for range 2 { // twice is once
		if err := w.Tracker.Change(t.Context(), at, c); err != nil {
			t.Fatal(err)
		}
		if w.Labels == nil {
			return
		}
		got := w.Labels(at)
		if len(got) != 5 || !slices.Equal(slices.Concat(got[:2], got[3:]), []string{"post-mortem", "postburn", "severity:1", "status:recovered"}) ||
			!strings.HasPrefix(got[2], "service:a b") {
			t.Errorf("the labels are %q", got)
		}
	}
}

func labelsOfAPerson(t *testing.T, w World) {
	at := w.create(t, labelled("checkout-1", "postburn", "status:burning", "severity:1"))
	if w.Label == nil {
		return
	}
	w.Label(at, []string{"severity:4", "mine"}, []string{"severity:1", "postburn"})
	c := issue.Change{Add: []string{"severity:0", "status:recovered"}, Remove: []string{"severity:1", "status:burning"}}
	if err := w.Tracker.Change(t.Context(), at, c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"mine", "severity:4", "status:recovered"}, w.Labels(at)); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func listChanged(t *testing.T, w World) {
	if w.List == nil {
		return
	}
	want := map[string]issue.Triage{}
	found := map[string]issue.Found{}
	for key, triage := range map[string]issue.Triage{"open": "", "completed": issue.Completed, "noise": issue.Noise, "duplicate": issue.Duplicate} {
		at := w.create(t, post(key))
		want[key], found[key] = triage, at
		switch triage {
		case issue.Completed, issue.Noise:
			w.Close(at, triage == issue.Completed)
		case issue.Duplicate:
			w.Label(at, []string{"duplicate"}, nil)
		}
	}
	w.Delete(w.create(t, post("deleted")))
	w.Transfer(w.create(t, post("transferred")), true)
	list := func(since time.Time) (map[string]issue.Triage, time.Time) {
		all, err := w.List(t.Context(), "acme/checkout", since)
		if err != nil {
			t.Fatal(err)
		}
		got, latest := map[string]issue.Triage{}, time.Time{}
		for _, f := range all {
			if f.Ref != found[f.Key].Ref {
				t.Errorf("%s is at %+v", f.Key, f.Ref)
			}
			if got[f.Key] = f.Triage(); f.Updated.After(latest) {
				latest = f.Updated
			}
		}
		return got, latest
	}
	got, latest := list(time.Time{})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what people made of issues (-want +got):\n%s", diff)
	}
	if got, _ := list(latest.Add(time.Hour)); len(got) > 0 {
		t.Errorf("changed after the last change: %v", got)
	}
}

// moved does all that can be done with an issue and its comment. Everything must fail with Moved,
// which it returns.
func moved(t *testing.T, w World, at, commented issue.Found) (to issue.Moved) {
	t.Helper()
	located := post(at.Key)
	located.Ref = at.Ref
	_, errFind := w.Tracker.Find(t.Context(), located, onset)
	_, errComments := w.Tracker.Find(t.Context(), comment(commented.Key, at, ""), onset)
	_, errCreate := w.Tracker.Create(t.Context(), comment("checkout-1/recovery-1", at, "Over.\n"))
	for op, err := range map[string]error{
		"find": errFind, "find a comment": errComments, "comment": errCreate,
		"replace":           w.Tracker.Replace(t.Context(), at, final),
		"replace a comment": w.Tracker.Replace(t.Context(), commented, issue.Text{Body: "Over.\n"}),
		"change":            w.Tracker.Change(t.Context(), at, issue.Change{Close: true}),
	} {
		if !errors.As(err, &to) || errors.Is(err, issue.ErrNotFound) {
			t.Errorf("%s: got %v, want Moved", op, err)
		}
	}
	return to
}

func transferred(t *testing.T, w World) {
	at := w.create(t, post("checkout-1"))
	if w.Transfer == nil {
		return
	}
	p := comment("checkout-1/progress", at, "Still going on.\n")
	commented := w.create(t, p)
	w.Transfer(at, true)
	to := moved(t, w, at, commented)
	if to.To == (issue.Ref{}) || to.To == at.Ref || to.Repository == "" {
		t.Fatalf("it moved to %+v", to)
	}
	at.Ref, at.Text = to.To, text
	if err := w.Tracker.Replace(t.Context(), at, final); err != nil {
		t.Errorf("replacing where it is now: %v", err)
	}
	there := w.one(t, comment(p.Key, at, ""))
	if there.Text.Body != p.Text.Body || there.Ref.Parent != at.Ref.Number {
		t.Errorf("found the comment %+v", there)
	}
	if err := w.Tracker.Replace(t.Context(), there, issue.Text{Body: "Over.\n"}); err != nil {
		t.Errorf("replacing the comment where it is now: %v", err)
	}
	w.create(t, comment("checkout-1/recovery-1", at, "Over.\n"))
	located := post("checkout-1")
	located.Ref = at.Ref
	if got := w.one(t, located); got.Text != final || got.Ref != at.Ref {
		t.Errorf("found %+v", got)
	}
}

func transferredAway(t *testing.T, w World) {
	at := w.create(t, post("checkout-1"))
	if w.Transfer == nil {
		return
	}
	commented := w.create(t, comment("checkout-1/progress", at, "Still going on.\n"))
	w.Transfer(at, false)
	if to := moved(t, w, at, commented); to.To != (issue.Ref{}) || to.Reason == "" {
		t.Errorf("it moved to %+v", to)
	}
}

// ofAnother has the places of an issue and a comment that another tracker wrote. Only some trackers
// number their texts.
func ofAnother(t *testing.T, w World) {
	at, commented := w.create(t, post("checkout-1")), issue.Found{Key: "checkout-1/progress", Ref: issue.Ref{URL: "postmortems/checkout-1.md"}}
	if at.Ref.Number != 0 {
		at.Ref = commented.Ref
	} else {
		at.Ref = issue.Ref{Number: 7, URL: "https://github.com/acme/checkout/issues/7"}
		commented.Ref = issue.Ref{Number: 9, Parent: 7, URL: at.Ref.URL + "#issuecomment-9"}
	}
	if got := moved(t, w, at, commented); got != (issue.Moved{Foreign: true}) {
		t.Errorf("it moved: %+v", got)
	}
	if got := w.one(t, post("checkout-1")); got.Text != text {
		t.Errorf("the tracker's own issue is %+v", got)
	}
}
