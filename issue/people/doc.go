// Package people collects what people wrote at the tracker. From comments on an incident's issue it
// takes the lines that begin with a time, and from the issues of earlier incidents the tasks that
// are not done. It reads only, and believes only authors whom the tracker trusts.
//
// Start reading at Collector, which is an issue.Collector. The files:
//
//	people.go    Collector, and the unfinished tasks of earlier incidents
//	comments.go  the lines of comments that begin with a time, and their authors
//	chat.go      chat that was pasted into a comment
package people
