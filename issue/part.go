package issue

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"time"

	"github.com/postburn/postburn/alert"
)

// Parts are the incidents that a publication is for.
type Parts []Part

// Of returns an incident's part; nil if there is none.
func (all Parts) Of(incident string) *Part {
	for n := range all {
		if all[n].Incident == incident {
			return &all[n]
		}
	}
	return nil
}

// Posted returns an incident's newest revision at the tracker; 0 if it has no part.
func (all Parts) Posted(incident string) int {
	if part := all.Of(incident); part != nil {
		return part.Posted
	}
	return 0
}

// Evidence returns what was found around an incident when its issue was opened, or after it ended.
// ok is false if nothing is stored.
func (all Parts) Evidence(incident string) (e Evidence, ok bool, err error) {
	part := all.Of(incident)
	if part == nil || len(part.Evidence) == 0 {
		return Evidence{}, false, nil
	}
	e, err = part.Unpack()
	return e, err == nil, err
}

// Join adds an incident.
func (all *Parts) Join(i alert.Incident) {
	*all = append(*all, Part{Incident: i.ID, Onset: i.Onset()})
}

// Agree notes that the tracker shows these incidents as they are.
func (all Parts) Agree(incidents []alert.Incident) {
	for _, i := range incidents {
		if part := all.Of(i.ID); part != nil {
			part.Posted = i.Revision
		}
	}
}

// Part is an incident that a publication is for.
type Part struct {
	Incident string    `json:"incident"`       // its ID
	Posted   int       `json:"posted"`         // its newest revision at the tracker
	Onset    time.Time `json:"onset,omitzero"` // of the incident when it became a part

	// Evidence is packed: Parts.Evidence unpacks it. EvidenceEnd is the incident's end when
	// it was fetched; zero: it went on.
	Evidence    []byte    `json:"evidence,omitempty"`
	EvidenceEnd time.Time `json:"evidence_end,omitzero"`
}

// HasEvidence reports whether there is evidence for the incident's present state.
func (part Part) HasEvidence(i alert.Incident) bool {
	return len(part.Evidence) > 0 && (IsOpen(i) || part.EvidenceEnd.Equal(Ended(i)))
}

// Keep stores the evidence, compressed, because publications are read and written as a whole. It
// notes the incident's end at that time; zero while it goes on.
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

// Unpack is the opposite of Keep.
func (part Part) Unpack() (e Evidence, err error) {
	r, err := gzip.NewReader(bytes.NewReader(part.Evidence))
	if err == nil {
		err = json.NewDecoder(r).Decode(&e)
	}
	if err != nil {
		return Evidence{}, fmt.Errorf("unpacking evidence: %w", err)
	}
	return e, nil
}
