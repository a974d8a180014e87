package record

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// Report is what a check found in a store.
type Report struct {
	Version, Newest                int // of the schema: present, and after an upgrade
	Lanes, Incidents, Publications int
	Wrong                          []string // a line each; empty: all is fine
}

// Checker looks at one row after the other, and reports what is wrong.
type Checker struct {
	Report
	parts map[string][]string // incidents by their publication's key
}

// Wrongf adds a line.
func (c *Checker) Wrongf(format string, args ...any) {
	c.Wrong = append(c.Wrong, OneLine(fmt.Sprintf(format, args...)))
}

// Incident looks at the row of an incident.
func (c *Checker) Incident(id string, revision int, open bool, doc []byte) {
	c.Incidents++
	var i alert.Incident
	switch err := json.Unmarshal(doc, &i); {
	case err != nil:
		c.Wrongf("incident %q can't be decoded: %v", id, err)
	case i.ID != id || i.Revision != revision || len(i.Windows) == 0 || i.IsOpen() != open:
		c.Wrongf("incident %q: its document is of incident %q, revision %d, and its row of revision %d", id, i.ID, i.Revision, revision)
	}
}

// Part looks at the row of an incident of a publication. They come in the order of incidents,
// before the publications.
func (c *Checker) Part(publication, incident string) {
	if c.parts == nil {
		c.parts = map[string][]string{}
	}
	c.parts[publication] = append(c.parts[publication], incident)
}

// Publication looks at the row of a publication.
func (c *Checker) Publication(key string, doc []byte) {
	c.Publications++
	var p issue.Publication
	if err := json.Unmarshal(doc, &p); err != nil {
		c.Wrongf("publication %q can't be decoded: %v", key, err)
		return
	}
	var incidents []string
	for _, part := range p.Parts {
		incidents = append(incidents, part.Incident)
	}
	if slices.Sort(incidents); p.Key != key || !slices.Equal(incidents, c.parts[key]) {
		c.Wrongf("publication %q: its document is of publication %q with incidents %q, and its rows of %q", key, p.Key, incidents, c.parts[key])
	}
}

// OneLine joins the lines of a text.
func OneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
