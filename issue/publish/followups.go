package publish

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/issue"
)

const (
	followUpsEvery = 10 * time.Minute
	// followed is how long after an incident's end its follow-ups are read.
	followed = 365 * 24 * time.Hour
	// maxAsked is how many issues that people name in tasks are asked about each time.
	maxAsked = 10
	// maxReminders is how many reminders are planned each time. After an upgrade, the follow-ups of
	// a year are as old as each other.
	maxReminders = 5
)

// followUps reads back what became of follow-ups: from the text of post-mortems, and from the
// issues that they have. It plans the issues that people ask for, and the reminders.
type followUps struct {
	Options
	metrics *metrics
	rounds  *rounds

	changed map[string]time.Time // newest change seen (tracker's clock), by repository
	made    map[string]string    // addresses of the issues made for follow-ups, by key
	asked   string               // the issue that was asked about last
	texts   map[string][32]byte  // digests of the texts read last, by publication; if nothing lists changes
}

// post is a post-mortem whose follow-ups are read.
type post struct {
	issue.Publication
	worst   alert.Window
	open    bool // its incidents go on
	changed bool
}

// readBack reads what became of follow-ups, from time to time.
func (f *followUps) readBack(ctx context.Context) {
	now := time.Now()
	if f.Tasks != nil && !now.Before(f.rounds.due()) {
		f.rounds.end(now.Add(followUpsEvery), f.read(ctx, now))
	}
}

// read reads all follow-ups, plans what they need, and counts them. What could not be read stays as
// it was.
func (f *followUps) read(ctx context.Context, now time.Time) error {
	posts, err := f.published(ctx, now)
	if err != nil {
		return err
	}
	if f.List != nil {
		err = f.readLists(ctx, posts, now)
	} else if f.Reader != nil {
		err = f.readTexts(ctx, posts, now)
	}
	if !errors.As(err, new(issue.RateLimited)) {
		err = errors.Join(err, f.readStates(ctx, posts))
	}
	reminders := 0
	for _, p := range posts {
		if !p.open && reminders < maxReminders && p.WantReminder(f.Settings(p.worst.Objective.Name).RemindAfter, now) {
			p.changed = true
			reminders++
		}
		if !p.changed || ctx.Err() != nil {
			continue
		}
		if saved := f.Store.Save(ctx, p.Publication); saved != nil {
			err = errors.Join(err, fmt.Errorf("storing the follow-ups of %s: %w", p.Key, saved))
		}
	}
	f.count(posts, now)
	return err
}

// published returns the post-mortems of the last year, each once, but not those that people called
// noise or removed.
func (f *followUps) published(ctx context.Context, now time.Time) (posts []*post, err error) {
	recent, err := f.Store.Incidents(ctx, now.Add(-followed))
	if err != nil {
		return nil, fmt.Errorf("reading incidents: %w", err)
	}
	byID, seen := map[string]alert.Incident{}, map[string]bool{}
	for _, i := range recent {
		byID[i.ID] = i
	}
	for _, i := range recent {
		if seen[i.ID] {
			continue
		}
		pub, ok, err := f.Store.Publication(ctx, i.ID)
		if err != nil {
			return nil, fmt.Errorf("reading the publication of incident %s: %w", i.ID, err)
		}
		if !ok {
			continue
		}
		var all incidents
		for _, part := range pub.Parts {
			seen[part.Incident] = true
			if i, ok := byID[part.Incident]; ok {
				all = append(all, i)
			}
		}
		if !pub.HasIssue() || pub.IsGone() || pub.Triage.IsUnwanted() || len(all) == 0 {
			continue
		}
		posts = append(posts, &post{Publication: pub, worst: all.worst(), open: all.open()})
	}
	return posts, nil
}

// readLists reads the texts of post-mortems that changed, in one list for each repository.
func (f *followUps) readLists(ctx context.Context, posts []*post, now time.Time) (failed error) {
	byRepository := map[string][]*post{}
	for _, p := range posts {
		byRepository[p.Repository] = append(byRepository[p.Repository], p)
	}
	for _, name := range slices.Sorted(maps.Keys(byRepository)) {
		err := f.readList(ctx, name, byRepository[name], now)
		failed = errors.Join(failed, err)
		if errors.As(err, new(issue.RateLimited)) || ctx.Err() != nil {
			break
		}
	}
	return failed
}

