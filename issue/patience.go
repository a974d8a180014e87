package issue

import (
	"context"
	"time"

	"github.com/postburn/postburn/alert"
)

const (
	// evidenceTimeout is how long collecting evidence may hold up a pass, whatever the number of incidents and whatever a collector does.
	evidenceTimeout = 10 * time.Second
	// evidenceGrace is the part of it in which a collector that was told to stop may hand in what it has.
	evidenceGrace = time.Second
	// maxEvidence bounds what is kept for texts that are tried again.
	maxEvidence = 100
)

// collected is the evidence of an incident as of its end; as of its opening where that is zero.
type collected struct {
	ended time.Time
	Evidence
}

// collect has all collectors look for evidence, side by side. What they do not hand in in time is told to be missing, and looked for
// again when the incident has ended. A text that is tried again is made of what was found before.
func (p *Publisher) collect(ctx context.Context, i alert.Incident) Evidence {
	if have, ok := p.evidence[i.ID]; ok && have.ended.Equal(i.Ended()) {
		return have.Evidence
	}
	if p.patience <= 0 {
		return Evidence{Unresolved: []string{"Evidence was not collected yet: that of other incidents took all the time there was."}}
	}
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
	all := collected{ended: i.Ended()}
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
	if len(p.evidence) >= maxEvidence {
		clear(p.evidence)
	}
	p.evidence[i.ID] = all
	return all.Evidence
}
