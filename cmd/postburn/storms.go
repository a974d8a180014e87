package main

import (
	"fmt"
	"io"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

// printStorms says which incidents would have been a storm.
func printStorms(w io.Writer, incidents []alert.Incident) {
	const minute = "2006-01-02 15:04:05"
	for _, storm := range issue.Storms(incidents) {
		fmt.Fprintf(w, "\nA storm: %d incidents were detected from %s to %s. Those not published before the sixth would have shared an issue:\n",
			len(storm), storm[0].Detected().UTC().Format(minute), storm[len(storm)-1].Detected().UTC().Format(minute))
		for _, i := range storm {
			fmt.Fprintln(w, "  "+i.ID)
		}
	}
}
