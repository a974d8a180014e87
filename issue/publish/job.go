package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// job is a publication and its incidents, while the publisher works on them.
type job struct {
	pub       issue.Publication
	incidents              // of its parts, in their order; at least one
	joined    bool         // an incident joined a stored publication
	hints     []issue.Hint // for the lint
}

// newJob makes a publication for incidents that have none yet.
func newJob(kind issue.Kind, incidents ...alert.Incident) *job {
	return &job{pub: issue.NewPublication(kind, incidents...), incidents: incidents}
}

// join adds an incident to a stored publication. It saves nothing.
func (j *job) join(i alert.Incident) {
	j.pub.Parts.Join(i)
	j.incidents, j.joined = append(j.incidents, i), true
}

func (j *job) save(ctx context.Context, store issue.Store) error {
	if err := store.Save(ctx, j.pub); err != nil {
		return fmt.Errorf("storing the publication: %w", err)
	}
	return nil
}

// content returns what a text written now would say.
func (j *job) content(w *issue.Write, text issue.Text) issue.Content {
	c := issue.Content{Text: text, Revision: j.revision(), Facts: j.facts(), Standing: j.standing(), Ended: j.ended()}
	if w.Stage == issue.FollowUpLinks {
		c.Facts = j.linked()
	}
	return c
}

// standing returns a digest of the state that an issue's text gives: whether the incident goes on,
// how severe it is, which objectives are missed, and whether evidence was found. It has no numbers,
// so it changes only a few times. It is empty for many incidents: comments name those that join.
func (j *job) standing() string {
	if j.pub.Kind != issue.Single {
		return ""
	}
	i := j.incidents[0]
	told := []string{fmt.Sprint(j.open(), i.Severity(), j.pub.Parts.Of(i.ID).HasEvidence(i))}
	for _, w := range i.Windows {
		told = append(told, w.ID().String()+"\n"+string(w.Kind))
	}
	slices.Sort(told)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(told), "\n\n")))
	return hex.EncodeToString(sum[:8])
}

// posted reports whether the newest revisions of all incidents are at the tracker.
func (j *job) posted() bool {
	return !slices.ContainsFunc(j.incidents, func(i alert.Incident) bool { return j.pub.Parts.Posted(i.ID) < i.Revision })
}

// isUnopened reports whether there is no issue yet, and none is on its way.
func (j *job) isUnopened() bool { return len(j.pub.Writes) == 0 || j.pub.Opening().IsUnsent() }

// opens returns when to open an issue that does not exist yet; zero: at once.
func (j *job) opens() time.Time {
	if len(j.pub.Writes) == 0 {
		return time.Time{}
	}
	return j.pub.Opening().NotUntil
}

// failure returns why the tracker did not take what is wanted; nil if it did.
func (j *job) failure() error {
	stage, why := j.pub.Failure()
	if why == "" {
		return nil
	}
	return fmt.Errorf("writing the %s text: %w", stage, errors.New(why))
}
