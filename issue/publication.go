package issue

import (
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
)

// Publication is what is posted for an incident: one issue and its comments. In a storm one
// publication is for many incidents. Only its methods, and those of its fields, change it.
type Publication struct {
	Key        string    `json:"key"` // unique; the ID of its first incident
	Kind       Kind      `json:"kind,omitempty"`
	Parts      Parts     `json:"parts"` // never taken out again
	Group      string    `json:"group"` // the incident's; for a storm its kind unless burn
	Repository string    `json:"repository,omitempty"`
	Author     string    `json:"author,omitempty"`     // the account that posted its issue
	Labels     Labels    `json:"-"`                    // of its issue; see MarshalJSON
	ToLint     bool      `json:"to_lint,omitempty"`    // a person closed it, so what it lacks is to be said
	FollowUps  FollowUps `json:"follow_ups,omitempty"` // as they were last read
	Writes     `json:"writes"`
	Feedback
}

// Kind says what a publication is for.
type Kind string

// The kinds of publications.
const (
	Single Kind = ""       // for one incident
	Storm  Kind = "storm"  // for incidents that began in quick succession
	Digest Kind = "digest" // for incidents long over before they could be published
	Report Kind = "report" // for none: on a month, see NewReport
)

// NewPublication makes a publication for incidents that have none yet. Its key is the ID of the
// first.
func NewPublication(kind Kind, incidents ...alert.Incident) Publication {
	first := incidents[0]
	p := Publication{Key: first.ID, Kind: kind, Repository: first.Repository}
	switch burst := first.Windows[0].Kind; {
	case kind == Single:
		p.Group = first.Group
	case kind == Storm && burst != alert.Burn:
		p.Group = string(burst) // tells storms with one onset apart
	}
	for _, i := range incidents {
		p.Parts.Join(i)
	}
	return p
}

// IsSettled reports whether everything wanted is at the tracker.
func (p Publication) IsSettled() bool {
	return p.Labels.IsSettled() && p.FollowUps.Unnested() == nil && !slices.ContainsFunc(p.Writes, func(w Write) bool { return !w.IsSettled() })
}

// WaitsFor returns why the last failed write was not taken; empty if nothing waits, or nothing was
// tried yet.
func (p Publication) WaitsFor() string {
	_, why := p.Failure()
	return why
}

// Failure returns what the tracker did not take, and why: a stage, or "labels". Both are empty if
// nothing waits, or nothing was tried yet.
func (p Publication) Failure() (what, why string) {
	for _, w := range p.Writes {
		if !w.IsSettled() && w.Error != "" {
			return string(w.Stage), w.Error
		}
	}
	if !p.Labels.IsSettled() && p.Labels.Error != "" {
		return LabelsStage, p.Labels.Error
	}
	for _, f := range p.FollowUps {
		if !f.Nest.IsSettled() && f.Nest.Error != "" {
			return NestStage, f.Nest.Error
		}
	}
	return "", ""
}

// Want adds a text to be written. Keys of repeatable stages are numbered from 1, for example
// "checkout-1/recovery-2". ended is the end that the text states or takes back; zero if neither.
func (p *Publication) Want(stage Stage, ended time.Time) {
	key := p.Key
	switch stage {
	case Opening:
	case Progress, FollowUpLinks:
		key += "/" + string(stage)
	default:
		base := key
		for n := 1; ; n++ {
			key = fmt.Sprintf("%s/%s-%d", base, stage, n)
			if !slices.ContainsFunc(p.Writes, func(w Write) bool { return w.Key == key }) {
				break
			}
		}
	}
	p.Writes = append(p.Writes, Write{Key: key, Stage: stage, Delivery: Delivery{State: Wanted}, Ended: ended})
}

// GiveUp drops everything that is not at the tracker, because the issue is gone.
func (p *Publication) GiveUp() {
	p.Drop(func(w Write) bool { return !w.IsSettled() })
	if !p.Labels.IsSettled() {
		p.Labels.done()
	}
	for n := range p.FollowUps {
		p.FollowUps[n].Nest = Delivery{}
	}
}

