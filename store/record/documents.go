package record

import (
	"encoding/json"
	"fmt"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// Decode reads a document. Its error wraps slo.ErrCorrupt.
func Decode[T any](doc []byte) (v T, err error) {
	if err := json.Unmarshal(doc, &v); err != nil {
		return v, fmt.Errorf("decoding %.200s: %w: %w", doc, slo.ErrCorrupt, err)
	}
	return v, nil
}

// Triaged is an incident, and what people did with its issue; empty if it has none.
type Triaged struct {
	alert.Incident
	Triage issue.Triage
}

// Part is what the row of an incident of a publication holds.
type Part struct {
	Incident string        `json:"incident"`
	Posted   int           `json:"posted"`
	Learned  issue.Learned `json:"learned"`
}

// Parts returns the rows of a publication's incidents, each once; never nil.
func Parts(p issue.Publication) []Part {
	parts := make([]Part, 0, len(p.Parts))
	at := make(map[string]int, len(p.Parts))
	for _, of := range p.Parts {
		row := Part{of.Incident, of.Posted, p.Learned(of)}
		if n, known := at[of.Incident]; known {
			parts[n] = row
			continue
		}
		at[of.Incident] = len(parts)
		parts = append(parts, row)
	}
	return parts
}

// Taken is the error of saving a publication with an incident that is part of another one.
func Taken(incident, by string) error {
	return fmt.Errorf("incident %s is part of publication %s", incident, by)
}
