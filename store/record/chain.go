package record

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
)

// Chain is one lane's batches in order, with their incidents encoded.
type Chain struct {
	Lane    string
	Batches []*Batch
}

// Batch is a batch with its incidents' documents.
type Batch struct {
	alert.Batch
	Docs [][]byte // one per incident; nil if a later batch has a newer revision
}

// Last returns the tick that the chain takes its lane to.
func (c *Chain) Last() time.Time { return c.Batches[len(c.Batches)-1].Tick }

// Chains splits batches by lane, in the order in which lanes come first, and checks what it can
// without the store.
func Chains(batches []alert.Batch) ([]*Chain, error) {
	var lanes []*Chain
	byName := map[string]*Chain{}
	for _, b := range batches {
		c := byName[b.Lane]
		if c == nil {
			c = &Chain{Lane: b.Lane}
			byName[b.Lane] = c
			lanes = append(lanes, c)
		}
		if !b.Tick.After(b.Prev) || !storable(b.Tick) {
			return nil, fmt.Errorf("lane %s: a batch from %s to %s goes nowhere", b.Lane, b.Prev.Format(time.RFC3339), b.Tick.Format(time.RFC3339))
		}
		if n := len(c.Batches); n > 0 && !b.Prev.Equal(c.Last()) {
			return nil, conflict(b.Lane, c.Last(), b.Prev)
		}
		c.Batches = append(c.Batches, &Batch{Batch: b})
	}
	for _, c := range lanes {
		if err := c.encode(); err != nil {
			return nil, err
		}
	}
	return lanes, nil
}

// encode encodes only each incident's newest revision: nobody could see older ones that catching up
// writes in the same transaction.
func (c *Chain) encode() error {
	newer := map[string]bool{}
	for _, b := range slices.Backward(c.Batches) {
		docs := make([][]byte, len(b.Incidents))
		for i, incident := range b.Incidents {
			if len(incident.Windows) == 0 {
				return fmt.Errorf("incident %s has no breach window", incident.ID)
			}
			if newer[incident.ID] {
				continue
			}
			newer[incident.ID] = true
			var err error
			if docs[i], err = json.Marshal(incident); err != nil {
				return fmt.Errorf("encoding incident %s: %w", incident.ID, err)
			}
		}
		b.Docs = docs
	}
	return nil
}

// CheckFences returns an alert.FencedError unless all batches have the fence that was handed out
// last for their lane; 0 means that none was.
func CheckFences(chains []*Chain, now func(lane string) int64) error {
	var old alert.FencedError
	for _, c := range chains {
		i := slices.IndexFunc(c.Batches, func(b *Batch) bool { return b.Fence != now(c.Lane) || b.Fence == 0 })
		if i < 0 {
			continue
		}
		if old.Err == nil {
			old.Err = fmt.Errorf("lane %s: %w", c.Lane, Fenced(c.Batches[i].Fence, now(c.Lane)))
		}
		old.Lanes = append(old.Lanes, c.Lane)
	}
	if old.Err != nil {
		return &old
	}
	return nil
}

// Fenced is alert.ErrFenced with the fences.
func Fenced(own, now int64) error {
	return fmt.Errorf("fence %d, now %d: %w", own, now, alert.ErrFenced)
}

// Missing returns the batches that are not written yet, given the lane's cursor, which is zero
// before its first batch, and the fence that it was committed under. After a commit with an unknown
// outcome, the cursor may be at the end of one of the batches, under their own fence: that one and
// all before it are there. A cursor elsewhere is alert.ErrConflict.
func (c *Chain) Missing(cursor time.Time, writtenUnder int64) ([]*Batch, error) {
	for i, b := range c.Batches {
		if b.Tick.Equal(cursor) && writtenUnder == b.Fence {
			return c.Batches[i+1:], nil
		}
	}
	if prev := c.Batches[0].Prev; !prev.Equal(cursor) {
		return nil, conflict(c.Lane, cursor, prev)
	}
	return c.Batches, nil
}

func conflict(lane string, cursor, prev time.Time) error {
	return fmt.Errorf("lane %s is at %s, not at %s: %w", lane, cursor.Format(time.RFC3339Nano), prev.Format(time.RFC3339Nano), alert.ErrConflict)
}

// The parts of a checkpoint, as rows name them.
const (
	Roster  = "roster"
	State   = "state"
	History = "history"
)

// Checkpoint is a part that replaces the lane's one of that name.
type Checkpoint struct {
	Name    string
	Tick    time.Time
	Content []byte // never nil
}

// Checkpoints returns the newest roster, state and history in batches: nobody could see older ones.
func Checkpoints(batches []*Batch) (parts []Checkpoint) {
	has := map[string]bool{}
	add := func(name string, tick time.Time, content []byte) {
		if !has[name] && content != nil {
			has[name] = true
			parts = append(parts, Checkpoint{name, tick, content})
		}
	}
	for _, b := range slices.Backward(batches) {
		add(Roster, b.Tick, b.Roster)
		if c := b.Batch.Checkpoint; c != nil {
			add(State, b.Tick, append([]byte{}, c.State...))
			add(History, b.Tick, c.History)
		}
	}
	return parts
}
