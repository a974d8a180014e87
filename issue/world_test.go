package issue_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// memory is a store in memory. What is saved goes through JSON, as into a database.
type memory struct {
	mu           sync.Mutex
	incidents    map[string]alert.Incident
	publications map[string]issue.Publication
	save         func() fault // what happens to the next save
}

func newMemory() *memory {
	return &memory{incidents: map[string]alert.Incident{}, publications: map[string]issue.Publication{}, save: func() fault { return none }}
}

// put commits incidents, in one transaction.
func (m *memory) put(incidents ...alert.Incident) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, i := range incidents {
		m.incidents[i.ID] = i
	}
}

// load returns the publication that an incident is part of.
func (m *memory) load(incident string) (issue.Publication, bool) {
	for _, p := range m.publications {
		if slices.ContainsFunc(p.Parts, func(part issue.Part) bool { return part.Incident == incident }) {
			p.Writes = slices.Clone(p.Writes)
			return p, true
		}
	}
	return issue.Publication{}, false
}

func (m *memory) IncidentsByID(_ context.Context, ids []string) (found []alert.Incident, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		if i, ok := m.incidents[id]; ok {
			found = append(found, i)
		}
	}
	return found, nil
}

func (m *memory) Behind(context.Context) (incidents []alert.Incident, unposted []issue.Publication, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, i := range m.incidents {
		if p, ok := m.load(i.ID); !ok || p.Posted(i.ID) < i.Revision {
			incidents = append(incidents, i)
		}
	}
	slices.SortFunc(incidents, func(a, b alert.Incident) int { return cmp.Or(a.Onset().Compare(b.Onset()), cmp.Compare(a.ID, b.ID)) })
	for key := range m.publications {
		p, _ := m.load(key)
		if slices.ContainsFunc(p.Writes, func(w issue.Write) bool { return w.State != issue.Posted && w.State != issue.Gone }) {
			unposted = append(unposted, p)
		}
	}
	return incidents, unposted, nil
}

func (m *memory) Publication(_ context.Context, incident string) (issue.Publication, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.load(incident)
	return p, ok, nil
}

func (m *memory) Save(ctx context.Context, p issue.Publication) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	f := m.save()
	if f.takesEffect() {
		text, err := json.Marshal(p)
		if err != nil {
			return err
		}
		var stored issue.Publication
		if err := json.Unmarshal(text, &stored); err != nil {
			return err
		}
		m.publications[p.Key] = stored
	}
	if f != none {
		return errBroken
	}
	return nil
}

func (m *memory) Incidents(_ context.Context, since time.Time) ([]alert.Incident, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []alert.Incident
	for _, i := range m.incidents {
		if i.Onset().After(since) || i.IsOpen() || i.Ended().After(since) {
			all = append(all, i)
		}
	}
	return all, nil
}

// fault is what goes wrong with one call.
type fault string

const (
	none        fault = ""
	before      fault = "fails before it takes effect"
	after       fault = "takes effect, and its answer is lost"
	late        fault = "times out, and takes effect later"
	refused     fault = "refused"
	rateLimited fault = "rate limited"
	crashBefore fault = "postburn dies before it takes effect"
	crashAfter  fault = "takes effect, and postburn dies"
)

func (f fault) takesEffect() bool { return f == none || f == after || f == crashAfter }

var errBroken = errors.New("broken")

// forge is a tracker in memory, as careless as GitHub: it makes a second issue with one key if it is asked to.
type forge struct {
	mu     sync.Mutex
	last   int64
	texts  []*forged
	fault  func(op string) fault
	crash  func()
	calls  []string
	closed int                         // how often an issue was reopened
	drop   func(p issue.Post) []string // what is left out of an issue
	labels map[string]bool             // that were prepared
}

type forged struct {
	issue.Found
	marker  issue.Marker
	created time.Time
	post    issue.Post
	labels  []string
}

func newForge() *forge {
	return &forge{
		fault: func(string) fault { return none }, crash: func() {}, drop: func(issue.Post) []string { return nil }, labels: map[string]bool{},
	}
}

