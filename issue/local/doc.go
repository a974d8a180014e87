// Package local is the tracker for those without another: a folder with one Markdown file for each
// publication. The text comes first in the file, comments follow under rules. People may
// write anywhere in a file. What they wrote is never lost, because a text is replaced only if it
// still stands as it was sent, and all around it stays. Issues can't be closed here.
//
// Package publish decides what is written and when, and retries.
//
// Start reading at Tracker. The files:
//
//	local.go   Tracker: creating, finding and replacing texts
//	part.go    part: the piece of a file that postburn wrote, between its marker and its end line
//	file.go    reading and writing files whole or not at all, without waiting or following links
//	excluded.go  which issues people excluded
//	people.go  what people wrote: the file's text, as a file has no comments with authors
package local