// Create notes the place of a new text, and for an issue, the labels it got. If the tracker left
// some out, the text is due again to say so.
func (p *Publication) Create(w *Write, asked []string, found Found) {
	w.Ref = found.Ref
	if w.Stage == FollowUpIssue {
		for n := range p.FollowUps {
			if f := &p.FollowUps[n]; f.Key == w.Key {
				f.made(found.Ref.URL)
			}
		}
	}
	if w.Stage != Opening {
		return
	}
	p.Labels.Given, p.Labels.Dropped = without(asked, found.Dropped), found.Dropped
	if found.Author != "" {
		p.Author = found.Author
	}
	if len(found.Dropped) > 0 {
		w.Revision, w.Facts = 0, ""
	}
}

// Adopt takes over an issue that existed before anything was sent. It leaves the text alone,
// because nobody knows who wrote what in it.
func (p *Publication) Adopt(asked []string, found Found, now time.Time) {
	o := p.Opening()
	o.Key = found.Key
	o.Adopt(found, now)
	p.Triage = found.Triage()
	p.Create(o, asked, found)
}

// Remove notes that a person removed a text, and reports whether that ends the issue. If a comment
// can't be written, its issue was removed; comments under a second issue, and issues of follow-ups,
// say nothing about it.
func (p *Publication) Remove(w *Write) (gone bool) {
	written := w.Exists()
	w.Remove()
	switch {
	case written && w.Stage != Opening, w.Stage == Sweep, w.Stage == FollowUpIssue:
		return false
	case p.Triage != Transferred:
		p.Triage = Deleted
	}
	p.Opening().Remove()
	return true
}

// Follow continues at the issue's new place, or leaves the issue alone for good if postburn must
// not write there. Either way it stays its incident's only issue.
func (p *Publication) Follow(to Moved) (follows bool) {
	o := p.Opening()
	if to.To == (Ref{}) || to.To == o.Ref {
		if !to.Foreign {
			p.Triage = Transferred
		}
		o.Remove()
		return false
	}
	o.Ref, p.Repository = to.To, to.Repository
	for i := range p.Writes {
		// The progress comment has another number there.
		if w := &p.Writes[i]; w.Stage == Progress && w.Exists() && w.State != Gone {
			w.LookAnew()
		}
	}
	return true
}

// Decide notes what people did with the issue, and reports whether that is news. If a person closed
// it as completed, postburn has to say what it lacks, once.
func (p *Publication) Decide(t Triage) (changed bool) {
	if p.Triage == t {
		return false
	}
	p.Triage = t
	p.ToLint = t == Completed && !p.Writes.Has(Lint)
	return true
}

// WantLint plans the comment with what the post-mortem lacks.
func (p *Publication) WantLint() {
	p.ToLint = false
	p.Want(Lint, time.Time{})
}

// CloseSecond plans to close the higher-numbered of two open issues with its key, with a link to
// the other. The publication keeps the other. ok is false if both stay as they are: for example, an
// issue that a person closed or reopened stays so.
func (p *Publication) CloseSecond(second Found) (closed Ref, ok bool) {
	o := p.Opening()
	known := slices.ContainsFunc(p.Writes, func(w Write) bool { return w.Stage == Sweep && w.Issue.Number == second.Ref.Number })
	if known || second.Closed || p.Triage != "" || second.Ref.Number == 0 || o.State != Posted {
		return Ref{}, false
	}
	closed = second.Ref
	if closed.Number < o.Ref.Number {
		closed = o.Ref
		o.Ref, o.Text, o.Edited = second.Ref, second.Text, true
		for i := range p.Writes {
			if p.Writes[i].Stage == Progress {
				p.Writes[i].Remove() // it stays behind
			}
		}
	}
	p.Writes = append(p.Writes, Write{
		Key: fmt.Sprintf("%s/%s-%d", p.Key, Sweep, closed.Number), Stage: Sweep, Delivery: Delivery{State: Wanted}, Issue: closed,
	})
	return closed, true
}
