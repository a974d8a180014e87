package issue

import "time"

// Stage is what a text is for.
type Stage string

// The stages of a publication's texts.
const (
	Opening  Stage = "opening"  // the issue's body, from when it is created
	Progress Stage = "progress" // the comment updated while the incident goes on
	Recovery Stage = "recovery" // the comment that it is over, with the final numbers
	Return   Stage = "return"   // the comment that it came back
	Lint     Stage = "lint"     // the comment with what the post-mortem lacks, once it is closed
	Sweep    Stage = "sweep"    // the comment under a duplicate before postburn closes it
	Reminder Stage = "reminder" // the comment with follow-ups that have been open for long

	FollowUpIssue Stage = "follow-up"  // an issue for one of the follow-ups
	FollowUpLinks Stage = "follow-ups" // the comment with links to these issues
)

// State says how far a task at the tracker has come.
type State string

// The states; see Write for the transitions.
const (
	Wanted  State = "wanted"  // to be sent
	Sending State = "sending" // the intent is stored; after a crash the outcome is unclear
	Unknown State = "unknown" // sent, outcome not known: look before sending again
	Posted  State = "posted"  // it is there
	Gone    State = "gone"    // removed by a person, or out of reach: it is not written again
)

// Delivery is the progress of a task at the tracker: posting a text, or exchanging labels.
type Delivery struct {
	State    State     `json:"state"`
	Tries    int       `json:"tries,omitempty"`    // failed in a row
	NotUntil time.Time `json:"not_until,omitzero"` // do nothing before then
	Error    string    `json:"error,omitempty"`    // why the last try failed
}

// IsSettled reports whether there is nothing left to do or to find out.
func (d Delivery) IsSettled() bool {
	return d.State != Wanted && d.State != Sending && d.State != Unknown
}

// RetryAt sets the time of the next try, whatever it was before.
func (d *Delivery) RetryAt(t time.Time) { d.NotUntil = t }

// Failed notes that a try failed, and the earliest time of the next.
func (d *Delivery) Failed(err error, notUntil time.Time) {
	d.Tries++
	d.Error, d.NotUntil = err.Error(), notUntil.UTC()
}

// Write is one text at the tracker, and how far its publishing has come. Only its methods change
// it, and each change is stored before the next begins:
//
//	Wanted -> Send -> Sending, then the request is made
//	  done                        Done         -> Posted
//	  refused, or rate limited    Refuse       -> Wanted, not before a time; all else as it was
//	  edited by a person          LeaveEdited  -> Posted, and left alone from then on
//	  removed by a person         Remove       -> Gone
//	  issue transferred           Undo         -> as before; Publication.Follow continues
//	  not sent, and the process   Undo         -> as before, for whoever publishes next
//	    publishes no more
//	  no answer                   Lose         -> Unknown
//	Sending, found in the store   Lose         -> Unknown: the process died before an answer
//	Unknown, so it is looked for
//	  there                       Done         -> Posted
//	  not there                   Miss         -> Unknown, to be looked for again, until a second
//	                                              look is late enough to be believed; then
//	    it never was there        Resend       -> Wanted
//	    it had been there         Remove       -> Gone
//	  there, but as it was        Restore      -> Wanted
type Write struct {
	Key   string `json:"key"` // unique in the tracker: part of the marker
	Stage Stage  `json:"stage"`
	Delivery
	At       time.Time `json:"at,omitzero"`        // when it was last sent
	Looks    int       `json:"looks,omitempty"`    // looks in vain since it was sent
	Text     Text      `json:"text"`               // as it was last sent
	Prior    Text      `json:"prior,omitzero"`     // the text before, until Text is confirmed
	Ref      Ref       `json:"ref,omitzero"`       // its place, once known
	Revision int       `json:"revision"`           // of the incident in the text; for many, the sum
	Facts    string    `json:"facts,omitempty"`    // digest of what the text says of incidents
	Standing string    `json:"standing,omitempty"` // of an issue's text: digest of the state in it; empty: not known
	Ended    time.Time `json:"ended,omitzero"`     // the end that the text states; zero: none
	Edited   bool      `json:"edited,omitempty"`   // a person changed it: it is theirs now
	Refusal  string    `json:"refused,omitempty"`  // why the text does not use the template
	Issue    Ref       `json:"issue,omitzero"`     // of a comment, if not the publication's
}

