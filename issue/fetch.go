package issue

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
)

const (
	// evidenceTimeout is how long fetching evidence may hold up a pass, whatever the number of incidents and whatever a collector does.
	evidenceTimeout = 10 * time.Second
	// evidenceGrace is the part of it in which a collector that was told to stop may hand in what it has.
	evidenceGrace = time.Second
	// storming is how much time has to be left in a pass for evidence that no text waits for.
	storming = evidenceTimeout / 2
	// maxFetched is for how many incidents of a storm evidence is fetched: the worst ones.
	maxFetched = 100
)

// evidence returns what was found around one of the publication's incidents. It is fetched when the
// incident is opened and again when it has ended, and kept in between, so that a text that is tried
// again says the same. What there was no time for is not kept.
func (p *Publisher) evidence(ctx context.Context, j *job, i alert.Incident) Evidence {
	if len(p.Collectors) == 0 {
		return Evidence{}
	}
	n := slices.IndexFunc(j.pub.Parts, func(part Part) bool { return part.Incident == i.ID })
	part := &j.pub.Parts[n]
	if part.hasEvidence(i) {
		e, err := unpack(part.Evidence)
		if err == nil {
			return e
		}
		p.Logger.Error("reading kept evidence; it is fetched again", "incident", i.ID, "err", err)
	}
	if p.patience <= 0 {
		return Evidence{Unresolved: []string{"Evidence was not collected yet: that of other incidents took all the time there was."}}
	}
	e := p.fetchEvidence(ctx, i)
	if ctx.Err() != nil {
		return e // it is not all
	}
	j.pub.Parts = slices.Clone(j.pub.Parts)
	if err := j.pub.Parts[n].Keep(e, Ended(i)); err != nil {
		p.Logger.Error("keeping evidence", "incident", i.ID, "err", err)
	}
	return e
}

// hasEvidence reports whether there is evidence of how the incident stands now.
func (part Part) hasEvidence(i alert.Incident) bool {
	return len(part.Evidence) > 0 && (IsOpen(i) || part.EvidenceEnd.Equal(Ended(i)))
}

// fetchEvidence has all collectors look for evidence, side by side. What they do not hand in in time is told to be missing.
func (p *Publisher) fetchEvidence(ctx context.Context, i alert.Incident) (all Evidence) {
	began := time.Now()
	defer func() { p.patience -= time.Since(began) }()
	bounded, cancel := context.WithTimeout(ctx, max(p.patience-evidenceGrace, p.patience/2))
	defer cancel()
	found := make([]chan Evidence, len(p.Collectors))
	for n, c := range p.Collectors {
		found[n] = make(chan Evidence, 1)
		go func() {
			e := Evidence{Unresolved: []string{"A part of the evidence was not collected: postburn made a mistake, its log has more."}}
			defer func() {
				if wrong := recover(); wrong != nil {
					p.Logger.Error("collecting evidence panicked", "incident", i.ID, "err", wrong)
				}
				found[n] <- e
			}()
			e = c(bounded, i)
		}()
	}
	late := time.NewTimer(p.patience)
	defer late.Stop()
	for n := range found {
		select {
		case e := <-found[n]:
			all.Add(e)
			continue
		default:
		}
		select {
		case e := <-found[n]:
			all.Add(e)
		case <-late.C:
			late.Reset(0) // for the others that are late
			all.Unresolved = append(all.Unresolved, "A part of the evidence was not collected in time.")
		}
	}
	return all
}

// fetchForStorms fetches evidence of the incidents of storms, the worst first, as far as the time of
// this pass goes. No text of theirs needs it: it is for the incidents' pages.
func (p *Publisher) fetchForStorms(ctx context.Context, jobs []*job) error {
	for _, j := range jobs {
		fetched := false
		for _, i := range p.withoutEvidence(j) {
			if p.patience < storming || ctx.Err() != nil {
				break
			}
			p.evidence(ctx, j, i)
			fetched = true
		}
		if fetched {
			if err := p.save(ctx, j); err != nil {
				return err
			}
		}
	}
	return nil
}

// withoutEvidence are the incidents of a storm of which there is evidence to be fetched. One whose
// issue was removed has none.
func (p *Publisher) withoutEvidence(j *job) (missing []alert.Incident) {
	if j.pub.Kind != Storm || j.pub.gone() || len(p.Collectors) == 0 {
		return nil
	}
	have := map[string]Part{}
	for _, part := range j.pub.Parts {
		have[part.Incident] = part
	}
	worst := WorstFirst(j.incidents)
	for _, i := range worst[:min(len(worst), maxFetched)] {
		if !have[i.ID].hasEvidence(i) {
			missing = append(missing, i)
		}
	}
	return missing
}

// Evidence is what was found around one of the publication's incidents when it was opened, or when
// it had ended; ok is false where nothing is kept.
func (p Publication) Evidence(incident string) (e Evidence, ok bool, err error) {
	for _, part := range p.Parts {
		if part.Incident == incident && len(part.Evidence) > 0 {
			e, err = unpack(part.Evidence)
			return e, err == nil, err
		}
	}
	return Evidence{}, false, nil
}

// Keep keeps what was found around the incident, with its end then; zero while it goes on. It is
// made small, because publications are read and written as a whole.
func (part *Part) Keep(e Evidence, ended time.Time) error {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if err := json.NewEncoder(w).Encode(e); err != nil {
		return fmt.Errorf("packing evidence: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("packing evidence: %w", err)
	}
	part.Evidence, part.EvidenceEnd = b.Bytes(), ended
	return nil
}

func unpack(packed []byte) (e Evidence, err error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err == nil {
		err = json.NewDecoder(r).Decode(&e)
	}
	if err != nil {
		return Evidence{}, fmt.Errorf("unpacking evidence: %w", err)
	}
	return e, nil
}
