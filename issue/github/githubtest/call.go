package githubtest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// call is a request under way.
type call struct {
	*shapes
	s    *Server
	w    http.ResponseWriter
	r    *http.Request
	body []byte
	path []string // below the repository
}

// failed ends a call with an error's answer.
type failed struct {
	status  int
	message string
	about   string // address of documentation; empty: a general one
	fields  []map[string]string
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	c := &call{s: s, w: w, r: r, body: body}
	c.shapes = &shapes{accounts: &s.accounts, base: cmp.Or(r.URL.Scheme, "http") + "://" + r.Host, user: s.accounts.of(r), label: c.label}
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case failed:
			answer := map[string]any{"message": cause.message, "documentation_url": cmp.Or(cause.about, "https://docs.github.com/rest")}
			if cause.status != http.StatusUnprocessableEntity { // GitHub documents none for it
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
		appCalls{c}.serve(path)
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

func (c *call) serveRepository(repo *Repository, renamed bool, path []string) {
	if repo == nil || repo.Gone || c.user.NoAccess {
		c.notFound()
	}
	c.repo, c.path = repo, path
	if repo.SSO {
		c.w.Header().Set("X-GitHub-SSO", "required; url=https://github.com/orgs/"+repo.Owner+"/sso?authorization_request=AAAA")
		panic(failed{status: 403, message: "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization."})
	}
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
		issueCalls{c}.serveLabels()
	case len(path) > 0 && path[0] == "issues":
		issueCalls{c}.serveIssues()
	case len(path) == 3 && path[0] == "collaborators" && path[2] == "permission" && c.r.Method == http.MethodGet:
		c.servePermission(path[1])
	case len(path) == 1 && path[0] == "deployments" && c.r.Method == http.MethodGet:
		changeCalls{c}.serveDeployments()
	case len(path) == 1 && path[0] == "releases" && c.r.Method == http.MethodGet:
		changeCalls{c}.serveReleases()
	case len(path) > 0 && path[0] == "pulls" && c.r.Method == http.MethodGet:
		changeCalls{c}.servePulls()
	default:
		c.notFound()
	}
}

// servePermission answers what an account may do in the repository.
func (c *call) servePermission(login string) {
	permission, ok := c.repo.Permissions[login]
	if !ok {
		permission = "none"
		if !c.repo.Private {
			permission = "read"
		}
	}
	user := c.userJSON(login)
	user["role_name"] = permission
	c.answer(200, map[string]any{"permission": permission, "role_name": permission, "user": user})
}

func (c *call) redirect(status int, repo int64, path []string) {
	target := c.base + "/repositories/" + strconv.FormatInt(repo, 10)
	for _, p := range path {
		target += "/" + p
	}
	if c.r.URL.RawQuery != "" {
		target += "?" + c.r.URL.RawQuery
	}
	c.w.Header().Set("Location", target)
	c.answer(status, map[string]any{"message": "Moved Permanently", "url": target, "documentation_url": "https://docs.github.com/rest"})
}

// mayWrite ends the call if the token may not write.
func (c *call) mayWrite() {
	switch {
	case c.user.Issues == "read" || c.user.Issues == "none":
		c.w.Header().Set("X-Accepted-GitHub-Permissions", "issues=write")
		panic(failed{status: 403, message: "Resource not accessible by personal access token"})
	case c.repo.Archived:
		panic(failed{status: 403, message: "Repository was archived so is read-only."})
	}
}

// read decodes the request, and notes what GitHub would not know.
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
			c.s.traffic.problemf("%s %s has a field %q that GitHub does not know", c.r.Method, c.r.URL.Path, name)
		}
	}
	if err := json.Unmarshal(c.body, into); err != nil {
		panic(failed{status: 422, message: "Invalid request. " + err.Error()})
	}
}

// answer writes JSON, or 304 if the client has it.
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

// page returns the page that the query asks for, and links to the next one by the repository's
// number.
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
			c.base, c.repo.ID, strings.Join(c.path, "/"), query.Encode(), c.base))
	}
	return append([]any{}, all[start:end]...)
}

func stamp(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

// GitHub's limits, in characters, as its refusals name them: see checkLength.
const (
	maxBody        = 65_536
	maxTitle       = 256
	maxLabel       = 50
	maxDescription = 100
)

// label finds a label, and creates it if it is missing.
func (c *call) label(name, color, description string) *Label {
	c.checkLength("Label", "name", name, maxLabel)
	for _, l := range c.repo.Labels {
		if strings.EqualFold(l.Name, name) {
			return l
		}
	}
	l := &Label{ID: c.s.id(), Name: name, Color: color, Description: description}
	c.repo.Labels = append(c.repo.Labels, l)
	return l
}

func invalid(resource, field, code string) failed {
	return failed{status: 422, message: "Validation Failed", fields: []map[string]string{{"resource": resource, "field": field, "code": code}}}
}

func (c *call) checkLength(resource, field, text string, limit int) {
	if n := utf8.RuneCountInString(text); n > limit {
		c.s.traffic.problemf("the %s's %s has %d characters: more than %d", resource, field, n, limit)
		panic(failed{status: 422, message: "Validation Failed", fields: []map[string]string{{
			"resource": resource, "field": field, "code": "custom", "message": field + " is too long (maximum is " + strconv.Itoa(limit) + " characters)",
		}}})
	}
}
