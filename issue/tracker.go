package issue

import (
	"context"
	"errors"
	"time"
)

// Ref is a text's place at the tracker.
type Ref struct {
	Number int64  `json:"number,omitempty"` // of an issue or comment; 0 if the tracker has none
	Parent int64  `json:"parent,omitempty"` // a comment's issue
	URL    string `json:"url,omitempty"`    // for people
}

// Post is a text to be written: an issue, or a comment if Parent is set.
type Post struct {
	Key        string // the marker's key, unique, for example "checkout-1/recovery-2"
	Kind       Kind   // of the publication
	Group      string
	Onset      time.Time
	MergeGap   time.Duration // least time between onsets of the group's incidents; 0: not known
	Repository string
	Parent     *Found // the issue that a comment belongs to
	Ref        Ref    // the text's place; zero if not known
	Text       Text
	Labels     []string
	Assignees  []string
}

// Found is a text at the tracker.
type Found struct {
	Key    string
	Ref    Ref
	Text   Text
	Author string // the account that posted a new issue
	// What people did with an issue. Completed means closed, and not as noise.
	Closed, Completed, Duplicate bool
	Updated                      time.Time // of an issue, by the tracker's clock
	Dropped                      []string  // labels, and @assignees, that the tracker left out
	Labels                       []string  // of an issue as it stands
}

// Triage returns what people did with the issue.
func (f Found) Triage() Triage {
	switch {
	case f.Duplicate:
		return Duplicate
	case f.Closed && f.Completed:
		return Completed
	case f.Closed:
		return Noise
	}
	return ""
}

// Change is a change of an issue besides its text. Making it twice has the effect of making it
// once.
type Change struct {
	Reopen      bool     // if a person closed it as completed
	Close       bool     // as not planned
	Add, Remove []string // labels
}

// Errors of a Tracker. All others mean that it is not known whether the request took effect.
var (
	ErrRefused  = errors.New("the tracker refused")      // nothing done; a repeat is refused too
	ErrNotFound = errors.New("not found at the tracker") // the text is not there any more
	ErrEdited   = errors.New("edited by a person")       // not the text last written
	ErrNotSent  = errors.New("nothing was sent")         // nothing done, as it waited in vain to be sent; a repeat may succeed
)

// RateLimited is the error of a tracker that did nothing, and will do nothing until a time.
type RateLimited struct{ Until time.Time }

func (e RateLimited) Error() string {
	return "rate limited until " + e.Until.UTC().Format(time.RFC3339)
}

// Moved is the error of a tracker that did nothing because the issue is elsewhere: it was
// transferred to another repository, or another tracker wrote it.
type Moved struct {
	To         Ref    // the issue's new place; zero if postburn must not follow
	Foreign    bool   // another tracker wrote it, so the other fields are zero
	Repository string // the repository it is in now; empty if not known
	Reason     string // why postburn must not follow
}

func (e Moved) Error() string {
	switch {
	case e.Foreign:
		return "another tracker wrote it"
	case e.To == (Ref{}):
		return "the issue was transferred, and " + e.Reason
	}
	return "the issue was transferred to " + e.To.URL
}

// Tracker is where issues live. All methods but Prepare return Moved if their issue is known to
// have been transferred, or to be of another tracker.
type Tracker interface {
	// Prepare makes what an issue needs, such as its labels. Calling it twice does no harm. It
	// skips what can't be made. Its only errors are RateLimited and the context's end.
	Prepare(ctx context.Context, p Post) error
	// Create writes a new issue or comment. It may return ErrRefused or RateLimited, and
	// ErrNotFound if the parent is gone. Like Replace, it returns ErrNotSent only if it is certain
	// that no part of the text has left this process.
	Create(ctx context.Context, p Post) (Found, error)
	// Find returns all texts written after `since` that the post's marker marks (see Marker.Marks),
	// under its parent if it has one. It may return older ones too. Texts are as they stand now. A
	// parent that is gone has no comments. If the post's Ref is known, Find may return only the
	// text there, even if a person changed its marker.
	Find(ctx context.Context, p Post, since time.Time) ([]Found, error)
	// Replace writes a new text if the old one still stands as it was sent, ignoring line ends. It
	// returns ErrEdited if a person changed it, and ErrNotFound if it is gone.
	Replace(ctx context.Context, at Found, text Text) error
	// Change changes an issue besides its text, but nothing that people decided. It does not reopen
	// an issue called noise, and exchanges a label for another of its kind (`severity:2` for
	// `severity:1`) only if the old one is still there. It returns ErrNotFound if the issue is
	// gone.
	Change(ctx context.Context, at Found, c Change) error
}

// ErrNoSubIssues is the error of a Nester that can't make an issue a sub-issue, now or later.
var ErrNoSubIssues = errors.New("the tracker has no sub-issues")

// Nester makes an issue, by its address, a sub-issue of another. Doing it twice has the effect of
// doing it once. Its other errors are those of a Tracker about the parent.
type Nester func(ctx context.Context, parent Found, child string) error

// StateReader reports whether an issue that people name in the text of another is closed, and since
// when. It returns ErrNotFound if the issue can't be read, or must not be.
type StateReader func(ctx context.Context, address string, in Ref) (closed bool, at time.Time, err error)

// Lister lists postburn's own issues in a repository that changed since a time, by the tracker's
// clock. It leaves out transferred and deleted ones.
type Lister func(ctx context.Context, repository string, since time.Time) ([]Found, error)
