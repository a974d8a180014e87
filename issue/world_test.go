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

func (m *memory) put(i alert.Incident) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.incidents[i.ID] = i
}

func (m *memory) load(key string) (p issue.Publication, ok bool) {
	p, ok = m.publications[key]
	p.Writes = slices.Clone(p.Writes)
	return p, ok
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
		if i.Onset().After(since) || i.Ended().After(since) {
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
	closed int // how often an issue was reopened
}

type forged struct {
	issue.Found
	marker  issue.Marker
	created time.Time
	post    issue.Post
}

func newForge() *forge {
	return &forge{fault: func(string) fault { return none }, crash: func() {}}
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
			if g.get(p.Parent.Ref) == nil {
				return issue.ErrNotFound
			}
			ref.Parent = p.Parent.Ref.Number
		}
		g.last++
		ref.Number, ref.URL = g.last, fmt.Sprintf("https://forge.example/%d", g.last)
		t := &forged{Found: issue.Found{Key: p.Key, Ref: ref, Text: p.Text}, marker: p.Marker(), created: time.Now(), post: p}
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
		case t == nil:
			return issue.ErrNotFound
		case t.Text != at.Text:
			return issue.ErrEdited
		}
		t.Text = text
		return nil
	})
}

func (g *forge) Reopen(ctx context.Context, at issue.Found) error {
	return g.call(ctx, "reopen "+at.Key, func() error {
		t := g.get(at.Ref)
		if t == nil {
			return issue.ErrNotFound
		}
		if t.Closed {
			g.closed++
		}
		t.Closed, t.Completed = false, false
		return nil
	})
}

// person does something to the texts that the function picks.
func (g *forge) person(do func(*forged)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.texts {
		do(t)
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
	state := "burning"
	if !f.Incident.IsOpen() {
		state = "ended " + f.Incident.Ended().Format(time.TimeOnly)
	}
	text := issue.Text{Body: fmt.Sprintf("%s, %s, revision %d, edited %v", stage, state, f.Incident.Revision, f.Edited)}
	if stage == issue.Opening {
		text.Title = f.Incident.Group + " " + state
	}
	return text, nil
}

// story is an incident that changes with time: it burns in the spans that are given, as offsets from its onset.
type story struct {
	group string
	onset time.Time
	spans [][2]time.Duration
}

// at is the incident as it is known at a time; ok is false before it is detected. Each tick of 30 s in which it burns makes a revision.
func (s story) at(now time.Time) (i alert.Incident, ok bool) {
	const tick = 30 * time.Second
	i = alert.Incident{ID: s.group + "-1", Group: s.group}
	for _, span := range s.spans {
		onset, end := s.onset.Add(span[0]), s.onset.Add(span[1])
		detected := onset.Add(time.Minute)
		if now.Before(detected) {
			break
		}
		w := alert.Window{Objective: slo.Objective{Name: s.group, Owner: "@alice"}, Kind: alert.Burn, Onset: onset, Detected: detected}
		until := now
		if !now.Before(end) {
			w.Ended, until = end, end
		}
		i.Revision += int(until.Sub(onset)/tick) + 1
		i.Windows = append(i.Windows, w)
	}
	return i, len(i.Windows) > 0
}
