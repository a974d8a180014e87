package issue

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Bounds of the follow-ups of one post-mortem.
const (
	MaxFollowUps  = 50  // that are kept
	maxIssues     = 30  // that get an issue of their own
	maxTask       = 300 // characters of a task
	maxOwner      = 60  // characters of an owner
	remindAgain   = 30 * 24 * time.Hour
	issueSegments = 4 // of the path of an issue's address: owner, name, "issues", number
)

// Task is an item of the section for follow-ups, as people wrote it.
type Task struct {
	Text  string // on one line; untrusted
	Owner string // untrusted; empty: nobody is named
	Term  string // ShortTerm, LongTerm, or empty
	// Answers is what people say that it answers, such as a cause; untrusted, empty: nothing.
	Answers string
	Done    bool   // its box is ticked, or it says so
	Issue   string // the issue that it names: "#12", "acme/shop#12" or an address; empty: none
}

// The terms of follow-ups; empty if people don't say.
const (
	ShortTerm = "short"
	LongTerm  = "long"
)

// TaskReader returns the tasks in a post-mortem's text, in order.
type TaskReader func(text string) []Task

// FollowUp is a task of a post-mortem, and what became of it.
type FollowUp struct {
	Text    string    `json:"text"`              // on one line, cut; untrusted
	Owner   string    `json:"owner,omitempty"`   // untrusted; empty: nobody is named
	Term    string    `json:"term,omitempty"`    // ShortTerm, LongTerm, or empty
	Answers string    `json:"answers,omitempty"` // such as a cause, cut; untrusted
	Opened  time.Time `json:"opened,omitzero"`   // when it was first read
	Done    time.Time `json:"done,omitzero"`     // zero: it is still to be done
	Issue   string    `json:"issue,omitempty"`   // the address of its issue; empty: none

	Ticked bool   `json:"ticked,omitempty"` // people say that it is done
	Closed bool   `json:"closed,omitempty"` // its issue is
	Key    string `json:"key,omitempty"`    // of the write that makes its issue

	// Nest is the progress of making its issue a sub-issue. Asking twice does no harm, so the state
	// is only Wanted, Posted (it is one, or can't be), or empty if postburn made no issue.
	Nest Delivery `json:"nest,omitzero"`
}

// IsOpen reports whether it is still to be done.
func (f FollowUp) IsOpen() bool { return f.Done.IsZero() }

// made notes the issue that was made for it.
func (f *FollowUp) made(address string) {
	f.Issue, f.Nest = address, Delivery{State: Wanted}
}

// Nested notes that its issue is a sub-issue, or can't be one.
func (f *FollowUp) Nested() { f.Nest = Delivery{State: Posted} }

// settle notes whether it is done, and since when.
func (f *FollowUp) settle(now time.Time) {
	switch done := f.Ticked || f.Closed; {
	case !done:
		f.Done = time.Time{}
	case f.Done.IsZero():
		f.Done = now.UTC()
	}
}

// FollowUps are those of a post-mortem, in the order of its text.
type FollowUps []FollowUp

// Open returns those that are still to be done.
func (all FollowUps) Open() (open FollowUps) {
	for _, f := range all {
		if f.IsOpen() {
			open = append(open, f)
		}
	}
	return open
}

// Overdue returns those that have been open for that long.
func (all FollowUps) Overdue(after time.Duration, now time.Time) (late FollowUps) {
	for _, f := range all.Open() {
		if now.Sub(f.Opened) >= after {
			late = append(late, f)
		}
	}
	return late
}

// Note notes the tasks as they stand in the text of the issue with an address, and reports whether
// that is news. A task that was reworded a little keeps its age and its issue. One that is gone
// from the text is forgotten, unless it has an issue of postburn's.
func (all *FollowUps) Note(tasks []Task, in string, now time.Time) (changed bool) {
	tasks = tasks[:min(len(tasks), MaxFollowUps)]
	found, left := matchTasks(tasks, *all)
	var next FollowUps
	for n, t := range tasks {
		f := FollowUp{Opened: now.UTC()}
		if found[n] != nil {
			f = *found[n]
		}
		f.Text, f.Owner, f.Term, f.Ticked = cut(t.Text, maxTask), cut(t.Owner, maxOwner), t.Term, t.Done
		f.Answers = cut(t.Answers, maxTask)
		if address := IssueAddress(t.Issue, in); f.Key == "" && address != f.Issue {
			f.Issue, f.Closed = address, false
		}
		f.settle(now)
		next = append(next, f)
	}
	for _, f := range left {
		if f.Key != "" && len(next) < MaxFollowUps {
			next = append(next, f)
		}
	}
	changed = !slices.Equal(next, *all)
	*all = next
	return changed
}

// matchTasks finds what is known of tasks: first those with the same text, then with mostly the
// same words. It also returns the follow-ups that are none of them.
func matchTasks(tasks []Task, known FollowUps) (found []*FollowUp, left FollowUps) {
	found = make([]*FollowUp, len(tasks))
	left = slices.Clone(known)
	for _, alike := range []func(a, b string) bool{
		func(a, b string) bool { return a == b },
		haveSameWords,
	} {
		for n, t := range tasks {
			if found[n] != nil {
				continue
			}
			i := slices.IndexFunc(left, func(f FollowUp) bool { return alike(f.Text, cut(t.Text, maxTask)) })
			if i >= 0 {
				f := left[i]
				found[n], left = &f, slices.Delete(left, i, i+1)
			}
		}
	}
	return found, left
}

