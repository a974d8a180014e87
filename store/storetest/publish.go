package storetest

import (
	"slices"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

var incidentCases = map[string]func(*fixture){
	"an incident comes back as it was": func(f *fixture) {
		i := incident("größe-☃", 1, 1, 9)
		i.Group, i.Repository = "Zahlung \"☃\" 'x'; -- \\u0000 \x01", "acme/größe"
		i.Windows = append(i.Windows, incident("", 0, 3, 0).Windows...)
		f.commitIncidents(i)
		f.same("incidents", []alert.Incident{i}, f.since(time.Time{}))
	},
	"a higher revision replaces": func(f *fixture) {
		f.commitIncidents(incident("i", 1, 5, 0))
		f.commitIncidents(incident("i", 2, 4, 9))
		f.same("incidents", []alert.Incident{incident("i", 2, 4, 9)}, f.since(time.Time{}))
	},
	"the highest revision of one commit stays": func(f *fixture) {
		f.acquire()
		batches := f.chain("a", 0, 3)
		for n := range batches {
			batches[n].Incidents = []alert.Incident{incident("i", n+1, 1, 0)}
		}
		f.commit(batches...)
		f.same("incidents", []alert.Incident{incident("i", 3, 1, 0)}, f.since(time.Time{}))
	},
	"a lower revision never replaces": func(f *fixture) {
		f.commitIncidents(incident("i", 3, 1, 9))
		f.commitIncidents(incident("i", 2, 2, 0))
		f.same("incidents", []alert.Incident{incident("i", 3, 1, 9)}, f.since(time.Time{}))
	},
	"newest onset first": func(f *fixture) {
		f.commitIncidents(incident("b", 1, 2, 9), incident("d", 1, 4, 0), incident("a", 1, 1, 0), incident("c", 1, 3, 4))
		f.same("incidents", []string{"d", "c", "b", "a"}, ids(f.since(time.Time{})))
	},
	"onset or end after the time": func(f *fixture) {
		f.commitIncidents(incident("over", 1, 1, 4), incident("ends later", 1, 2, 6), incident("begins later", 1, 7, 8),
			incident("open", 1, 3, 0))
		for at, want := range map[int][]string{
			3: {"begins later", "open", "ends later", "over"},
			4: {"begins later", "open", "ends later"},
			6: {"begins later", "open"},
			8: {"open"}, // it has not ended
		} {
			f.same(tick(at).String(), want, ids(f.since(tick(at))))
		}
	},
	"a zero onset is the oldest": func(f *fixture) {
		f.commitIncidents(incident("epoch", 1, 1, 2), incident("zero", 1, 0, 2))
		f.same("incidents", []string{"epoch", "zero"}, ids(f.since(time.Time{})))
		f.behind([]string{"zero", "epoch"}, nil)
	},
	"none": func(f *fixture) { f.same("incidents", []alert.Incident(nil), f.since(time.Time{})) },
}

var behindCases = map[string]func(*fixture){
	"nothing": func(f *fixture) { f.behind(nil, nil) },
	"incidents without a publication, oldest onset first": func(f *fixture) {
		f.commitIncidents(incident("b", 1, 2, 0), incident("c", 1, 3, 4), incident("a", 1, 1, 9))
		f.behind([]string{"a", "b", "c"}, nil)
	},
	"from a new incident to its end": func(f *fixture) {
		f.commitIncidents(incident("i", 1, 1, 0))
		f.behind([]string{"i"}, nil)
		f.save(publication("i", 0, issue.Sending))
		f.behind([]string{"i"}, []string{"i"})
		f.save(publication("i", 1, issue.Posted))
		f.behind(nil, nil)
		f.commitIncidents(incident("i", 2, 1, 9))
		f.behind([]string{"i"}, nil)
		f.save(publication("i", 2, issue.Posted, issue.Wanted))
		f.behind(nil, []string{"i"})
		f.save(publication("i", 2, issue.Posted, issue.Posted))
		f.behind(nil, nil)
	},
	"the newest revision is what is behind": func(f *fixture) {
		f.commitIncidents(incident("i", 1, 1, 0))
		f.save(publication("i", 1))
		f.commitIncidents(incident("i", 4, 1, 9))
		incidents, _, err := f.Behind(f.Context())
		f.same("incidents", []alert.Incident{incident("i", 4, 1, 9)}, incidents)
		f.same("error", error(nil), err)
	},
	"a posted revision stays posted when its batch comes again": func(f *fixture) {
		f.acquire()
		b := f.batch("a", 0, 1)
		b.Incidents = []alert.Incident{incident("i", 1, 1, 0)}
		f.commit(b)
		f.save(publication("i", 1, issue.Posted))
		f.commit(b)
		f.behind(nil, nil)
	},
	"which writes are open": func(f *fixture) {
		for _, state := range []issue.State{issue.Wanted, issue.Sending, issue.Unknown, issue.Posted, issue.Gone} {
			f.save(publication(string(state), 1, issue.Posted, state, issue.Gone))
		}
		f.save(publication("none", 1))
		labels := publication("labels", 1, issue.Posted)
		labels.Labels = issue.Labels{Delivery: issue.Delivery{State: issue.Wanted}, Given: []string{"postburn"}, Dropped: []string{"@alice"}}
		f.save(labels)
		f.behind(nil, []string{"labels", "sending", "unknown", "wanted"})
	},
	"publications come back as they were": func(f *fixture) {
		p := publication("i", 3, issue.Posted, issue.Unknown)
		f.save(p)
		_, publications, err := f.Behind(f.Context())
		f.same("publications", []issue.Publication{p}, publications)
		f.same("error", error(nil), err)
	},
	"a publication for many incidents": func(f *fixture) {
		f.commitIncidents(incident("a", 1, 1, 0), incident("b", 1, 2, 0), incident("c", 1, 3, 0))
		p := publication("a", 1, issue.Posted)
		p.Parts = parts(1, "a", "c")
		f.save(p)
		f.behind([]string{"b"}, nil)
		f.commitIncidents(incident("c", 2, 3, 9))
		f.behind([]string{"b", "c"}, nil)
	},
	"each incident of a publication has its own revision": func(f *fixture) {
		f.commitIncidents(incident("a", 3, 1, 0), incident("b", 7, 2, 0))
		p := publication("a", 1, issue.Posted)
		p.Parts = []issue.Part{{Incident: "a", Posted: 3}, {Incident: "b", Posted: 6}}
		f.save(p)
		f.behind([]string{"b"}, nil)
		f.commitIncidents(incident("a", 4, 1, 0))
		f.behind([]string{"a", "b"}, nil)
	},
	"an incident that is taken out is behind again": func(f *fixture) {
		f.commitIncidents(incident("a", 1, 1, 0), incident("b", 1, 2, 0))
		p := publication("a", 1, issue.Posted)
		p.Parts = parts(1, "a", "b")
		f.save(p)
		f.behind(nil, nil)
		f.save(publication("a", 1, issue.Posted))
		f.behind([]string{"b"}, nil)
	},
	"what was posted before the incident is there counts": func(f *fixture) {
		f.save(publication("i", 2, issue.Posted))
		f.commitIncidents(incident("i", 2, 1, 0))
		f.behind(nil, nil)
		f.commitIncidents(incident("i", 3, 1, 0))
		f.behind([]string{"i"}, nil)
	},
}

var publicationCases = map[string]func(*fixture){
	"none yet": func(f *fixture) {
		f.save(publication("other", 1))
		f.published("i", nil)
	},
	"it comes back as it was, for each of its incidents": func(f *fixture) {
		p := publication("größe-☃", 7, issue.Posted, issue.Unknown, issue.Gone)
		p.Parts = parts(7, "größe-☃", "b", "a")
		p.Group, p.Repository, p.Kind, p.Triage, p.Author = "'; -- \x01", "", issue.Storm, issue.Noise, "robot[bot]"
		f.save(p)
		for _, part := range p.Parts {
			f.published(part.Incident, &p)
		}
	},
	"it is written as a whole": func(f *fixture) {
		p := publication("a", 1, issue.Posted, issue.Wanted)
		p.Parts = parts(1, "a", "b", "b")
		f.save(p)
		p = publication("a", 2, issue.Posted)
		p.Parts = parts(2, "a", "c")
		f.save(p)
		f.published("a", &p)
		f.published("b", nil)
		f.published("c", &p)
	},
	"one without incidents is nobody's": func(f *fixture) {
		p := publication("a", 1, issue.Wanted)
		f.save(p)
		p.Parts = nil
		f.save(p)
		f.published("a", nil)
		f.behind(nil, []string{"a"})
	},
	"an incident is part of one only": func(f *fixture) {
		f.commitIncidents(incident("a", 1, 1, 0), incident("b", 1, 2, 0))
		a := publication("a", 1, issue.Posted)
		f.save(a)
		b := publication("b", 1, issue.Wanted)
		b.Parts = parts(1, "b", "a")
		if err := f.Save(f.Context(), b); err == nil {
			f.Error("no error")
		}
		f.published("a", &a)
		f.published("b", nil)
		f.behind([]string{"b"}, nil)
	},
	"whom it was posted as": func(f *fixture) {
		for key, author := range map[string]string{"a": "robot", "b": "", "c": "Größe[bot]", "d": "robot"} {
			p := publication(key, 1, issue.Posted)
			p.Author = author
			f.save(p)
		}
		got, err := f.Authors(f.Context())
		f.same("error", error(nil), err)
		slices.Sort(got)
		f.same("authors", []string{"Größe[bot]", "robot"}, got)
	},
	"posted as nobody": func(f *fixture) {
		got, err := f.Authors(f.Context())
		f.same("error", error(nil), err)
		f.same("authors", 0, len(got))
	},
	"an incident that was taken out may be part of another": func(f *fixture) {
		a := publication("a", 1)
		a.Parts = parts(1, "a", "b")
		f.save(a)
		f.save(publication("a", 1))
		b := publication("b", 1)
		f.save(b)
		f.published("b", &b)
	},
}

// parts returns parts with the same posted revision.
func parts(posted int, incidents ...string) []issue.Part {
	var all []issue.Part
	for _, id := range incidents {
		all = append(all, issue.Part{Incident: id, Posted: posted})
	}
	return all
}

// publication is of one incident, with writes in these states.
func publication(key string, posted int, states ...issue.State) issue.Publication {
	p := issue.Publication{Key: key, Parts: parts(posted, key), Group: "checkout", Repository: "acme/checkout"}
	for n, state := range states {
		p.Writes = append(p.Writes, issue.Write{
			Key: key + string(rune('a'+n)), Stage: issue.Opening, At: tick(n), Looks: 2,
			Delivery: issue.Delivery{State: state, Tries: n, NotUntil: tick(n + 1), Error: "502 <html>"}, Text: issue.Text{Title: "Größe ☃ & <b>", Body: "line\r\nline\u2028 \\u0000"},
			Ref: issue.Ref{Number: 1 << 60, URL: "https://example.com/1"}, Revision: posted, Edited: n == 1,
		})
	}
	return p
}

// published checks an incident's publication; nil if there should be none.
func (f *fixture) published(incident string, want *issue.Publication) {
	f.Helper()
	got, ok, err := f.Publication(f.Context(), incident)
	if err != nil {
		f.Fatalf("reading the publication of %s: %v", incident, err)
	}
	if want == nil {
		want = &issue.Publication{}
		f.same("ok", false, ok)
	}
	f.same("publication of "+incident, *want, got)
}
