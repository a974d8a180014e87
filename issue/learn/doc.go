// Package learn reads post-mortems back: what postburn recorded, and what people made of it. It
// takes Markdown apart, does no I/O and reads no clock. Package lint says what a post-mortem lacks,
// package archive keeps finished ones as files.
//
// Start reading at Document. The files:
//
//	document.go   Document, Section and Block: a post-mortem, taken apart
//	parse.go      Parse: from Markdown to sections and blocks
//	inline.go     the text of a block, with and without what it quotes
//	form.go       which section a heading begins, and the sentences of postburn's own form
//	record.go     Record: postburn's numbers and times, read from its tables
//	people.go     who is named in a post-mortem, and who owns a task
//	tasks.go      Tasks: the follow-ups, their owners, and whether they are done
//	local.go      splitting a file of the local tracker into the issue and postburn's comments
package learn
