package publish_test

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	godiff "github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/postburn/postburn/issue"
)

var box = regexp.MustCompile(`(?m)^- \[( |x)\] (.*?)(?: \((\w+)\))?(?: (#\d+))?$`)

// tasks reads boxes, each with an owner and an issue behind it.
func tasks(text string) (all []issue.Task) {
	for _, m := range box.FindAllStringSubmatch(text, -1) {
		all = append(all, issue.Task{Text: m[2], Done: m[1] == "x", Owner: m[3], Issue: m[4]})
	}
	return all
}

const twoTasks = "\n- [ ] Set a timeout (alice)\n- [x] Roll back\n- [ ] Alert on the queue\n"

// remindAfter is how long the follow-ups of these tests are open until people are reminded.
const remindAfter = 8 * time.Minute

// tasked is a run that reads follow-ups.
func tasked(stories ...story) *run {
	r := triaged(stories...)
	r.options.Tasks, r.options.Nest, r.options.State = tasks, r.forge.nest, r.forge.state
	r.options.Settings = func(string) issue.Settings { return issue.Settings{RemindAfter: remindAfter} }
	return r
}

// nest implements issue.Nester.
func (g *forge) nest(ctx context.Context, parent issue.Found, child string) error {
	return g.call(ctx, "nest "+child, func() error {
		switch p := g.get(parent.Ref); {
		case g.away(parent.Ref) != nil:
			return g.away(parent.Ref)
		case p == nil:
			return issue.ErrNotFound
		case !slices.Contains(p.below, child):
			p.below = append(p.below, child)
		}
		return nil
	})
}

// state implements issue.StateReader.
func (g *forge) state(ctx context.Context, address string, _ issue.Ref) (closed bool, at time.Time, err error) {
	err = g.call(ctx, "state "+address, func() error {
		for _, t := range g.texts {
			if t.Ref.URL == address {
				closed, at = t.Closed, t.Updated
				return nil
			}
		}
		return issue.ErrNotFound
	})
	return closed, at, err
}

// writes has a person write in the post-mortem, and give it labels.
func writes(text string, labels ...string) func(*forged) {
	return func(f *forged) {
		if !strings.Contains(f.Key, "/") {
			f.Text.Body += text
			f.Labels = append(f.Labels, labels...)
		}
	}
}

// followUpsDrama has follow-ups become issues, and people be reminded of them.
func followUpsDrama() drama {
	return drama{
		stories: func() []story { return []story{short()} }, labels: []string{"postburn", "status:recovered"}, tasked: true,
		texts: []string{
			"checkout-1", "checkout-1/follow-up-5292d295", "checkout-1/follow-up-6bce0107", "checkout-1/follow-ups", "checkout-1/progress",
			"checkout-1/recovery-1", "checkout-1/reminder-1",
		},
		people: func(r *run) map[time.Duration]func() {
			return map[time.Duration]func(){18 * time.Minute: r.forge.onIssues(writes(twoTasks, "Follow-Up"))}
		},
		check: func(t *testing.T, r *run) {
			p, _ := r.store.Load("checkout-1")
			var issues []string
			for _, f := range p.FollowUps {
				if f.Issue != "" {
					issues = append(issues, f.Issue)
				}
			}
			slices.Sort(issues)
			r.forge.person(func(f *forged) {
				if f.Key != "checkout-1" {
					return
				}
				if slices.Sort(f.below); len(issues) != 2 || !slices.Equal(f.below, issues) {
					t.Errorf("the sub-issues are %v, want %v", f.below, issues)
				}
				if !strings.HasSuffix(f.Text.Body, twoTasks) {
					t.Errorf("a person's words are lost: %q", f.Text.Body)
				}
			})
			for key, want := range map[string]string{
				"checkout-1/follow-ups": "follow-ups of Set a timeout, Alert on the queue",
				"checkout-1/reminder-1": "reminder of Set a timeout, Alert on the queue",
				p.FollowUps[0].Key + "": "follow-up of Set a timeout",
				p.FollowUps[2].Key + "": "follow-up of Alert on the queue",
				"checkout-1/recovery-1": "recovery, ended",
				"checkout-1/progress":   "progress, burning",
			} {
				if body := r.forge.body(t, key); !strings.HasPrefix(body, want) {
					t.Errorf("%s is %q, want %q", key, body, want)
				}
			}
		},
	}
}

func TestFollowUpsAreReadAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := short()
		s.service = "shop"
		r := tasked(s)
		r.options.Settings = nil
		start := time.Now()
		r.forge.texts = append(r.forge.texts, &forged{Found: issue.Found{Ref: issue.Ref{Number: 900, URL: "https://forge.example/900"}}})
		edit := func(from, to string) func() {
			return r.forge.onIssues(func(f *forged) { f.Text.Body = strings.Replace(f.Text.Body, from, to, 1) })
		}
		var got []string
		note := func() {
			p, _ := r.store.Load("checkout-1")
			line := ""
			for _, f := range p.FollowUps {
				line += fmt.Sprintf("%s by %s since %s", f.Text, cmp.Or(f.Owner, "nobody"), f.Opened.Sub(start).Round(time.Minute))
				if !f.Done.IsZero() {
					line += fmt.Sprintf(", done at %s", f.Done.Sub(start).Round(time.Minute))
				}
				line += "; "
			}
			got = append(got, line)
		}
		r.until(t, 92*time.Minute, map[time.Duration]func(){
			25 * time.Minute: r.forge.onIssues(writes(twoTasks)),
			31 * time.Minute: note,
			32 * time.Minute: edit("- [ ] Set a timeout (alice)", "- [ ] Set a short timeout (bob)"),
			41 * time.Minute: note,
			42 * time.Minute: edit("- [ ] Set", "- [x] Set"),
			51 * time.Minute: note,
			52 * time.Minute: edit("- [x] Set", "- [ ] Set"),
			61 * time.Minute: note,
			62 * time.Minute: edit("- [x] Roll back\n", ""),
			71 * time.Minute: note,
		})
		want := []string{
			"Set a timeout by alice since 30m0s; Roll back by nobody since 30m0s, done at 30m0s; Alert on the queue by nobody since 30m0s; ",
			"Set a short timeout by bob since 30m0s; Roll back by nobody since 30m0s, done at 30m0s; Alert on the queue by nobody since 30m0s; ",
			"Set a short timeout by bob since 30m0s, done at 50m0s; Roll back by nobody since 30m0s, done at 30m0s; Alert on the queue by nobody since 30m0s; ",
			"Set a short timeout by bob since 30m0s; Roll back by nobody since 30m0s, done at 30m0s; Alert on the queue by nobody since 30m0s; ",
			"Set a short timeout by bob since 30m0s; Alert on the queue by nobody since 30m0s; ",
		}
		if diff := godiff.Diff(want, got); diff != "" {
			t.Errorf("follow-ups (-want +got):\n%s", diff)
		}
		wantMetrics := `
			# HELP postburn_follow_ups Open follow-ups of the post-mortems of the last year, by service and how long they have been open.
			# TYPE postburn_follow_ups gauge
			postburn_follow_ups{age="30d_to_90d",service="shop"} 0
			postburn_follow_ups{age="7d_to_30d",service="shop"} 0
			postburn_follow_ups{age="over_90d",service="shop"} 0
			postburn_follow_ups{age="under_7d",service="shop"} 2
		`
		if err := testutil.GatherAndCompare(r.registry, strings.NewReader(wantMetrics), "postburn_follow_ups"); err != nil {
			t.Error(err)
		}
		r.wantKeys(t, "", "checkout-1", "checkout-1/progress", "checkout-1/recovery-1")
	})
}

func TestAFollowUpIsDoneWhenItsIssueIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tasked(short())
		made := func(do func(*forged)) func() {
			return r.forge.onIssues(func(f *forged) {
				if strings.Contains(f.Key, "/follow-up-") && strings.HasPrefix(f.Text.Body, "follow-up of Set") {
					do(f)
				}
			})
		}
		var done []int
		note := func() {
			p, _ := r.store.Load("checkout-1")
			done = append(done, len(p.FollowUps)-len(p.FollowUps.Open()))
		}
		r.until(t, 2*time.Hour, map[time.Duration]func(){
			18 * time.Minute: r.forge.onIssues(writes(twoTasks, issue.FollowUpLabel)),
			24 * time.Minute: note,
			25 * time.Minute: made(func(f *forged) { f.Closed, f.Completed = true, true }),
			35 * time.Minute: note,
			45 * time.Minute: made(func(f *forged) { f.Closed, f.Completed = false, false }),
			55 * time.Minute: note,
			// the task is gone from the text, and still there as an issue
			56 * time.Minute: r.forge.onIssues(func(f *forged) { f.Text.Body = strings.ReplaceAll(f.Text.Body, "- [ ] Set a timeout (alice)\n", "") }),
			66 * time.Minute: func() {
				if p, _ := r.store.Load("checkout-1"); len(p.FollowUps) != 3 {
					t.Errorf("the follow-ups are %+v", p.FollowUps)
				}
			},
		})
		if !slices.Equal(done, []int{1, 2, 1}) {
			t.Errorf("done: %v", done)
		}
		var issues int
		for _, key := range r.forge.keys() {
			if strings.Contains(key, "/follow-up-") {
				issues++
			}
		}
		if issues != 2 {
			t.Errorf("there are %d issues: %v", issues, r.forge.keys())
		}
	})
}

// TestALostStoreFindsTheIssuesOfFollowUps loses all that postburn knew, but the incident.
func TestALostStoreFindsTheIssuesOfFollowUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tasked(short())
		r.options.Settings = nil
		r.until(t, 40*time.Minute, map[time.Duration]func(){18 * time.Minute: r.forge.onIssues(writes(twoTasks, issue.FollowUpLabel))})
		followUps := func() []string {
			return slices.DeleteFunc(r.forge.keys(), func(key string) bool { return !strings.Contains(key, "follow-up") })
		}
		keys := followUps()
		r.store.Forget()
		r.until(t, 30*time.Minute, nil)
		if diff := godiff.Diff(keys, followUps()); diff != "" {
			t.Errorf("texts at the tracker:\n%s", diff)
		}
		p, _ := r.store.Load("checkout-1")
		if len(keys) != 3 || len(p.FollowUps.WithIssues()) != 2 || !p.IsSettled() {
			t.Errorf("the publication is %+v", p)
		}
	})
}

