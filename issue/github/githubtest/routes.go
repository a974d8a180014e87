package githubtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// call is a request under way.
type call struct {
	s    *Server
	w    http.ResponseWriter
	r    *http.Request
	body []byte
	user *User
	repo *Repository
	path []string // below the repository
}

// failed ends a call with an error's answer.
type failed struct {
	status  int
	message string
	fields  []map[string]string
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	c := &call{s: s, w: w, r: r, body: body, user: s.user(r)}
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case failed:
			answer := map[string]any{"message": cause.message, "documentation_url": "https://docs.github.com/rest"}
			if cause.status != http.StatusUnprocessableEntity { // its description has none
				answer["status"] = strconv.Itoa(cause.status)
			}
			if cause.fields != nil {
				answer["errors"] = cause.fields
			}
			c.answer(cause.status, answer)
		default:
			panic(cause)
		}
	}()
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	w.Header().Set("X-RateLimit-Limit", "5000")
	w.Header().Set("X-RateLimit-Remaining", "4000")
	w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(30*time.Minute).Unix(), 10))
	path := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	for i := range path {
		path[i], _ = url.PathUnescape(path[i])
	}
	if path[0] == "app" {
		c.serveApp(path)
		return
	}
	if c.user == nil {
		panic(failed{status: 401, message: "Bad credentials"})
	}
	if c.user.Scopes != "" {
		w.Header().Set("X-OAuth-Scopes", c.user.Scopes)
	}
	switch {
	case r.URL.Path == "/user" && c.user.Bot:
		panic(failed{status: 403, message: "Resource not accessible by integration"})
	case r.URL.Path == "/user":
		c.answer(200, c.fullUser(c.user))
	case path[0] == "repos" && len(path) >= 3:
		repo, renamed := s.find(path[1] + "/" + path[2])
		c.serveRepository(repo, renamed, path[3:])
	case path[0] == "repositories" && len(path) >= 2:
		c.serveRepository(s.byID(path[1]), false, path[2:])
	default:
		c.notFound()
	}
}

func (c *call) notFound() { panic(failed{status: 404, message: "Not Found"}) }

