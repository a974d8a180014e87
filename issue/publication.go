package issue

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
)

// Publication is what is posted for an incident: one issue and its comments. In a storm one publication is for many incidents.
type Publication struct {
	Key        string  `json:"key"` // unique; the ID of its first incident
	Kind       Kind    `json:"kind,omitempty"`
	Parts      []Part  `json:"parts"` // never taken out again
	Group      string  `json:"group"` // of its incident; empty where it is for many
	Repository string  `json:"repository,omitempty"`
	Triage     Triage  `json:"triage,omitempty"`
	Author     string  `json:"author,omitempty"` // as whom its issue was posted
	Writes     []Write `json:"writes"`           // the issue first, then its comments, in the order in which they were wanted
}

// Kind says what a publication is for.
type Kind string

// The kinds of publications.
const (
	Single Kind = ""       // for one incident
	Storm  Kind = "storm"  // for those that began in quick succession
	Digest Kind = "digest" // for those that were over long before they could be published
)

// Triage is what people have made of an issue; empty while it is open, or where the tracker does not tell.
type Triage string

// What people make of an issue.
const (
	Completed   Triage = "completed"   // closed
	Noise       Triage = "noise"       // closed as not planned: not worth an issue
	Duplicate   Triage = "duplicate"   // closed as one, or labelled so
	Transferred Triage = "transferred" // moved to another repository
	Deleted     Triage = "deleted"
)

// Part is an incident that a publication is for.
type Part struct {
	Incident string    `json:"incident"`       // its ID
	Posted   int       `json:"posted"`         // its newest revision that the tracker agrees with
	Onset    time.Time `json:"onset,omitzero"` // of the incident when it became a part

	// Evidence is packed: Publication.Evidence unpacks it. EvidenceEnd is the incident's end when it
	// was fetched; zero: it went on.
	Evidence    []byte    `json:"evidence,omitempty"`
	EvidenceEnd time.Time `json:"evidence_end,omitzero"`
}

// Posted is the newest revision of an incident that the tracker agrees with; 0 where the publication is not for it.
func (p Publication) Posted(incident string) int {
	for _, part := range p.Parts {
		if part.Incident == incident {
			return part.Posted
		}
	}
	return 0
}

// has reports whether it is for an incident.
func (p Publication) has(incident string) bool {
	return slices.ContainsFunc(p.Parts, func(part Part) bool { return part.Incident == incident })
}

// gone reports whether a person removed its issue.
func (p Publication) gone() bool { return len(p.Writes) > 0 && p.Writes[0].State == Gone }

// URL is where people find the issue; empty where there is none yet.
func (p Publication) URL() string {
	if len(p.Writes) == 0 {
		return ""
	}
	return p.Writes[0].Ref.URL
}

// Write is one text at the tracker, and how far its publishing has come.
type Write struct {
	Key      string    `json:"key"` // unique in the tracker: part of the marker
	Stage    Stage     `json:"stage"`
	State    State     `json:"state"`
	At       time.Time `json:"at,omitzero"`        // when it was last sent
	Tries    int       `json:"tries,omitempty"`    // failed in a row
	NotUntil time.Time `json:"not_until,omitzero"` // do nothing before then
	Looks    int       `json:"looks,omitempty"`    // how often it was looked for in vain since it was sent
	Error    string    `json:"error,omitempty"`    // why the last try failed
	Text     Text      `json:"text"`               // as it was last sent
	Prior    Text      `json:"prior,omitzero"`     // what Text is to replace, while it is not known whether it has
	Ref      Ref       `json:"ref,omitzero"`       // where it is, once that is known
	Revision int       `json:"revision"`           // of the incident in the text; the sum of them where there are many
	Facts    string    `json:"facts,omitempty"`    // digest of what the text tells of the incidents
	Ended    time.Time `json:"ended,omitzero"`     // the end that the text tells of; zero where it tells of none
	Edited   bool      `json:"edited,omitempty"`   // a person has changed it: it is theirs now
	Labels   []string  `json:"labels,omitempty"`   // of the issue: those that it was given
	Dropped  []string  `json:"dropped,omitempty"`  // of the issue: what the tracker left out
	Issue    Ref       `json:"issue,omitzero"`     // that it is a comment of, where that is not the publication's
}

// State is how far a write has come.
type State string

// The states of a write (see the package's publish.go for how they follow each other).
const (
	Wanted  State = "wanted"  // to be sent
	Sending State = "sending" // the intent is stored; whether the request was made is not known after a crash
	Unknown State = "unknown" // sent, and the outcome is not known: look before sending again
	Posted  State = "posted"  // it is there
	Gone    State = "gone"    // a person has removed it; it is not written again
)

