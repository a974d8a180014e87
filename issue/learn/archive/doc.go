// Package archive keeps finished post-mortems as Markdown files that a static site can show: the
// facts as front matter, people's text as it stands, and an index by year, service and cause. It
// decides what is written and does no I/O: the caller reads a folder's files, asks Plan, and writes
// what it says.
//
// Start reading at Plan. The files:
//
//	plan.go   Plan: what to write, given the post-mortems and the files that are there
//	entry.go  PostMortem, and the facts of its front matter
//	file.go   File: front matter and text; knows whether a person changed it
//	index.go  the index of all files in the folder
package archive
