package lint

import "github.com/postburn/postburn/issue/learn"

// emptySections finds sections for people in which they wrote nothing.
func emptySections(r *reading) (found []Finding) {
	asked := map[learn.Kind]bool{}
	for _, s := range r.Sections {
		if asked[s.Kind] {
			continue
		}
		asked[s.Kind] = true
		parts := []learn.Kind{s.Kind}
		switch s.Kind {
		case learn.FollowUps:
			parts = append(parts, learn.ShortTerm, learn.LongTerm)
		case learn.Trigger, learn.Causes, learn.Well, learn.Poorly, learn.Resolved, learn.Brief:
		default:
			continue
		}
		if !r.has(parts...) && !r.mayBeEmpty(s.Kind) {
			found = append(found, Finding{Line: s.Line, Text: s.Title, Example: r.askFor(s.Kind)})
		}
	}
	return found
}

// mayBeEmpty reports whether a section need not be written: "How was it resolved?" while it is
// open, or if a sentence or two are enough for the whole post-mortem.
func (r *reading) mayBeEmpty(k learn.Kind) bool {
	_, brief := r.Section(learn.Brief)
	return k == learn.Resolved && (brief || r.Record.IsKnown() && r.Record.IsOpen())
}

// askFor returns a question that a section answers, with this incident's facts.
func (f facts) askFor(k learn.Kind) string {
	after, rest := f.detected()
	switch k {
	case learn.Trigger:
		return ask(
			[]string{"%s came first. Did that set it off, or something else?", f.change()},
			[]string{"It began at %s. What was new then?", f.clock(f.record.Onset())})
	case learn.Causes:
		return f.askForCauses()
	case learn.Well:
		return ask(
			[]string{"It was detected %s after onset. What helped there, and later?", after},
			[]string{"It lasted %s. What kept it from lasting longer?", f.lasted()})
	case learn.Poorly:
		return ask(
			[]string{"It went on for %s after it was detected. What took the time?", rest},
			[]string{"It lasted %s. What took the time?", f.lasted()})
	case learn.Resolved:
		if f.record.IsKnown() {
			return ask([]string{"The numbers were fine again at %s. They don't say what did it.", f.clock(f.record.Ended())})
		}
	case learn.FollowUps:
		return ask(
			[]string{"%s. What would you change so that it is fewer next time?", f.impact()},
			[]string{"It lasted %s. What would you change so that it is shorter next time?", f.lasted()})
	case learn.Brief:
		return ask([]string{"%s in %s. Was it worth knowing?", f.impact(), f.lasted()})
	}
	return ""
}

// askForCauses returns a question about what had been waiting.
func (f facts) askForCauses() string {
	_, rest := f.detected()
	return ask(
		[]string{"%s came first. What let it reach users, and what had been waiting for something like it?", f.change()},
		[]string{"It took %s from detection to the end. What had been there before that made it so long, and so wide?", rest},
		[]string{"%s. What had been there all along that let it come to that?", f.impact()})
}
