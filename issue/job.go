package issue

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/postburn/postburn/alert"
)

// job is a publication with the incidents that it is for, while the publisher works on them.
type job struct {
	pub       Publication
	incidents []alert.Incident // of its parts, in their order; at least one
}

// newJob makes a publication for incidents that are part of none yet.
func newJob(kind Kind, incidents ...alert.Incident) *job {
	first := incidents[0]
	j := &job{pub: Publication{Key: first.ID, Kind: kind, Repository: first.Repository}}
	if kind == Single {
		j.pub.Group = first.Group
	}
	for _, i := range incidents {
		j.join(i)
	}
	return j
}

// join makes an incident a part of the publication.
func (j *job) join(i alert.Incident) {
	j.pub.Parts = append(j.pub.Parts, Part{Incident: i.ID, Onset: i.Onset()})
	j.incidents = append(j.incidents, i)
}

// open reports whether one of the incidents goes on.
func (j *job) open() bool { return slices.ContainsFunc(j.incidents, IsOpen) }

// hasOpenWindow reports whether any window is open: its incident still changes, even if that is only how
// far a budget is overspent.
func (j *job) hasOpenWindow() bool { return slices.ContainsFunc(j.incidents, alert.Incident.IsOpen) }

// burning reports whether one goes on of which there is progress to tell: a budget that stays spent has none.
func (j *job) burning() bool {
	return slices.ContainsFunc(j.incidents, func(i alert.Incident) bool {
		return slices.ContainsFunc(i.Windows, func(w alert.Window) bool { return w.IsOpen() && w.Kind != alert.Budget })
	})
}

// onset is the earliest one.
func (j *job) onset() time.Time {
	return slices.MinFunc(j.incidents, func(a, b alert.Incident) int { return a.Onset().Compare(b.Onset()) }).Onset()
}

// ended is the latest end; zero while one of the incidents goes on.
func (j *job) ended() time.Time {
	if j.open() {
		return time.Time{}
	}
	return Ended(slices.MaxFunc(j.incidents, func(a, b alert.Incident) int { return Ended(a).Compare(Ended(b)) }))
}

// revision rises with every change of an incident, and with every one that joins.
func (j *job) revision() (sum int) {
	for _, i := range j.incidents {
		sum += i.Revision
	}
	return sum
}

// facts is a digest of what texts tell of the incidents: all of their windows, but of a spent budget
// beside other windows only since when, and until when. So how far it is overspent, which changes
// with every tick for weeks, changes no text.
func (j *job) facts() string {
	h := sha256.New()
	for _, i := range j.incidents {
		core := Core(i)
		told := []any{i.ID, core.Windows}
		if len(core.Windows) < len(i.Windows) {
			for _, w := range i.Windows {
				if w.Kind == alert.Budget {
					told = append(told, w.ID(), w.Onset, w.Ended)
				}
			}
		}
		text, err := json.Marshal(told)
		if err != nil {
			return strconv.Itoa(j.revision()) // then every revision is told
		}
		h.Write(text)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// posted reports whether the tracker agrees with the newest revisions of all incidents.
func (j *job) posted() bool {
	return !slices.ContainsFunc(j.incidents, func(i alert.Incident) bool { return j.pub.Posted(i.ID) < i.Revision })
}

// agree notes that it does.
func (j *job) agree() {
	parts := slices.Clone(j.pub.Parts)
	for n := range parts {
		for _, i := range j.incidents {
			if i.ID == parts[n].Incident {
				parts[n].Posted = i.Revision
			}
		}
	}
	j.pub.Parts = parts
}

// opening is the write of the issue itself.
func (j *job) opening() *Write { return &j.pub.Writes[0] }

// unopened reports whether there is no issue yet, and none is on its way.
func (j *job) unopened() bool { return len(j.pub.Writes) == 0 || j.pub.Writes[0].unsent() }

// opens is when the issue is to be opened that there is not yet; zero: at once.
func (j *job) opens() time.Time {
	if len(j.pub.Writes) == 0 {
		return time.Time{}
	}
	return j.pub.Writes[0].NotUntil
}

// unwanted reports whether a person said that the issue is not worth having: then postburn has no more to say there.
func (j *job) unwanted() bool { return j.pub.Triage == Noise || j.pub.Triage == Duplicate }

// unsettled reports whether there is something to be written that is not at the tracker.
func (j *job) unsettled() bool {
	return slices.ContainsFunc(j.pub.Writes, func(w Write) bool { return !w.settled() })
}

// failure is why the tracker did not take what is wanted; nil where it did.
func (j *job) failure() error {
	for _, w := range j.pub.Writes {
		if !w.settled() && w.Error != "" {
			return fmt.Errorf("writing the %s text: %w", w.Stage, errors.New(w.Error))
		}
	}
	return nil
}

// exists reports whether the text is at the tracker.
func (w Write) exists() bool { return w.Ref != Ref{} }

// unsent reports whether it is certain that the text is not at the tracker.
func (w Write) unsent() bool { return w.State == Wanted && !w.exists() }

// settled reports whether there is nothing to be done or found out about it.
func (w Write) settled() bool { return w.State == Posted || w.State == Gone }

// passing reports whether the text tells of a change: that it is over, or that it came back.
func (w Write) passing() bool { return w.Stage == Recovery || w.Stage == Return }

// clear forgets the troubles that are over.
func (w *Write) clear() {
	w.Prior, w.Tries, w.Looks, w.NotUntil, w.Error = Text{}, 0, 0, time.Time{}, ""
}

// back makes a write as it was before it was sent, to be sent again later.
func (w *Write) back(before Write, err error, notUntil time.Time) {
	tries := w.Tries + 1
	*w = before
	w.State, w.Tries, w.Error, w.NotUntil = Wanted, tries, err.Error(), notUntil.UTC()
}
