package issue

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// Learned is what a report reads of an incident's publication. It is small: a report is about
// hundreds of incidents, and a Publication holds all its texts.
type Learned struct {
	URL string `json:"url,omitempty"` // of the issue; empty while there is none
	Feedback

	Contributors []string `json:"contributors,omitempty"` // where its bad events were: `zone="eu-1"`
	Changes      []string `json:"changes,omitempty"`      // what changed around it, without versions and numbers
	Undone       []string `json:"undone,omitempty"`       // follow-ups of earlier incidents that were not done when it began; untrusted

	Promises []Promise `json:"promises,omitempty"` // its own follow-ups
}

// Promise is a follow-up of a post-mortem, without names or words.
type Promise struct {
	Made time.Time `json:"made"`
	Kept time.Time `json:"kept,omitzero"` // zero: not yet
}

// mostLearned bounds each list.
const mostLearned = 20

// Learned returns what a report reads of a part's incident. Evidence that can't be unpacked counts
// as none.
func (p Publication) Learned(part Part) Learned {
	l := Learned{URL: p.URL(), Feedback: p.Feedback}
	l.Drill = l.Drill || slices.Contains(p.Labels.Given, DrillLabel)
	if part.Incident == p.Key { // once, if there are many parts
		for _, f := range p.FollowUps {
			l.Promises = append(l.Promises, Promise{f.Opened, f.Done})
		}
	}
	if len(part.Evidence) == 0 {
		return l
	}
	e, err := part.Unpack()
	if err != nil {
		return l
	}
	for _, c := range e.Contributors {
		if where := placeOf(c); where != "" {
			l.Contributors = appendLearned(l.Contributors, where)
		}
	}
	for _, row := range e.Timeline {
		if what := changeOf(row, part.Onset); what != "" {
			l.Changes = appendLearned(l.Changes, what)
		}
	}
	for _, f := range e.Unfinished {
		l.Undone = appendLearned(l.Undone, shortened(f.Text))
	}
	return l
}

func appendLearned(all []string, text string) []string {
	if len(all) == mostLearned || slices.Contains(all, text) {
		return all
	}
	return append(all, text)
}

func shortened(text string) string {
	if runes := []rune(text); len(runes) > 300 {
		return string(runes[:299]) + "…"
	}
	return text
}

// placeOf names a contributor by the labels that have one value, such as `zone="eu-1"`, so that
// it can be recognised. An outcome, such as a status code, is no place.
func placeOf(c Contributor) string {
	if c.Outcome {
		return ""
	}
	var clauses []string
	for _, clause := range c.Where {
		if len(clause.Values) == 1 {
			clauses = append(clauses, clause.Label+`="`+shortened(clause.Values[0])+`"`)
		}
	}
	return strings.Join(clauses, ", ")
}

var (
	// passing matches what differs each time that the same thing changes: versions and numbers.
	passing = regexp.MustCompile(`\S*[0-9]\S*`)
	// dangling matches what is left at the end of a text once they are cut.
	dangling = regexp.MustCompile(`(:? (from|to|of|by|in|at|generation)|[:,])+$`)
	// sized words what says from how many to how many.
	sized = strings.NewReplacer(" from to replicas", "", " from to replica", "", ": from to targets", ": number of targets changed",
		": from to target", ": number of targets changed", ": targets ", ": target ")
	// deployed matches the row of a deployment at GitHub.
	deployed = regexp.MustCompile(`^Deployment of .* to (\S+) was begun`)
)

// changeOf names a change before an onset so that it can be recognised: "Deployment checkout
// changed". It is empty if the row is no change, or came later, as then it may be the repair.
// Merges are left out: there is one before almost anything.
func changeOf(row Entry, onset time.Time) string {
	late := !onset.IsZero() && row.Time.After(onset.Add(leastPast))
	if late || row.Symptom || row.Person || row.Source == "" || row.Source == "postburn" {
		return ""
	}
	if repository, is := strings.CutPrefix(row.Source, "GitHub, "); is {
		switch m := deployed.FindStringSubmatch(row.Text); {
		case m != nil:
			return shortened("Deployment of " + repository + " to " + m[1])
		case strings.HasPrefix(row.Text, "Release "):
			return shortened("Release of " + repository)
		}
		return ""
	}
	text, _, _ := strings.Cut(row.Text, ";")
	if parts := strings.SplitN(text, ": ", 3); len(parts) == 3 {
		text = parts[0] + ": " + parts[1] // then names of targets follow
	}
	text = strings.Join(strings.Fields(passing.ReplaceAllString(text, "")), " ")
	return shortened(dangling.ReplaceAllString(sized.Replace(text), ""))
}
