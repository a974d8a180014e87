package publish_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postburn/postburn/issue"
)

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
	waited      fault = "waits in vain to be sent"
	stopped     fault = "waits to be sent, and postburn is stopped"
)

func (f fault) takesEffect() bool { return f == none || f == after || f == crashAfter }

// err is the error of a call that it happened to.
func (f fault) err() error {
	if f == none {
		return nil
	}
	return errBroken
}

var errBroken = errors.New("broken")

// forge is a tracker in memory, as careless as GitHub: it makes a second issue with the same key if
// asked.
type forge struct {
	mu     sync.Mutex
	last   int64
	texts  []*forged
	fault  func(op string) fault
	crash  func()
	calls  []string
	closed int                         // how often an issue was reopened
	drop   func(p issue.Post) []string // what is left out of an issue
	moved  map[int64]issue.Moved       // issues that were transferred, by the number that they had
	labels map[string]bool             // that were prepared
}

type forged struct {
	issue.Found
	marker  issue.Marker
	created time.Time
	post    issue.Post
	labels  []string
	below   []string // addresses of sub-issues

	exclusion *issue.Exclusion
}

func newForge() *forge {
	return &forge{
		fault: func(string) fault { return none }, crash: func() {}, drop: func(issue.Post) []string { return nil }, labels: map[string]bool{},
		moved: map[int64]issue.Moved{},
	}
}

// call does something with its fault.
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
	case waited:
		return fmt.Errorf("%s: %w", op, issue.ErrNotSent)
	case stopped:
		g.crash()
		return fmt.Errorf("%s: %w: %w", op, issue.ErrNotSent, context.Canceled)
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

// away returns an error if the issue of a text was transferred.
func (g *forge) away(ref issue.Ref) error {
	if moved, ok := g.moved[cmp.Or(ref.Parent, ref.Number)]; ok {
		return moved
	}
	return nil
}

// transfer moves issues to another repository, with other numbers for them and their comments.
// Without follow, postburn must not write there.
func (g *forge) transfer(follow bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var issues []int64
	for _, t := range g.texts {
		if t.Ref.Parent == 0 {
			issues = append(issues, t.Ref.Number)
		}
	}
	for _, from := range issues {
		if !follow {
			g.moved[from] = issue.Moved{Repository: "other/shop", Reason: "postburn must not write there"}
			continue
		}
		g.last += 100
		to := issue.Ref{Number: g.last, URL: fmt.Sprintf("https://forge.example/%d", g.last)}
		g.moved[from] = issue.Moved{To: to, Repository: "acme/other"}
		for _, t := range g.texts {
			switch {
			case t.Ref.Number == from && t.Ref.Parent == 0:
				t.Ref, t.post.Repository = to, "acme/other"
			case t.Ref.Parent == from:
				g.last++
				t.Ref = issue.Ref{Number: g.last, Parent: to.Number, URL: fmt.Sprintf("https://forge.example/%d", g.last)}
			}
		}
	}
}

func (g *forge) Create(ctx context.Context, p issue.Post) (found issue.Found, err error) {
	err = g.call(ctx, "create "+p.Key, func() error {
		ref := issue.Ref{}
		if p.Parent != nil {
			if err := g.away(p.Parent.Ref); err != nil {
				return err
			}
			if g.get(p.Parent.Ref) == nil {
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
		if err := g.away(p.Ref); err != nil {
			return err
		}
		if p.Parent != nil && g.away(p.Parent.Ref) != nil {
			return g.away(p.Parent.Ref)
		}
		for _, t := range g.texts {
			parent := int64(0)
			if p.Parent != nil {
				parent = p.Parent.Ref.Number
			}
			if t.Ref.Parent == parent && !t.created.Before(since) && t.marker.Marks(p) {
				found := t.Found
				found.Labels = append(slices.Clone(t.labels), t.Labels...) // of postburn and of people
				found.Dropped = append(slices.DeleteFunc(slices.Clone(p.Labels), func(l string) bool {
					return slices.Contains(t.labels, l) || slices.Contains(t.Dropped, l)
				}), t.Dropped...)
				all = append(all, found)
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
		case g.away(at.Ref) != nil:
			return g.away(at.Ref)
		case t == nil:
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
		if err := g.away(at.Ref); err != nil {
			return err
		}
		t := g.get(at.Ref)
		if t == nil {
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

// list implements issue.Lister.
func (g *forge) list(ctx context.Context, repository string, since time.Time) (all []issue.Found, err error) {
	err = g.call(ctx, "list "+repository, func() error {
		for _, t := range g.texts {
			if t.Ref.Parent == 0 && t.post.Repository == repository && !t.Updated.Before(since) && g.away(t.Ref) == nil {
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

// delete removes the texts with this key prefix.
func (g *forge) delete(prefix string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.texts = slices.DeleteFunc(g.texts, func(t *forged) bool { return strings.HasPrefix(t.Key, prefix) })
}

// keys returns all texts' keys, in order of writing.
func (g *forge) keys() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var keys []string
	for _, t := range g.texts {
		keys = append(keys, t.Key)
	}
	return keys
}

// created returns when a text was written.
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

// render returns a short text that says what it was made of.
func render(f issue.Facts, stage issue.Stage) (issue.Text, error) {
	if len(f.FollowUps) > 0 {
		var texts []string
		for _, one := range f.FollowUps {
			texts = append(texts, one.Text)
		}
		return issue.Text{Title: texts[0], Body: string(stage) + " of " + strings.Join(texts, ", ")}, nil
	}
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
	for _, h := range f.Hints {
		text.Body += ", lacks " + strings.Join(h.Passages, " and ")
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