// Content is what is sent, and what it says.
type Content struct {
	Text     Text
	Revision int // as in Write
	Facts    string
	Standing string    // of an issue's text
	Ended    time.Time // likewise
}

// Exists reports whether the text is at the tracker.
func (w Write) Exists() bool { return w.Ref != Ref{} }

// IsUnsent reports whether it is certain that the text is not at the tracker.
func (w Write) IsUnsent() bool { return w.State == Wanted && !w.Exists() }

// TellsChange reports whether the text says that the incident is over, or that it came back.
func (w Write) TellsChange() bool { return w.Stage == Recovery || w.Stage == Return }

// Send notes that a text is about to be sent, and returns the write as it was before.
func (w *Write) Send(c Content, now time.Time) (before Write) {
	before = *w
	w.State, w.At, w.Looks = Sending, now.UTC(), 0
	w.Text, w.Revision, w.Facts = c.Text, c.Revision, c.Facts
	if w.Stage == Opening {
		w.Ended, w.Standing = c.Ended, c.Standing
	}
	if w.Exists() {
		w.Prior = before.Text
	}
	return before
}

// NoteRefusal notes why the text does not use the objective's template; nil: it does, or there is
// none.
func (w *Write) NoteRefusal(err error) {
	w.Refusal = ""
	if err != nil {
		w.Refusal = err.Error()
	}
}

// Done notes that the text is there as sent.
func (w *Write) Done() {
	w.State = Posted
	w.forget()
}

// Adopt takes over a text that existed before anything was sent, and leaves it alone, because
// nobody knows who wrote what in it.
func (w *Write) Adopt(found Found, now time.Time) {
	w.Ref, w.Text, w.Edited, w.At = found.Ref, found.Text, true, now.UTC()
	w.Done()
}

// Refuse notes that the tracker did not take the text. All is as before, and it is sent again, but
// not before a time.
func (w *Write) Refuse(before Write, err error, notUntil time.Time) {
	tries := w.Tries
	w.Undo(before)
	w.State, w.Tries = Wanted, tries
	w.Failed(err, notUntil)
}

// Undo notes that the request had no effect.
func (w *Write) Undo(before Write) { *w = before }

// LeaveEdited notes that a person changed the text, so it was not replaced, and never will be.
func (w *Write) LeaveEdited(before Write) {
	w.Undo(before)
	w.Edited = true
	w.Done()
}

// Remove notes that a person removed the text, or that it is left alone for good.
func (w *Write) Remove() {
	w.State = Gone
	w.forget()
}

// Lose notes that the outcome of a request is not known; err is nil if the process died.
func (w *Write) Lose(err error) {
	w.State = Unknown
	if err == nil {
		w.Looks = 0
		return
	}
	w.Error, w.NotUntil = err.Error(), time.Time{}
}

// Miss notes a look in vain, and reports whether to believe that the request had no effect: after
// two looks, the last at least `settle` after the text was sent. Until then, the next look is
// `every` later.
func (w *Write) Miss(now time.Time, settle, every time.Duration) (believed bool) {
	w.Looks++
	settled := w.At.Add(settle)
	if w.Looks >= 2 && !now.Before(settled) {
		return true
	}
	w.NotUntil = now.Add(every)
	if settled.After(w.NotUntil) {
		w.NotUntil = settled
	}
	return false
}

// Resend notes that a text was never there, so it is sent again.
func (w *Write) Resend() {
	w.State, w.Looks, w.NotUntil = Wanted, 0, time.Time{}
	if w.Stage == Opening {
		w.Ended = time.Time{}
	}
}

// Restore notes that the old text is still there, or a person's version of it: the tracker tells
// which when the new text is sent again.
func (w *Write) Restore() {
	w.State, w.Text, w.Revision, w.Facts, w.Ended = Wanted, w.Prior, 0, "", time.Time{}
	w.forget()
}

// LookAnew notes that the text has moved, and must be found again.
func (w *Write) LookAnew() {
	w.State, w.Ref, w.At = Unknown, Ref{}, time.Time{}
	w.forget()
}

// forget clears the failures that are over.
func (w *Write) forget() {
	w.Prior, w.Looks, w.Tries, w.NotUntil, w.Error = Text{}, 0, 0, time.Time{}, ""
}