// Ref is where a text is at the tracker.
type Ref struct {
	Number int64  `json:"number,omitempty"` // of an issue or a comment; 0 where the tracker counts none
	Parent int64  `json:"parent,omitempty"` // a comment's issue
	URL    string `json:"url,omitempty"`    // for people
}

// Post is a text to be written: an issue, or a comment where Parent is set.
type Post struct {
	Key        string // the marker's key: a text with the same key is the same text
	Kind       Kind   // of the publication
	Group      string
	Onset      time.Time
	MergeGap   time.Duration // the group's incidents begin at least so far apart; 0: not known
	Repository string
	Parent     *Found // the issue that a comment belongs to
	Ref        Ref    // where the text is; zero where that is not known
	Text       Text
	Labels     []string
	Assignees  []string
}

// Found is a text at the tracker.
type Found struct {
	Key    string
	Ref    Ref
	Text   Text
	Author string // as whom a new issue was posted
	// What people did with an issue. Completed is one that was closed and not called noise.
	Closed, Completed, Duplicate, Moved bool
	Updated                             time.Time // of an issue, by the tracker's clock
	Dropped                             []string  // labels, and assignees with an @, that the tracker left out of the issue
}

// Triage is what people have made of the issue.
func (f Found) Triage() Triage {
	switch {
	case f.Moved:
		return Transferred
	case f.Duplicate:
		return Duplicate
	case f.Closed && f.Completed:
		return Completed
	case f.Closed:
		return Noise
	}
	return ""
}

// Change is what is to become of an issue besides its text. To ask for it twice does no more than to ask once.
type Change struct {
	Reopen      bool     // if a person closed it as completed
	Close       bool     // as not planned
	Add, Remove []string // labels
}

// Errors of a Tracker. All others mean that it is not known whether the request took effect.
var (
	ErrRefused  = errors.New("the tracker refused")      // it did nothing, and the same request will be refused again
	ErrNotFound = errors.New("not found at the tracker") // the text is not there any more
	ErrEdited   = errors.New("edited by a person")       // the text is not what it was when it was last written
)

// RateLimited is the error of a tracker that did nothing and names a time before which it will do nothing.
type RateLimited struct{ Until time.Time }

func (e RateLimited) Error() string {
	return "rate limited until " + e.Until.UTC().Format(time.RFC3339)
}

// Tracker is where issues live.
type Tracker interface {
	// Prepare makes what an issue needs besides itself, such as its labels. To do it twice does no harm. What can't be made is
	// done without; an error means that the tracker is to be left in peace (RateLimited), or the context's end.
	Prepare(ctx context.Context, p Post) error
	// Create writes a new issue or comment. It may return ErrRefused or RateLimited; ErrNotFound where the parent is gone.
	Create(ctx context.Context, p Post) (Found, error)
	// Find looks for all texts that the post's marker marks (see Marker.Marks; of its parent, if it has one) and that were written after
	// `since`. Older ones may be returned as well. The text is as it stands now. A parent that is gone has no comments. Where the
	// post's Ref is known, the text there may be all that is returned, whatever a person made of its marker.
	Find(ctx context.Context, p Post, since time.Time) ([]Found, error)
	// Replace writes a new text where the old one still stands as it was sent, line ends aside. It returns ErrEdited where a person has
	// changed it, and ErrNotFound where it is gone.
	Replace(ctx context.Context, at Found, text Text) error
	// Change changes what is not text, and nothing that people decided: an issue that was called noise is not opened again, and a
	// label is exchanged for another of its kind (`severity:2` for `severity:1`) only while it is there. It returns ErrNotFound
	// where the issue is gone.
	Change(ctx context.Context, at Found, c Change) error
}

// Lister lists postburn's own issues of a repository that have changed since a time, by the tracker's clock. Those that were
// transferred or deleted are not among them.
type Lister func(ctx context.Context, repository string, since time.Time) ([]Found, error)

// Store keeps publications, beside the incidents that alert.Store has committed.
type Store interface {
	// Behind returns the incidents that changed since their publication was last posted, oldest onset first, and all publications that
	// have a write which is not posted yet.
	Behind(ctx context.Context) ([]alert.Incident, []Publication, error)
	// Publication returns the one that an incident is part of; ok is false where there is none yet.
	Publication(ctx context.Context, incident string) (p Publication, ok bool, err error)
	// Save writes a publication as a whole.
	Save(ctx context.Context, p Publication) error
	// Incidents returns all incidents with an onset or an end after `since`, newest onset first. An end that is still to come is after any
	// time.
	Incidents(ctx context.Context, since time.Time) ([]alert.Incident, error)
	// IncidentsByID returns those of the incidents that there are, newest onset first.
	IncidentsByID(ctx context.Context, ids []string) ([]alert.Incident, error)
}