func TestReminders(t *testing.T) {
	completed := func(f *forged) { f.Closed, f.Completed = true, true }
	for name, tc := range map[string]struct {
		do     func(*forged)
		change func(r *run)
		want   int
	}{
		"open tasks":                   {do: writes(twoTasks), want: 3},
		"a closed post-mortem":         {do: func(f *forged) { writes(twoTasks)(f); completed(f) }, want: 3},
		"all done":                     {do: writes("\n- [x] Set a timeout\n")},
		"no tasks":                     {do: writes("\nNothing.\n")},
		"noise":                        {do: func(f *forged) { writes(twoTasks)(f); f.Closed = true }},
		"a duplicate":                  {do: func(f *forged) { writes(twoTasks)(f); f.Duplicate = true }},
		"switched off in the SLO file": {do: writes(twoTasks), change: func(r *run) { r.options.Settings = nil }},
		"of a tracker without a list": {do: writes(twoTasks), want: 3, change: func(r *run) {
			r.options.List, r.options.State, r.options.Nest, r.options.Reader = nil, nil, nil, bodies{r.forge}
		}},
		"done before it was sent": {do: writes(twoTasks), change: func(r *run) {
			tries := 0
			r.forge.fault = func(op string) fault {
				if !strings.HasPrefix(op, "create checkout-1/reminder") {
					return none
				}
				if tries++; tries == 2 {
					for _, f := range r.forge.texts {
						f.Text.Body = strings.ReplaceAll(f.Text.Body, "[ ]", "[x]")
					}
				}
				return refused
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := tasked(short())
				if tc.change != nil {
					tc.change(r)
				}
				r.until(t, 50*time.Minute, map[time.Duration]func(){18 * time.Minute: r.forge.onIssues(tc.do)})
				for range 2 { // twice a month and a day
					r.forge.calls = nil
					time.Sleep(15 * 24 * time.Hour)
					r.until(t, 30*time.Minute, nil)
					time.Sleep(16 * 24 * time.Hour)
					r.until(t, 30*time.Minute, nil)
					if n := len(r.forge.calls); n > 120 {
						t.Errorf("%d calls in an hour: it spins", n)
					}
				}
				var sent []time.Time
				for _, key := range r.forge.keys() {
					if strings.HasPrefix(key, "checkout-1/reminder-") {
						sent = append(sent, r.forge.created(key))
					}
				}
				if len(sent) != tc.want {
					t.Errorf("%d reminders, want %d: %v", len(sent), tc.want, r.forge.keys())
				}
				for n := 1; n < len(sent); n++ {
					if gap := sent[n].Sub(sent[n-1]); gap < 30*24*time.Hour {
						t.Errorf("two reminders within %s", gap)
					}
				}
				if p, _ := r.store.Load("checkout-1"); !p.IsSettled() {
					t.Errorf("there is something left to do: %+v", p.Writes)
				}
			})
		})
	}
}

// TestRemindersAreSpread has the follow-ups of many post-mortems get old at once.
func TestRemindersAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stories []story
		for n := range 12 {
			s := short()
			s.group = fmt.Sprintf("service-%02d", n)
			s.onset = s.onset.Add(time.Duration(n) * 15 * time.Minute)
			stories = append(stories, s)
		}
		r := tasked(stories...)
		r.options.Settings = func(string) issue.Settings { return issue.Settings{RemindAfter: 24 * time.Hour} }
		r.until(t, 4*time.Hour, map[time.Duration]func(){210 * time.Minute: r.forge.onIssues(writes(twoTasks))})
		time.Sleep(24 * time.Hour)
		start := time.Now()
		r.until(t, time.Hour, nil)
		sent := map[time.Duration]int{} // by the ten minutes in which they were sent
		for _, key := range r.forge.keys() {
			if strings.Contains(key, "/reminder-") {
				sent[r.forge.created(key).Sub(start)/(10*time.Minute)]++
			}
		}
		if diff := godiff.Diff(map[time.Duration]int{0: 5, 1: 5, 2: 2}, sent); diff != "" {
			t.Errorf("reminders (-want +got):\n%s", diff)
		}
	})
}

// bodies reads the texts of a forge, as a tracker of files does.
type bodies struct{ *forge }

func (b bodies) Comments(context.Context, issue.Ref) ([]issue.Comment, bool, error) {
	return nil, false, nil
}
func (b bodies) Trusts(context.Context, issue.Ref, string) (bool, error) { return false, nil }
func (b bodies) Body(_ context.Context, of issue.Ref) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.get(of); t != nil {
		return t.Text.Body, nil
	}
	return "", issue.ErrNotFound
}