// haveSameWords reports whether at least half of the words of each text are in the other.
func haveSameWords(a, b string) bool {
	in, words := map[string]bool{}, wordsOf(a)
	for _, w := range words {
		in[w] = true
	}
	others, same := wordsOf(b), 0
	for _, w := range others {
		if in[w] {
			same++
		}
	}
	return same > 0 && 2*same >= max(len(in), len(others))
}

// wordsOf returns the words of a text, each once.
func wordsOf(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	slices.Sort(words)
	return slices.Compact(words)
}

// NoteIssue notes whether a follow-up's issue is closed, and since when, and reports whether that
// is news.
func (all FollowUps) NoteIssue(address string, closed bool, at time.Time) (changed bool) {
	for n := range all {
		if f := &all[n]; f.Issue == address && f.Closed != closed {
			f.Closed, changed = closed, true
			f.settle(at)
		}
	}
	return changed
}

// WantIssues plans an issue for each open follow-up that has none, and reports whether there was
// one. `made` finds an issue that was made for the key before, by a store that was lost; empty if
// there is none.
func (p *Publication) WantIssues(made func(key string) (address string)) (changed bool) {
	issues := map[string]bool{}
	for _, f := range p.FollowUps {
		if f.Key != "" {
			issues[f.Key] = true
		}
	}
	for n := range p.FollowUps {
		f := &p.FollowUps[n]
		if !f.IsOpen() || f.Issue != "" || f.Key != "" || len(issues) >= maxIssues {
			continue
		}
		key := followUpKey(p.Key, f.Text)
		changed, f.Key = true, key
		address := made(key)
		if address != "" {
			f.made(address)
		}
		if address != "" || issues[key] {
			continue
		}
		issues[key] = true
		p.Writes = append(p.Writes, Write{Key: key, Stage: FollowUpIssue, Delivery: Delivery{State: Wanted}})
	}
	return changed
}

// followUpKey names the issue of a publication's task by its words, so that it is found again even
// if the store was lost: "checkout-1/follow-up-5c9a01e2".
func followUpKey(publication, text string) string {
	sum := sha256.Sum256([]byte(strings.Join(wordsOf(text), " ")))
	return publication + "/" + string(FollowUpIssue) + "-" + hex.EncodeToString(sum[:4])
}

// IsFollowUpKey reports whether a key is of the issue of a follow-up, and not of a post-mortem.
func IsFollowUpKey(key string) bool {
	return strings.Contains(key, "/"+string(FollowUpIssue)+"-")
}

// Of returns the one that the write with a key makes an issue for; nil if it is not known any more.
func (all FollowUps) Of(key string) *FollowUp {
	for n := range all {
		if all[n].Key == key {
			return &all[n]
		}
	}
	return nil
}

// ForgetIssue drops the write of an issue that is not wanted any more.
func (p *Publication) ForgetIssue(key string) {
	p.Drop(func(w Write) bool { return w.Key == key && w.Stage == FollowUpIssue })
	for n := range p.FollowUps {
		if p.FollowUps[n].Key == key {
			p.FollowUps[n].Key = ""
		}
	}
}

// Unnested returns the first one whose issue is still to become a sub-issue; nil if there is none.
func (all FollowUps) Unnested() *FollowUp {
	for n := range all {
		if !all[n].Nest.IsSettled() {
			return &all[n]
		}
	}
	return nil
}

// WithIssues returns those that postburn made issues for.
func (all FollowUps) WithIssues() (made FollowUps) {
	for _, f := range all {
		if f.Key != "" && f.Issue != "" && made.Of(f.Key) == nil {
			made = append(made, f)
		}
	}
	return made
}

// WantReminder plans to remind people of follow-ups that have been open for that long, and reports
// whether it did: not if a reminder is on its way, or was sent in the last 30 days.
func (p *Publication) WantReminder(after time.Duration, now time.Time) (changed bool) {
	if after <= 0 || len(p.FollowUps.Overdue(after, now)) == 0 {
		return false
	}
	for _, w := range p.Writes {
		if w.Stage == Reminder && (!w.IsSettled() || now.Sub(w.At) < remindAgain) {
			return false
		}
	}
	p.Want(Reminder, time.Time{})
	return true
}

var reference = regexp.MustCompile(`^([\w.-]+/[\w.-]+)?#(\d+)$`)

// IssueAddress returns the address of an issue that a text names, like "#12", "acme/shop#12" or an
// address, in the text of the issue `in`. It is empty if there is no such issue.
func IssueAddress(name, in string) string {
	base, repository := issueBase(in)
	if m := reference.FindStringSubmatch(name); m != nil {
		if base == "" {
			return ""
		}
		if m[1] != "" {
			repository = m[1]
		}
		return base + "/" + repository + "/issues/" + m[2]
	}
	u, err := url.Parse(name)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) < issueSegments {
		return ""
	}
	kind, number := parts[len(parts)-2], parts[len(parts)-1]
	if kind != "issues" && kind != "pull" || strings.Trim(number, "0123456789") != "" {
		return ""
	}
	u.RawQuery, u.Fragment = "", ""
	if address := u.String(); address != in {
		return address
	}
	return ""
}

// issueBase splits an issue's address into the server's and the repository's name.
func issueBase(address string) (base, repository string) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", ""
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	n := len(parts)
	if n < issueSegments || parts[n-2] != "issues" {
		return "", ""
	}
	u.Path, u.RawQuery, u.Fragment = strings.Join(parts[:n-issueSegments], "/"), "", ""
	return strings.TrimRight(u.String(), "/"), parts[n-4] + "/" + parts[n-3]
}

// cut shortens a text to a number of characters.
func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return strings.TrimRight(string(runes[:most]), " ") + "…"
	}
	return text
}
