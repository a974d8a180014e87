package issue

import (
	"context"
	"errors"
	"time"

	"github.com/postburn/postburn/alert"
)

// Publication is what is posted for an incident: one issue and its comments. In a storm one publication is for many incidents.
type Publication struct {
	Key        string  `json:"key"` // unique; the ID of its first incident
	Parts      []Part  `json:"parts"`
	Group      string  `json:"group"`
	Repository string  `json:"repository,omitempty"`
	Writes     []Write `json:"writes"` // the issue first, then its comments, in the order in which they were wanted
}

// Part is an incident that a publication is for.
type Part struct {
	Incident string `json:"incident"` // its ID
	Posted   int    `json:"posted"`   // its newest revision that the tracker agrees with
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
	Revision int       `json:"revision"`           // of the incident in the text
	Ended    time.Time `json:"ended,omitzero"`     // the incident's end that the text tells of; zero where it tells of none
	Edited   bool      `json:"edited,omitempty"`   // a person has changed it: it is theirs now
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
	Group      string
	Onset      time.Time
	Repository string
	Parent     *Found // the issue that a comment belongs to
	Ref        Ref    // where the text is; zero where that is not known
	Text       Text
	Labels     []string
	Assignees  []string
}

// Found is a text at the tracker.
type Found struct {
	Key  string
	Ref  Ref
	Text Text
	// Closed and Completed tell what a person did with an issue: completed is a closed one that was not called noise.
	Closed, Completed bool
	Dropped           []string // labels, and assignees with an @, that the tracker left out of a new issue without a word
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
	// Create writes a new issue or comment. It may return ErrRefused or RateLimited; ErrNotFound where the parent is gone.
	Create(ctx context.Context, p Post) (Found, error)
	// Find looks for all texts that the post's marker marks (see Marker.Marks; of its parent, if it has one) and that were written after
	// `since`. Older ones may be returned as well. The text is as it stands now. A parent that is gone has no comments. Where the
	// post's Ref is known, the text there may be all that is returned, whatever a person made of its marker.
	Find(ctx context.Context, p Post, since time.Time) ([]Found, error)
	// Replace writes a new text where the old one still stands as it was sent, line ends aside. It returns ErrEdited where a person has
	// changed it, and ErrNotFound where it is gone.
	Replace(ctx context.Context, at Found, text Text) error
	// Reopen opens an issue again that a person closed as completed. Nothing happens where it is open, or was called noise.
	Reopen(ctx context.Context, at Found) error
}

// Store keeps publications, beside the incidents that alert.Store has committed.
type Store interface {
	// Behind returns the incidents that changed since their publication was last posted, oldest onset first, and all publications that
	// have a write which is not posted yet.
	Behind(ctx context.Context) ([]alert.Incident, []Publication, error)
	// Publication returns the one that an incident is part of; ok is false where there is none yet.
	Publication(ctx context.Context, incident string) (p Publication, ok bool, err error)
	// Save writes a publication as a whole.
	Save(ctx context.Context, p Publication) error
	// Incidents returns all incidents with an onset or an end after `since`, newest onset first.
	Incidents(ctx context.Context, since time.Time) ([]alert.Incident, error)
}
