package githubtest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server is a GitHub. Its zero value is empty.
type Server struct {
	// Fault returns what goes wrong with each request; nil: nothing does. It must not call the
	// server.
	Fault func(Request) Fault
	// Check gets each request with its answer; nil: no check. An error is a problem.
	Check func(r *http.Request, body []byte, answer *http.Response) error
	// WriteEvery is the least time between two writes of one user; less is a problem, and so are
	// two at a time. 0: not checked.
	WriteEvery time.Duration
	// PerPage is the most that a list returns at a time; 0: 100.
	PerPage int
	// NoSubIssues makes it a server without sub-issues, as older ones are.
	NoSubIssues bool

	mu       sync.Mutex
	last     int64 // last ID given
	accounts accounts
	repos    []*Repository
	traffic  traffic
}

// User is an account, and what its token may do.
type User struct {
	ID        int64
	Login     string
	Bot       bool     // GET /user is not for it
	Push      bool     // without it labels and assignees are dropped
	Issues    string   // permission of the token: "write", "read" or none
	NoAccess  bool     // sees no repository
	Suspended bool     // an app's installation that was suspended
	Scopes    string   // of a classic token; empty: another kind
	Lacks     []string // permissions to read: "contents", "deployments", "pull_requests"
}

// Repository is a repository with its content. Server.Change changes it, as people do.
type Repository struct {
	ID          int64
	Owner, Name string
	Before      []string // former owner/name
	Private     bool
	Archived    bool
	IssuesOff   bool
	SSO         bool // its organization asks for single sign-on, which no token has
	Gone        bool
	Issues      []*Issue
	Labels      []*Label
	Deployments []*Deployment
	Releases    []*Release
	Assignable  []string          // logins; others can't be assigned
	Permissions map[string]string // by login: "admin", "write", "read"; others have none
	nextNumber  int
	createdAt   time.Time
}

// FullName returns owner/name.
func (r *Repository) FullName() string { return r.Owner + "/" + r.Name }

// Issue is an issue or a pull request.
type Issue struct {
	ID               int64
	Number           int
	Title, Body      string
	Author           string
	State, Reason    string // "open" or "closed"; "completed", "not_planned" or "reopened"
	Labels           []string
	Assignees        []string
	Comments         []*Comment
	Events           []Event // those of labels
	Created, Updated time.Time
	PullRequest      bool
	Base             string    // a pull request's target branch; empty: main
	MergedAt         time.Time // of a pull request
	MergedBy         string
	Locked           bool    // only accounts with push access comment
	Deleted          bool    // answers 410
	MovedTo          int64   // ID of the repository it was transferred to; answers 301
	MovedAs          int     // its number there
	SubIssues        []int64 // IDs, in the order in which they were added
	parent           int64   // ID of the issue that it is a sub-issue of
}

// Event says who gave an issue a label, or took it away, and when.
type Event struct {
	Kind         string // "labeled" or "unlabeled"
	Actor, Label string
	Created      time.Time
}

// Label gives the issue a label, as a person does.
func (i *Issue) Label(actor, name string, at time.Time) {
	i.Labels = append(slices.Clone(i.Labels), name)
	i.Events, i.Updated = append(i.Events, Event{"labeled", actor, name, at}), at
}

// Unlabel takes a label away.
func (i *Issue) Unlabel(actor, name string, at time.Time) {
	i.Labels = slices.DeleteFunc(slices.Clone(i.Labels), func(l string) bool { return l == name })
	i.Events, i.Updated = append(i.Events, Event{"unlabeled", actor, name, at}), at
}

// Comment is a comment of an issue.
type Comment struct {
	ID               int64
	Body             string
	Author           string
	Association      string // of the author; empty: COLLABORATOR
	Created, Updated time.Time
}

// Label is a label of a repository.
type Label struct {
	ID                       int64
	Name, Color, Description string
}

// AddUser makes an account for a token. By default it may do everything with issues.
func (s *Server) AddUser(token string, u User) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.ID = s.id()
	s.accounts.add(token, &u)
	return &u
}

// TokenUser returns a token's account. While requests are answered, change it only within Change.
func (s *Server) TokenUser(token string) *User { return s.accounts.get(token) }

// RemoveToken revokes a token.
func (s *Server) RemoveToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts.remove(token)
}

// AddInstallation makes an installation of the app, whose tokens stand for a bot.
func (s *Server) AddInstallation(id int64, u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.ID, u.Bot = s.id(), true
	s.accounts.install(id, &u)
}

