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
	w.Transfer(w.create(t, post("transferred")))
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

func transferred(t *testing.T, w World) {
	at := w.create(t, post("checkout-1"))
	if w.Transfer == nil {
		return
	}
	w.Transfer(at)
	p := post("checkout-1")
	p.Ref = at.Ref
	if got := w.one(t, p); got.Triage() != issue.Transferred || got.Ref != at.Ref {
		t.Errorf("found %+v", got)
	}
	if err := w.Tracker.Change(t.Context(), at, issue.Change{Close: true}); !errors.Is(err, issue.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}
