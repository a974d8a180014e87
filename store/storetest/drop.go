package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

var dropCases = map[string]func(*fixture){
	"those that ended before, and what was published of them": func(f *fixture) {
		f.commitIncidents(incident("old", 1, 1, 4), incident("at", 1, 2, 5), incident("late", 1, 3, 6), incident("open", 1, 1, 0))
		for _, id := range []string{"old", "at", "late", "open"} {
			f.save(publication(id, 1, issue.Posted, issue.Gone))
		}
		f.drop(5, 10, 1)
		f.same("left", []string{"late", "at", "open"}, ids(f.since(time.Time{})))
		f.published("old", nil)
		p := publication("at", 1, issue.Posted, issue.Gone)
		f.published("at", &p)
		f.drop(5, 10, 0)
		f.behind(nil, nil)
	},
	"as many as are wanted, those that ended first": func(f *fixture) {
		var all []alert.Incident
		for n := range 9 {
			id := fmt.Sprint(n)
			all = append(all, incident(id, 1, 9-n, 20-n))
		}
		f.commitIncidents(all...)
		for _, i := range all {
			f.save(publication(i.ID, 1, issue.Posted))
		}
		f.drop(30, 4, 4)
		f.same("left", []string{"0", "1", "2", "3", "4"}, ids(f.since(time.Time{})))
		f.drop(30, 4, 4)
		f.drop(30, 4, 1)
		f.drop(30, 4, 0)
	},
	"none of which something is unfinished": func(f *fixture) {
		f.commitIncidents(incident("unpublished", 1, 1, 2), incident("behind", 2, 1, 2), incident("wanted", 1, 1, 2),
			incident("sending", 1, 1, 2), incident("unknown", 1, 1, 2))
		f.save(publication("behind", 1, issue.Posted))
		for _, state := range []issue.State{issue.Wanted, issue.Sending, issue.Unknown} {
			f.save(publication(string(state), 1, issue.Posted, state))
		}
		f.drop(9, 10, 0)
		f.same("left", 5, len(f.since(time.Time{})))
		f.save(publication("behind", 2, issue.Posted))
		f.save(publication("sending", 1, issue.Posted, issue.Posted))
		f.drop(9, 10, 2)
	},
	"none of a storm while one of it stays": func(f *fixture) {
		f.commitIncidents(incident("a", 1, 1, 2), incident("b", 1, 1, 3), incident("c", 1, 1, 0), incident("d", 1, 1, 4))
		storm := publication("a", 1, issue.Posted)
		storm.Parts = parts(1, "a", "b", "c")
		f.save(storm)
		f.save(publication("d", 1, issue.Posted))
		f.drop(9, 1, 1) // d, although it ended last
		f.drop(9, 10, 0)
		f.commitIncidents(incident("c", 2, 1, 8))
		f.drop(9, 10, 0)
		storm.Parts[2].Posted = 2
		f.save(storm)
		f.drop(8, 10, 0)
		f.published("a", &storm)
		// In parts, too.
		f.drop(9, 2, 2)
		f.published("c", &storm)
		f.drop(9, 2, 1)
		f.published("c", nil)
		f.same("left", []string(nil), ids(f.since(time.Time{})))
	},
	"what was dropped may come again": func(f *fixture) {
		f.commitIncidents(incident("i", 1, 1, 2))
		p := publication("i", 1, issue.Posted)
		f.save(p)
		f.drop(9, 10, 1)
		f.commitIncidents(incident("i", 2, 1, 3))
		f.behind([]string{"i"}, nil)
		f.save(publication("i", 2, issue.Posted))
		f.behind(nil, nil)
	},
	"a store that was not acquired drops nothing": func(f *fixture) {
		if _, err := f.DropIncidents(f.Context(), tick(9), 1); !errors.Is(err, alert.ErrFenced) {
			f.Errorf("got %v", err)
		}
	},
}

// drop drops incidents that ended before a tick, and checks how many went.
func (f *fixture) drop(before, most, want int) {
	f.Helper()
	got, err := f.DropIncidents(f.Context(), tick(before), most)
	f.same("error", error(nil), err)
	f.same("dropped", want, got)
}