// AddRepository makes an empty repository.
func (s *Server) AddRepository(fullName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	owner, name, _ := strings.Cut(fullName, "/")
	s.repos = append(s.repos, &Repository{ID: s.id(), Owner: owner, Name: name, Private: true, createdAt: time.Now()})
}

// Change passes a repository to a function that may change it, as people do. It finds it by its
// present or a former name.
func (s *Server) Change(fullName string, change func(*Repository)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, _ := s.find(fullName)
	if r == nil {
		panic("there is no repository " + fullName)
	}
	change(r)
}

// AddIssue adds somebody's issue, and returns its number.
func (s *Server) AddIssue(fullName string, i Issue) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, _ := s.find(fullName)
	r.nextNumber++
	i.ID, i.Number = s.id(), r.nextNumber
	if i.State == "" {
		i.State = "open"
	}
	if i.Created.IsZero() {
		i.Created = time.Now()
	}
	if i.Updated = i.Created; i.MergedAt.After(i.Updated) {
		i.Updated = i.MergedAt
	}
	r.Issues = append(r.Issues, &i)
	return i.Number
}

// Transfer moves an issue to another repository, as a person would, and returns its number there.
// As at GitHub, it and its comments get other IDs, and the old address redirects to it.
func (s *Server) Transfer(from string, number int, to string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	source, _ := s.find(from)
	target, _ := s.find(to)
	for _, i := range source.Issues {
		if i.Number != number {
			continue
		}
		moved := *i
		target.nextNumber++
		moved.ID, moved.Number = s.id(), target.nextNumber
		moved.Comments = nil
		for _, c := range i.Comments {
			there := *c
			there.ID = s.id()
			moved.Comments = append(moved.Comments, &there)
		}
		target.Issues = append(target.Issues, &moved)
		i.MovedTo, i.MovedAs = target.ID, moved.Number
		return moved.Number
	}
	panic("there is no such issue in " + from)
}

// Requests returns the requests so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.traffic.soFar()
}

// Problems returns the requests that GitHub would not understand, or asks not to send.
func (s *Server) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.traffic.wrong()
}

func (s *Server) id() int64 {
	s.last++
	return 1000 + s.last
}

// find finds a repository by its present or a former name.
func (s *Server) find(fullName string) (r *Repository, renamed bool) {
	for _, r := range s.repos {
		if strings.EqualFold(r.FullName(), fullName) {
			return r, false
		}
	}
	for _, r := range s.repos {
		for _, before := range r.Before {
			if strings.EqualFold(before, fullName) {
				return r, true
			}
		}
	}
	return nil, false
}

// RoundTrip answers a request without a network, for use in a testing/synctest bubble.
func (s *Server) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if cause := recover(); cause == http.ErrAbortHandler { //nolint:errorlint // recovered values are compared as net/http does
			resp, err = nil, io.ErrUnexpectedEOF
		} else if cause != nil {
			panic(cause)
		}
		if r.Context().Err() != nil {
			resp, err = nil, r.Context().Err()
		}
	}()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.Host, in.RequestURI = r.URL.Host, r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, in)
	resp = w.Result()
	resp.Request = r
	return resp, nil
}

// ServeHTTP answers a request with its fault.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	request, fault := s.traffic.begin(r, s.accounts.of(r), s.WriteEvery), s.Fault
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.traffic.end(request)
	}()
	f := Fault{}
	if fault != nil {
		f = fault(request)
	}
	switch {
	case f.Late > 0:
		late := r.Clone(r.Context())
		time.AfterFunc(f.Late, func() { _ = s.act(late, body).Body.Close() })
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case f.Hangs:
		if f.Acts {
			_ = s.act(r, body).Body.Close()
		}
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	var answer *http.Response
	if f.Acts || f.Answer == 0 && !f.Lost {
		answer = s.act(r, body)
	}
	switch {
	case f.Lost:
		panic(http.ErrAbortHandler)
	case f.Answer != 0:
		answer = f.answer()
	}
	defer answer.Body.Close()
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body)
}

// act does what a request asks.
func (s *Server) act(r *http.Request, body []byte) *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := httptest.NewRecorder()
	s.serve(w, r, body)
	answer := w.Result()
	if s.Check != nil {
		content := w.Body.Bytes()
		answer.Body = io.NopCloser(bytes.NewReader(content))
		if err := s.Check(r, body, answer); err != nil {
			s.traffic.problemf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		answer.Body = io.NopCloser(bytes.NewReader(content))
	}
	return answer
}
