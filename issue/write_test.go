package issue_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/issue"
)

// TestWrite goes through the outcomes of sending a text, both a new one and a replacement.
func TestWrite(t *testing.T) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	ended := now.Add(-time.Minute)
	old, text := issue.Text{Body: "old"}, issue.Text{Body: "new"}
	fresh := issue.Write{Key: "a", Stage: issue.Opening, Delivery: issue.Delivery{State: issue.Wanted, Tries: 1, Error: "down"}}
	there := issue.Write{Key: "a", Stage: issue.Opening, Delivery: issue.Delivery{State: issue.Posted}, Text: old, Revision: 1, Ref: issue.Ref{Number: 7}}
	sent := func(w issue.Write, d issue.Delivery) issue.Write {
		if w.Exists() {
			w.Prior = old
		}
		w.Delivery, w.At, w.Text, w.Revision, w.Facts, w.Ended = d, now, text, 2, "f", ended
		return w
	}
	done := func(w issue.Write) issue.Write {
		w.Prior = issue.Text{}
		return w
	}
	as := func(w issue.Write, change func(*issue.Write)) issue.Write {
		change(&w)
		return w
	}
	down := errors.New("down again")
	for name, tc := range map[string]struct {
		before  issue.Write
		outcome func(w *issue.Write, before issue.Write)
		want    issue.Write
	}{
		"sent": {fresh, func(*issue.Write, issue.Write) {}, sent(fresh, issue.Delivery{State: issue.Sending, Tries: 1, Error: "down"})},
		"done": {there, func(w *issue.Write, _ issue.Write) { w.Done() }, done(sent(there, issue.Delivery{State: issue.Posted}))},
		"refused": {
			fresh, func(w *issue.Write, before issue.Write) { w.Refuse(before, down, now.Add(time.Minute)) },
			as(fresh, func(w *issue.Write) {
				w.Delivery = issue.Delivery{State: issue.Wanted, Tries: 2, NotUntil: now.Add(time.Minute), Error: "down again"}
			}),
		},
		"refused, though an older text is there": {
			there, func(w *issue.Write, before issue.Write) { w.Refuse(before, down, now) },
			as(there, func(w *issue.Write) {
				w.Delivery = issue.Delivery{State: issue.Wanted, Tries: 1, NotUntil: now, Error: "down again"}
			}),
		},
		"not sent":                          {fresh, func(w *issue.Write, before issue.Write) { w.Undo(before) }, fresh},
		"not sent, and an older text stays": {there, func(w *issue.Write, before issue.Write) { w.Undo(before) }, there},
		"edited":                            {there, func(w *issue.Write, before issue.Write) { w.LeaveEdited(before) }, as(there, func(w *issue.Write) { w.Edited = true })},
		"removed":                           {there, func(w *issue.Write, _ issue.Write) { w.Remove() }, done(sent(there, issue.Delivery{State: issue.Gone}))},
		"no answer":                         {there, func(w *issue.Write, _ issue.Write) { w.Lose(down) }, sent(there, issue.Delivery{State: issue.Unknown, Error: "down again"})},
		"the process died":                  {there, func(w *issue.Write, _ issue.Write) { w.Lose(nil) }, sent(there, issue.Delivery{State: issue.Unknown})},
		"as it was": {
			there, func(w *issue.Write, _ issue.Write) { w.Lose(down); w.Restore() },
			as(sent(there, issue.Delivery{State: issue.Wanted}), func(w *issue.Write) {
				w.Text, w.Prior, w.Revision, w.Facts, w.Ended = old, issue.Text{}, 0, "", time.Time{}
			}),
		},
		"never there": {
			fresh, func(w *issue.Write, _ issue.Write) { w.Lose(nil); w.Resend() },
			as(sent(fresh, issue.Delivery{State: issue.Wanted, Tries: 1, Error: "down"}), func(w *issue.Write) { w.Ended = time.Time{} }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := tc.before
			before := w.Send(issue.Content{Text: text, Revision: 2, Facts: "f", Ended: ended}, now)
			tc.outcome(&w, before)
			if diff := cmp.Diff(tc.want, w); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestMiss checks when a text is believed to be missing: at the second look, and only after the
// tracker's late actions.
func TestMiss(t *testing.T) {
	sent := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		looks    []time.Duration // after it was sent
		believed bool
		next     time.Duration // time of the next look
	}{
		"at once":                 {[]time.Duration{0}, false, 90 * time.Second},
		"once, late":              {[]time.Duration{2 * time.Minute}, false, 150 * time.Second},
		"twice, early":            {[]time.Duration{0, 89 * time.Second}, false, 119 * time.Second},
		"twice, the last is late": {[]time.Duration{0, 90 * time.Second}, true, 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			w := issue.Write{At: sent, Delivery: issue.Delivery{State: issue.Unknown}}
			believed := false
			for _, d := range tc.looks {
				believed = w.Miss(sent.Add(d), 90*time.Second, 30*time.Second)
			}
			if believed != tc.believed || !w.NotUntil.Equal(sent.Add(tc.next)) || w.State != issue.Unknown {
				t.Errorf("believed: %t, the next look %s after it was sent, %s", believed, w.NotUntil.Sub(sent), w.State)
			}
		})
	}
}