// call does something as the fault has it.
func (g *forge) call(ctx context.Context, op string, do func() error) error {
	g.mu.Lock()
	f := g.fault(op)
	g.calls = append(g.calls, op)
	locked := func() error {
		g.mu.Lock()
		defer g.mu.Unlock()
		return do()
	}
	g.mu.Unlock()
	switch f {
	case none:
		return locked()
	case refused:
		return fmt.Errorf("%s: %w", op, issue.ErrRefused)
	case rateLimited:
		return issue.RateLimited{Until: time.Now().Add(2 * time.Minute)}
	case late:
		time.AfterFunc(75*time.Second, func() { _ = locked() })
		<-ctx.Done()
		return ctx.Err()
	case crashBefore:
		g.crash()
		return context.Canceled
	case crashAfter:
		_ = locked()
		g.crash()
		return context.Canceled
	case after:
		_ = locked()
	}
	return errBroken
}

func (g *forge) get(ref issue.Ref) *forged {
	for _, t := range g.texts {
		if t.Ref.Number == ref.Number {
			return t
		}
	}
	return nil
}

func (g *forge) Create(ctx context.Context, p issue.Post) (found issue.Found, err error) {
	err = g.call(ctx, "create "+p.Key, func() error {
		ref := issue.Ref{}
		if p.Parent != nil {
			if parent := g.get(p.Parent.Ref); parent == nil || parent.Moved {
				return issue.ErrNotFound
			}
			ref.Parent = p.Parent.Ref.Number
		}
		g.last++
		ref.Number, ref.URL = g.last, fmt.Sprintf("https://forge.example/%d", g.last)
		t := &forged{Found: issue.Found{Key: p.Key, Ref: ref, Text: p.Text}, marker: p.Marker(), created: time.Now(), post: p}
		t.Updated = time.Now()
		t.Dropped = g.drop(p)
		t.labels = slices.DeleteFunc(slices.Clone(p.Labels), func(l string) bool { return slices.Contains(t.Dropped, l) })
		g.texts = append(g.texts, t)
		found = t.Found
		return nil
	})
	return found, err
}

func (g *forge) Find(ctx context.Context, p issue.Post, since time.Time) (all []issue.Found, err error) {
	err = g.call(ctx, "find "+p.Key, func() error {
		for _, t := range g.texts {
			parent := int64(0)
			if p.Parent != nil {
				parent = p.Parent.Ref.Number
			}
			if t.Ref.Parent == parent && !t.created.Before(since) && t.marker.Marks(p) {
				all = append(all, t.Found)
			}
		}
		return nil
	})
	return all, err
}

func (g *forge) Replace(ctx context.Context, at issue.Found, text issue.Text) error {
	return g.call(ctx, "replace "+at.Key, func() error {
		t := g.get(at.Ref)
		switch {
		case t == nil || t.Moved:
			return issue.ErrNotFound
		case t.Text != at.Text:
			return issue.ErrEdited
		}
		t.Text = text
		return nil
	})
}

func (g *forge) Prepare(ctx context.Context, p issue.Post) error {
	return g.call(ctx, "prepare "+p.Key, func() error {
		for _, l := range p.Labels {
			g.labels[l] = true
		}
		return nil
	})
}

func (g *forge) Change(ctx context.Context, at issue.Found, c issue.Change) error {
	return g.call(ctx, "change "+at.Key, func() error {
		t := g.get(at.Ref)
		if t == nil || t.Moved {
			return issue.ErrNotFound
		}
		if c.Reopen && t.Closed && t.Completed {
			g.closed++
			t.Closed, t.Completed = false, false
		}
		if c.Close {
			t.Closed, t.Completed = true, false
		}
		t.labels = slices.DeleteFunc(t.labels, func(l string) bool { return slices.Contains(c.Remove, l) })
		for _, l := range c.Add {
			if !slices.Contains(t.labels, l) {
				t.labels = append(t.labels, l)
			}
		}
		t.Updated = time.Now()
		return nil
	})
}

// list is an issue.Lister.
func (g *forge) list(ctx context.Context, repository string, since time.Time) (all []issue.Found, err error) {
	err = g.call(ctx, "list "+repository, func() error {
		for _, t := range g.texts {
			if t.Ref.Parent == 0 && t.post.Repository == repository && !t.Updated.Before(since) && !t.Moved {
				all = append(all, t.Found)
			}
		}
		return nil
	})
	return all, err
}

