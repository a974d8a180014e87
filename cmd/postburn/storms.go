package main

import (
	"fmt"
	"io"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// storm is the JSON form of incidents that would have been a storm.
type storm struct {
	Kind          alert.Kind `json:"kind"` // of its incidents' first windows
	FirstDetected time.Time  `json:"first_detected"`
	LastDetected  time.Time  `json:"last_detected"`
	Incidents     []string   `json:"incidents"` // their IDs, in the order of detection
}

// stormsOf returns which incidents would have been a storm, earliest storm first; an empty list if
// none.
func stormsOf(incidents []alert.Incident) []storm {
	all := []storm{}
	for _, members := range issue.Storms(incidents) {
		s := storm{
			Kind: members[0].Windows[0].Kind, FirstDetected: members[0].Detected(), LastDetected: members[len(members)-1].Detected(),
		}
		for _, i := range members {
			s.Incidents = append(s.Incidents, i.ID)
		}
		all = append(all, s)
	}
	return all
}

// printStorms says which incidents would have been a storm.
func printStorms(w io.Writer, incidents []alert.Incident) {
	for _, s := range stormsOf(incidents) {
		fmt.Fprintf(w, "\nA storm: %d incidents of kind %s were detected from %s to %s. Those not published before the sixth would have shared an issue:\n",
			len(s.Incidents), s.Kind, s.FirstDetected.UTC().Format(time.DateTime), s.LastDetected.UTC().Format(time.DateTime))
		for _, id := range s.Incidents {
			fmt.Fprintln(w, "  "+id)
		}
	}
}
