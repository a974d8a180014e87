// Package githubtest is a stand-in for GitHub: repositories, issues, comments, labels and users behind the part of its REST API that
// postburn uses. It keeps what it is told, refuses what GitHub refuses, and fails when it is asked to. It knows nothing of postburn, and
// is for tests only.
package githubtest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Server is a GitHub. Its zero value has nothing in it.
type Server struct {
	// Fault is asked for each request what goes wrong with it; nil: nothing does. It must not call the server.
	Fault func(Request) Fault
	// Check is given each request and the answer that belongs to it; nil: neither is checked. What it returns is a problem.
	Check func(r *http.Request, body []byte, answer *http.Response) error
	// WriteEvery is the least time between two writes of one user; less is a problem, and so are two at a time. 0: not checked.
	WriteEvery time.Duration
	// PerPage is the most that a list returns at a time; 0: 100.
	PerPage int

	mu       sync.Mutex
	last     int64 // of the IDs given
	tokens   map[string]*User
	repos    []*Repository
	requests []Request
	problems []string
	writing  int
	wrote    time.Time
	apps     map[int64]*User // by installation
	issued   int             // installation tokens
}

// User is an account, as a token of its shows it.
type User struct {
	ID       int64
	Login    string
	Bot      bool     // GET /user is not for it
	Push     bool     // without it labels and assignees are dropped
	Issues   string   // permission of the token: "write", "read" or none
	NoAccess bool     // sees no repository
	Scopes   string   // of a classic token; empty: it is of another kind
	Lacks    []string // permissions to read: "contents", "deployments", "pull_requests"
}

// Repository is one, with all that is in it. People change what they like by Server.Change.
type Repository struct {
	ID          int64
	Owner, Name string
	Before      []string // owner/name that it had
	Private     bool
	Archived    bool
	IssuesOff   bool
	Gone        bool
	Issues      []*Issue
	Labels      []*Label
	Deployments []*Deployment
	Releases    []*Release
	Assignable  []string // logins; others can't be assigned
	nextNumber  int
	createdAt   time.Time
}

// FullName is owner/name.
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
	Created, Updated time.Time
	PullRequest      bool
	Base             string    // the branch that a pull request is to go to; empty: main
	MergedAt         time.Time // of a pull request
	MergedBy         string
	Deleted          bool  // answers 410
	MovedTo          int64 // the repository that it was transferred to; answers 301
}

// Comment is a comment of an issue.
type Comment struct {
	ID               int64
	Body             string
	Author           string
	Created, Updated time.Time
}

// Label is a label of a repository.
type Label struct {
	ID                       int64
	Name, Color, Description string
}

// Request is one that came in.
type Request struct {
	N            int // counted from 1
	Method, Path string
	User         string
	Conditional  bool
	At           time.Time
}

// IsWrite reports whether the request asks for a change.
func (r Request) IsWrite() bool { return r.Method != http.MethodGet }

// AddUser makes an account that a token stands for. Without more said, it has the whole run of issues.
func (s *Server) AddUser(token string, u User) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.ID = s.id()
	if s.tokens == nil {
		s.tokens = map[string]*User{}
	}
	s.tokens[token] = &u
	return &u
}

// TokenUser is the account that a token stands for. It must not be changed while requests are answered, but within Change.
func (s *Server) TokenUser(token string) *User { return s.tokens[token] }

// RemoveToken revokes a token.
func (s *Server) RemoveToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, token)
}

// AddInstallation makes an installation of the app, whose tokens stand for a bot.
func (s *Server) AddInstallation(id int64, u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.ID, u.Bot = s.id(), true
	if s.apps == nil {
		s.apps = map[int64]*User{}
	}
	s.apps[id] = &u
}

// AddRepository makes an empty repository.
func (s *Server) AddRepository(fullName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	owner, name, _ := strings.Cut(fullName, "/")
	s.repos = append(s.repos, &Repository{ID: s.id(), Owner: owner, Name: name, Private: true, createdAt: time.Now()})
}

// Change gives a repository to a function that may change it, as people do. It is found by any name that it has or had.
func (s *Server) Change(fullName string, change func(*Repository)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, _ := s.find(fullName)
	if r == nil {
		panic("there is no repository " + fullName)
	}
	change(r)
}

// AddIssue adds an issue of somebody's, and returns its number.
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

// Requests are those that came in so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Problems are the requests that GitHub would not have understood, or asked not to be sent.
func (s *Server) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.problems...)
}

func (s *Server) problemf(format string, args ...any) {
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

func (s *Server) id() int64 {
	s.last++
	return 1000 + s.last
}

// find finds a repository by its name, or a name that it had.
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

// RoundTrip answers a request without a network, so that the server can be used in a bubble of testing/synctest.
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

// ServeHTTP answers a request as its fault has it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	f := s.begin(r)
	defer s.end(r)
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

// begin notes a request, and decides what goes wrong with it.
func (s *Server) begin(r *http.Request) Fault {
	s.mu.Lock()
	request := Request{
		N: len(s.requests) + 1, Method: r.Method, Path: r.URL.Path, Conditional: r.Header.Get("If-None-Match") != "", At: time.Now(),
	}
	if u := s.user(r); u != nil {
		request.User = u.Login
	}
	s.requests = append(s.requests, request)
	if request.IsWrite() && s.WriteEvery > 0 {
		if s.writing > 0 {
			s.problemf("%s %s was sent during another write", r.Method, r.URL.Path)
		}
		if gap := time.Since(s.wrote); gap < s.WriteEvery {
			s.problemf("%s %s was sent %s after another write", r.Method, r.URL.Path, gap)
		}
		s.writing++
	}
	fault := s.Fault
	s.mu.Unlock()
	if fault == nil {
		return Fault{}
	}
	return fault(request)
}

func (s *Server) end(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method != http.MethodGet && s.WriteEvery > 0 {
		s.writing--
		s.wrote = time.Now()
	}
}

// act does what a request asks for.
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
			s.problemf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		answer.Body = io.NopCloser(bytes.NewReader(content))
	}
	return answer
}