// person does something to the texts that the function picks.
func (g *forge) person(do func(*forged)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.texts {
		do(t)
		t.Updated = time.Now()
	}
}

// delete removes the texts whose key has the prefix.
func (g *forge) delete(prefix string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.texts = slices.DeleteFunc(g.texts, func(t *forged) bool { return strings.HasPrefix(t.Key, prefix) })
}

// keys are those of all texts, in the order in which they were written.
func (g *forge) keys() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var keys []string
	for _, t := range g.texts {
		keys = append(keys, t.Key)
	}
	return keys
}

// created is when a text was written.
func (g *forge) created(key string) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, text := range g.texts {
		if text.Key == key {
			return text.created
		}
	}
	return time.Time{}
}

func (g *forge) body(t *testing.T, key string) string {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, text := range g.texts {
		if text.Key == key {
			return text.Text.Body
		}
	}
	t.Errorf("there is no text %s", key)
	return ""
}

// render is a short text that tells what it was made of.
func render(f issue.Facts, stage issue.Stage) (issue.Text, error) {
	if f.Kind != issue.Single {
		return renderMany(f, stage), nil
	}
	state := "burning"
	if !f.Incident.IsOpen() {
		state = "ended " + f.Incident.Ended().Format(time.TimeOnly)
	}
	if stage == issue.Sweep {
		return issue.Text{Body: "the first is " + f.Original}, nil
	}
	text := issue.Text{Body: fmt.Sprintf("%s, %s, revision %d, edited %v", stage, state, f.Incident.Revision, f.Edited)}
	if stage == issue.Opening {
		text.Title = f.Incident.Group + " " + state
	}
	if len(f.Mention) > 0 {
		text.Body += ", for " + strings.Join(f.Mention, " ")
	}
	if len(f.Dropped) > 0 {
		text.Body += ", without " + strings.Join(f.Dropped, " ")
	}
	return text, nil
}

// renderMany lists the groups of the incidents, and how many go on.
func renderMany(f issue.Facts, stage issue.Stage) issue.Text {
	var groups []string
	open, revision := 0, 0
	for _, i := range f.Incidents {
		groups = append(groups, i.Group)
		revision += i.Revision
		if i.IsOpen() {
			open++
		}
	}
	text := issue.Text{Body: fmt.Sprintf("%s of a %s, %d open, revision %d: %s", stage, f.Kind, open, revision, strings.Join(groups, " "))}
	if stage == issue.Opening {
		text.Title = string(f.Kind)
	}
	return text
}

// story is an incident that changes with time: it burns in the spans that are given, as offsets from its onset.
type story struct {
	id         string // empty: made of the group
	group      string
	service    string
	owner      string
	repository string
	kind       alert.Kind  // empty: burn
	severity   map[int]int // from which revision on it has which one
	onset      time.Time
	spans      [][2]time.Duration
}

// at is the incident as it is known at a time; ok is false before it is detected. Each tick of 30 s in which it burns makes a revision.
func (s story) at(now time.Time) (i alert.Incident, ok bool) {
	const tick = 30 * time.Second
	i = alert.Incident{ID: cmp.Or(s.id, s.group+"-1"), Group: s.group, Repository: s.repository}
	for _, span := range s.spans {
		onset, end := s.onset.Add(span[0]), s.onset.Add(span[1])
		detected := onset.Add(time.Minute)
		if now.Before(detected) {
			break
		}
		w := alert.Window{Objective: slo.Objective{Name: s.group, Service: s.service, Owner: s.owner}, Kind: cmp.Or(s.kind, alert.Burn), Onset: onset, Detected: detected}
		until := now
		if !now.Before(end) {
			w.Ended, until = end, end
		}
		i.Revision += int(until.Sub(onset)/tick) + 1
		for from, severity := range s.severity {
			if i.Revision >= from && (w.Severity == 0 || severity < w.Severity) {
				w.Severity = severity
			}
		}
		i.Windows = append(i.Windows, w)
	}
	return i, len(i.Windows) > 0
}
