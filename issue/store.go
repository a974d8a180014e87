package issue

import (
	"context"
	"time"

	"github.com/postburn/postburn/alert"
)

// Store keeps publications, beside the incidents that alert.Store has committed.
type Store interface {
	// Behind returns the incidents that changed since their publication was last posted, oldest
	// onset first, and all publications with a write that is not posted yet.
	Behind(ctx context.Context) ([]alert.Incident, []Publication, error)
	// Publication returns the publication of an incident; ok is false if there is none yet.
	Publication(ctx context.Context, incident string) (p Publication, ok bool, err error)
	// Save writes a publication as a whole.
	Save(ctx context.Context, p Publication) error
	// Incidents returns all incidents with an onset or an end after `since`, newest onset first. An
	// open incident's end counts as after any time.
	Incidents(ctx context.Context, since time.Time) ([]alert.Incident, error)
	// IncidentsByID returns the incidents that exist, newest onset first.
	IncidentsByID(ctx context.Context, ids []string) ([]alert.Incident, error)
}
