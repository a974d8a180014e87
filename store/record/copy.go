package record

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/slo/humanize"
)

// Sink takes all that a store holds, in this order: the fence, lanes by name, incidents by ID,
// publications by key, and days by objective. What the rows of incidents and publications hold
// beside their documents follows from these.
type Sink interface {
	Fence(now int64) error
	Lane(Lane) error
	Incident(doc []byte) error
	Publication(doc []byte) error
	Days([]alert.Days) error
}

// Lane is a lane with what it resumes from. Samples that its history has are not needed.
type Lane struct {
	Name  string
	Fence int64 // that its cursor was committed under
	alert.Recovery
}

// Checkpoints returns the lane's checkpoint as rows hold it.
func (l Lane) Checkpoints() (parts []Checkpoint) {
	for _, p := range []Checkpoint{{Roster, l.Cursor, l.Roster}, {State, l.StateTick, l.State}, {History, l.HistoryTick, l.History}} {
		if p.Content != nil {
			parts = append(parts, p)
		}
	}
	return parts
}

// Copy is a Sink that passes all on to another one, and counts and digests it meanwhile. To is nil
// if there is no other.
type Copy struct {
	To     Sink
	tables [5]table
}

// table is what was counted and digested of one kind.
type table struct {
	rows int
	sum  hash.Hash
}

// The kinds in the order of Sink.
const (
	fences = iota
	lanes
	incidents
	publications
	objectives
)

// add digests a row: its fields with their lengths, so that none runs into the next.
func (c *Copy) add(kind int, fields ...[]byte) {
	t := &c.tables[kind]
	if t.sum == nil {
		t.sum = sha256.New()
	}
	t.rows++
	for _, f := range fields {
		t.sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(f))))
		t.sum.Write(f)
	}
}

// Fence implements Sink.
func (c *Copy) Fence(now int64) error {
	c.add(fences, number(now))
	return pass(c.To, func(to Sink) error { return to.Fence(now) })
}

// Lane implements Sink.
func (c *Copy) Lane(l Lane) error {
	fields := [][]byte{[]byte(l.Name), number(l.Fence), instant(l.Cursor), l.Roster, l.State, instant(l.StateTick), l.History, instant(l.HistoryTick)}
	for _, row := range l.Rows {
		fields = append(fields, instant(row.Tick), row.Samples)
	}
	c.add(lanes, fields...)
	return pass(c.To, func(to Sink) error { return to.Lane(l) })
}

// Incident implements Sink.
func (c *Copy) Incident(doc []byte) error {
	c.add(incidents, doc)
	return pass(c.To, func(to Sink) error { return to.Incident(doc) })
}

// Publication implements Sink.
func (c *Copy) Publication(doc []byte) error {
	c.add(publications, doc)
	return pass(c.To, func(to Sink) error { return to.Publication(doc) })
}

// Days implements Sink.
func (c *Copy) Days(all []alert.Days) error {
	for _, of := range all {
		doc, err := json.Marshal(of)
		if err != nil {
			return fmt.Errorf("encoding the days of %s: %w", of.SLO, err)
		}
		c.add(objectives, doc)
	}
	return pass(c.To, func(to Sink) error { return to.Days(all) })
}

func pass(to Sink, do func(Sink) error) error {
	if to == nil {
		return nil
	}
	return do(to)
}

func number(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

func instant(t time.Time) []byte { return number(Nanos(t)) }

// Lines returns a line a kind: how many there are, and the first 16 digits of the SHA-256 of all of
// them.
func (c *Copy) Lines() (lines []string) {
	for kind, noun := range []string{"fence", "lane", "incident", "publication", "objective"} {
		t := c.tables[kind]
		digest := "nothing"
		if t.sum != nil {
			digest = "sha256 " + hex.EncodeToString(t.sum.Sum(nil))[:16]
		}
		text := humanize.Plural(t.rows, noun)
		if kind == lanes {
			text += " with samples and checkpoints"
		}
		if kind == objectives {
			text += " with days"
		}
		lines = append(lines, text+": "+digest)
	}
	return lines
}
