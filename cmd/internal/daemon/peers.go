package daemon

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/postburn/postburn/alert"
	"github.com/postburn/postburn/alert/engine"
	"github.com/postburn/postburn/store/postgres"
	"github.com/postburn/postburn/web"
)

const (
	// awaited is how long a page waits for what other replicas tell. One that has died counts as
	// alive for a while.
	awaited = 2 * time.Second
	// askAgain is how old what they told may be, though never older than half an interval.
	askAgain = 10 * time.Second
)

// question is what a replica asks the others: how their objectives stand, or details of one.
type question struct {
	Objective string        `json:"objective,omitempty"` // empty: all
	Length    time.Duration `json:"length,omitempty"`
	Most      int           `json:"most,omitempty"`
}

// answer is what a replica knows of the lanes that it runs.
type answer struct {
	Statuses []alert.Status       `json:"statuses,omitempty"`
	Failing  map[string]string    `json:"failing,omitempty"` // why an objective can't be read
	Waiting  map[string]time.Time `json:"waiting,omitempty"` // publications: since when, by key
	Details  []alert.Detail       `json:"details,omitempty"`
}

// peers are the other replicas: what pages show of their lanes.
type peers struct {
	asking  *postgres.Peers
	folding *engine.Engine
	waiting func() map[string]time.Time
	every   time.Duration // how old what they told may be

	mu     sync.Mutex
	asked  time.Time
	others answer // what they told last, without statuses, which the engine has
}

func newPeers(p *postgres.Peers, folding *engine.Engine, waiting func() map[string]time.Time, interval time.Duration) *peers {
	return &peers{asking: p, folding: folding, waiting: waiting, every: min(askAgain, interval/2)}
}

// serve answers what others ask until ctx is done.
func (p *peers) serve(ctx context.Context) error { return p.asking.Serve(ctx, p.answer) }

// answer answers a question of another replica.
func (p *peers) answer(ctx context.Context, asked []byte) ([]byte, error) {
	var q question
	if err := unpack(asked, &q); err != nil {
		return nil, err
	}
	if q.Objective != "" {
		details, err := p.folding.Details(ctx, q.Objective, q.Length, q.Most)
		if err != nil {
			return nil, err
		}
		return pack(answer{Details: details})
	}
	_, failing := p.folding.Answers()
	a := answer{Statuses: p.folding.OwnStatuses(time.Now()), Failing: map[string]string{}, Waiting: p.waiting()}
	for name, err := range failing {
		a.Failing[name] = err.Error()
	}
	return pack(a)
}

// ask puts a question to the other replicas. Those that do not answer in time are left out.
func (p *peers) ask(ctx context.Context, q question) (all []answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, awaited)
	defer cancel()
	asked, err := pack(q)
	if err != nil {
		return nil, err
	}
	answers, err := p.asking.Ask(ctx, asked)
	for replica, packed := range answers {
		var a answer
		if err := unpack(packed, &a); err != nil {
			return nil, fmt.Errorf("reading what replica %s answered: %w", replica, err)
		}
		all = append(all, a)
	}
	return all, err
}

// refresh asks how the objectives of other replicas stand, unless that was asked a moment ago.
func (p *peers) refresh() {
	p.mu.Lock() // others wait for the same answer
	defer p.mu.Unlock()
	if time.Since(p.asked) < p.every {
		return
	}
	all, err := p.ask(context.Background(), question{})
	if p.asked = time.Now(); err != nil {
		return // the lanes count as blind once they are too old; that the store is away is said elsewhere
	}
	p.others = answer{Failing: map[string]string{}, Waiting: map[string]time.Time{}}
	var statuses []alert.Status
	for _, a := range all {
		statuses = append(statuses, a.Statuses...)
		maps.Copy(p.others.Failing, a.Failing)
		maps.Copy(p.others.Waiting, a.Waiting)
	}
	p.folding.Hear(statuses)
}

// statuses returns how all objectives stand.
func (p *peers) statuses(now time.Time) []alert.Status {
	p.refresh()
	return p.folding.Statuses(now)
}

// details returns what is known of an objective, whoever runs it.
func (p *peers) details(ctx context.Context, objective string, length time.Duration, most int) ([]alert.Detail, error) {
	if p.folding.Runs(objective) {
		return p.folding.Details(ctx, objective, length, most)
	}
	all, err := p.ask(ctx, question{objective, length, most})
	for _, a := range all {
		if len(a.Details) > 0 {
			return a.Details, nil
		}
	}
	return nil, err
}

// tell adds what the other replicas told.
func (p *peers) tell(a *web.About) {
	p.refresh()
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, why := range p.others.Failing {
		a.Failing[name] = errors.New(why)
	}
	maps.Copy(a.Waiting, p.others.Waiting)
}

func pack(v any) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(z).Encode(v); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func unpack(packed []byte, into any) error {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	return json.NewDecoder(z).Decode(into)
}