func (s *Server) byID(text string) *Repository {
	id, _ := strconv.ParseInt(text, 10, 64)
	for _, r := range s.repos {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// isUser reports whether there is an account of that name.
func (s *Server) isUser(login string) bool {
	for _, u := range s.tokens {
		if strings.EqualFold(u.Login, login) {
			return true
		}
	}
	return false
}

func (s *Server) user(r *http.Request) *User {
	token := r.Header.Get("Authorization")
	for _, prefix := range []string{"Bearer ", "token "} {
		token = strings.TrimPrefix(token, prefix)
	}
	return s.tokens[token]
}

// serveApp answers what an app asks as itself. Of its key, only the form of what it signed is checked.
func (c *call) serveApp(path []string) {
	if strings.Count(c.r.Header.Get("Authorization"), ".") != 2 {
		panic(failed{status: 401, message: "A JSON web token could not be decoded"})
	}
	if len(path) == 1 {
		for _, u := range c.s.apps {
			c.answer(200, c.app(strings.TrimSuffix(u.Login, "[bot]")))
			return
		}
	}
	if len(path) != 4 || c.r.Method != http.MethodPost {
		c.notFound()
	}
	id, _ := strconv.ParseInt(path[2], 10, 64)
	u := c.s.apps[id]
	if u == nil {
		c.notFound()
	}
	c.mayHave(u)
	c.s.issued++
	token := fmt.Sprintf("ghs_%d", c.s.issued)
	if c.s.tokens == nil {
		c.s.tokens = map[string]*User{}
	}
	c.s.tokens[token] = u
	permissions := map[string]string{"metadata": "read"}
	if u.Issues != "" {
		permissions["issues"] = u.Issues
	}
	c.answer(201, map[string]any{
		"token": token, "expires_at": stamp(time.Now().Add(time.Hour)), "permissions": permissions, "repository_selection": "selected",
	})
}

// mayHave ends the call where an installation was not granted what its token is to have.
func (c *call) mayHave(u *User) {
	var asked struct{ Permissions map[string]string }
	if len(c.body) > 0 {
		c.read(&asked, "permissions", "repositories", "repository_ids")
	}
	for _, permission := range u.Lacks {
		if asked.Permissions[permission] != "" {
			panic(failed{status: 422, message: "The permissions requested are not granted to this installation."})
		}
	}
}

func (c *call) serveRepository(repo *Repository, renamed bool, path []string) {
	if repo == nil || repo.Gone || c.user.NoAccess {
		c.notFound()
	}
	c.repo, c.path = repo, path
	if renamed {
		status := http.StatusMovedPermanently
		if c.r.Method != http.MethodGet {
			status = http.StatusTemporaryRedirect
		}
		c.redirect(status, repo.ID, path)
		return
	}
	switch {
	case len(path) == 0 && c.r.Method == http.MethodGet:
		c.answer(200, c.repository())
	case len(path) > 0 && path[0] == "labels":
		c.serveLabels()
	case len(path) > 0 && path[0] == "issues":
		c.serveIssues()
	case len(path) == 1 && path[0] == "deployments" && c.r.Method == http.MethodGet:
		c.serveDeployments()
	case len(path) == 1 && path[0] == "releases" && c.r.Method == http.MethodGet:
		c.serveReleases()
	case len(path) > 0 && path[0] == "pulls" && c.r.Method == http.MethodGet:
		c.servePulls()
	default:
		c.notFound()
	}
}

func (c *call) redirect(status int, repo int64, path []string) {
	target := c.base() + "/repositories/" + strconv.FormatInt(repo, 10)
	for _, p := range path {
		target += "/" + p
	}
	if c.r.URL.RawQuery != "" {
		target += "?" + c.r.URL.RawQuery
	}
	c.w.Header().Set("Location", target)
	c.answer(status, map[string]any{"message": "Moved Permanently", "url": target, "documentation_url": "https://docs.github.com/rest"})
}

// base is the address that the client knows the server by.
func (c *call) base() string {
	scheme := "http"
	if c.r.URL.Scheme != "" {
		scheme = c.r.URL.Scheme
	}
	return scheme + "://" + c.r.Host
}

// mayWrite ends the call where the token may not.
func (c *call) mayWrite() {
	switch {
	case c.user.Issues == "read" || c.user.Issues == "none":
		c.w.Header().Set("X-Accepted-GitHub-Permissions", "issues=write")
		panic(failed{status: 403, message: "Resource not accessible by personal access token"})
	case c.repo.Archived:
		panic(failed{status: 403, message: "Repository was archived so is read-only."})
	}
}

// read decodes the request, and takes note of what GitHub would not know.
func (c *call) read(into any, known ...string) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(c.body, &fields); err != nil {
		panic(failed{status: 400, message: "Problems parsing JSON"})
	}
	for name := range fields {
		found := false
		for _, k := range known {
			found = found || k == name
		}
		if !found {
			c.s.problemf("%s %s has a field %q that GitHub does not know", c.r.Method, c.r.URL.Path, name)
		}
	}
	if err := json.Unmarshal(c.body, into); err != nil {
		panic(failed{status: 422, message: "Invalid request. " + err.Error()})
	}
}

// answer writes JSON, or 304 where the client has it.
func (c *call) answer(status int, value any) {
	content, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	if status == http.StatusOK && c.r.Method == http.MethodGet {
		sum := sha256.Sum256(append(content, c.w.Header().Get("Link")...))
		etag := `W/"` + hex.EncodeToString(sum[:16]) + `"`
		c.w.Header().Set("ETag", etag)
		if c.r.Header.Get("If-None-Match") == etag {
			c.w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(content)
}

// page cuts a list as the query has it, and links to the next page in the way that names the repository's number.
func (c *call) page(all []any) []any {
	query := c.r.URL.Query()
	size, _ := strconv.Atoi(query.Get("per_page"))
	if size <= 0 {
		size = 30
	}
	most := c.s.PerPage
	if most == 0 {
		most = 100
	}
	size = min(size, most)
	number, _ := strconv.Atoi(query.Get("page"))
	number = max(number, 1)
	start, end := min(len(all), (number-1)*size), min(len(all), number*size)
	if end < len(all) {
		query.Set("page", strconv.Itoa(number+1))
		c.w.Header().Set("Link", fmt.Sprintf(`<%s/repositories/%d/%s?%s>; rel="next", <%s/x?page=9>; rel="last"`,
			c.base(), c.repo.ID, strings.Join(c.path, "/"), query.Encode(), c.base()))
	}
	return append([]any{}, all[start:end]...)
}

func stamp(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }
