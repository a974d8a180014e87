// Package trackertest is the suite that every issue.Tracker has to pass. A tracker's test calls Run
// with a World: the tracker, and what people can do there. For example, a person who edits a text
// must find it as it was after Replace.
//
//	trackertest.go  World and Run; writing, finding and replacing texts
//	triage.go       closing, labels, lists, and issues that are elsewhere
package trackertest