func (f *followUps) readList(ctx context.Context, name string, posts []*post, now time.Time) error {
	call, cancel := context.WithTimeout(ctx, f.CallTimeout)
	defer cancel()
	since, ok := f.changed[name]
	if !ok {
		since = now.Add(-followed)
	}
	all, err := f.List(call, name, since)
	if err != nil {
		return fmt.Errorf("listing issues: %w", err)
	}
	byNumber := map[int64]*post{}
	for _, p := range posts {
		byNumber[p.Opening().Ref.Number] = p
	}
	for _, found := range all {
		if issue.IsFollowUpKey(found.Key) {
			f.made[found.Key] = found.Ref.URL
		}
		for _, p := range posts {
			p.changed = p.FollowUps.NoteIssue(found.Ref.URL, found.Closed, found.Updated) || p.changed
		}
		if found.Updated.After(since) {
			since = found.Updated
		}
	}
	for _, found := range all {
		if p := byNumber[found.Ref.Number]; p != nil && !found.Duplicate && (!found.Closed || found.Completed) {
			f.note(p, found.Text.Body, now)
			wanted := slices.ContainsFunc(found.Labels, func(l string) bool { return strings.EqualFold(l, issue.FollowUpLabel) })
			if wanted && p.WantIssues(func(key string) string { return f.made[key] }) {
				p.changed = true
			}
		}
	}
	f.changed[name] = since
	return nil
}

// note passes on the tasks in a post-mortem's text, such as "- [ ] Alert on the queue's length
// (alice)".
func (f *followUps) note(p *post, text string, now time.Time) {
	p.changed = p.FollowUps.Note(f.Tasks(text), p.URL(), now) || p.changed
}

// readTexts reads the texts of all post-mortems, of a tracker that is cheap to ask.
func (f *followUps) readTexts(ctx context.Context, posts []*post, now time.Time) (failed error) {
	for _, p := range posts {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		text, err := f.Reader.Body(ctx, p.Opening().Ref)
		if err != nil {
			if !errors.Is(err, issue.ErrNotFound) {
				failed = errors.Join(failed, err)
			}
			continue
		}
		sum := sha256.Sum256([]byte(text))
		if f.texts[p.Key] != sum {
			f.note(p, text, now)
			f.texts[p.Key] = sum
		}
	}
	return failed
}

// readStates asks about some of the issues that open follow-ups have, and about the next ones the
// next time.
func (f *followUps) readStates(ctx context.Context, posts []*post) error {
	if f.State == nil {
		return nil
	}
	in := map[string]*post{}
	for _, p := range posts {
		for _, task := range p.FollowUps {
			if task.Issue != "" && !task.Ticked && !task.Closed {
				in[task.Issue] = p
			}
		}
	}
	addresses := slices.Sorted(maps.Keys(in))
	first, _ := slices.BinarySearch(addresses, f.asked+"\x00")
	for n := range min(len(addresses), maxAsked) {
		address := addresses[(first+n)%len(addresses)]
		call, cancel := context.WithTimeout(ctx, f.CallTimeout)
		closed, at, err := f.State(call, address, in[address].Opening().Ref)
		cancel()
		f.asked = address
		if errors.Is(err, issue.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading the issue of a follow-up: %w", err)
		}
		for _, p := range posts {
			p.changed = p.FollowUps.NoteIssue(address, closed, at) || p.changed
		}
	}
	return nil
}

// The ages of open follow-ups that are counted.
const (
	underWeek    = "under_7d"
	underMonth   = "7d_to_30d"
	underQuarter = "30d_to_90d"
	older        = "over_90d"
)

func ages() []string { return []string{underWeek, underMonth, underQuarter, older} }

func ageOf(d time.Duration) string {
	switch days := d / (24 * time.Hour); {
	case days < 7:
		return underWeek
	case days < 30:
		return underMonth
	case days < 90:
		return underQuarter
	}
	return older
}

// count counts open follow-ups by the service of the worst breach and their age.
func (f *followUps) count(posts []*post, now time.Time) {
	f.metrics.followUps.Reset()
	for _, p := range posts {
		for _, age := range ages() {
			f.metrics.followUps.WithLabelValues(p.worst.Objective.Service, age).Add(0)
		}
		for _, task := range p.FollowUps.Open() {
			f.metrics.followUps.WithLabelValues(p.worst.Objective.Service, ageOf(now.Sub(task.Opened))).Inc()
		}
	}
}
