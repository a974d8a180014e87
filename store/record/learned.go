package record

import (
	"fmt"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// Learned is what a report reads of incidents.
type Learned struct {
	Incidents []alert.Incident
	ByID      map[string]issue.Learned // of incidents that are published
}

// Add adds an incident's document, and what is learned of it; nil if it is not published, or if an
// older postburn published it.
func (l *Learned) Add(doc, learned []byte) error {
	incident, err := Decode[alert.Incident](doc)
	if err != nil {
		return err
	}
	l.Incidents = append(l.Incidents, incident)
	if learned == nil {
		return nil
	}
	if l.ByID[incident.ID], err = Decode[issue.Learned](learned); err != nil {
		return fmt.Errorf("what is learned of %s: %w", incident.ID, err)
	}
	return nil
}
