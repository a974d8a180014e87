package github

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"

	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// repository is a repository by GitHub's name for it.
type repository struct {
	id           int64
	owner, short string
}

func (r repository) name() string { return r.owner + "/" + r.short }

// repositories finds repositories by their names, and says which may be used.
type repositories struct {
	*connection
	home   string                        // the default repository
	allow  func(repository string) error // nil: all
	logger *slog.Logger
	said   once // which were renamed

	mu      sync.Mutex            // guards what follows; not held during requests
	known   map[string]repository // by the requested name
	renamed map[string]bool       // present names of allowed repositories, lower case
}

func newRepositories(c *connection, o Options) *repositories {
	return &repositories{connection: c, home: o.Repository, allow: o.Allow, logger: o.Logger, known: map[string]repository{}, renamed: map[string]bool{}}
}

// ofPost finds the repository that a post is in, or is for.
func (r *repositories) ofPost(ctx context.Context, p issue.Post) (repository, error) {
	switch {
	case p.Ref != issue.Ref{}:
		return r.ofText(ctx, p.Ref)
	case p.Parent != nil:
		return r.ofText(ctx, p.Parent.Ref)
	case p.Repository != "":
		return r.lookUp(ctx, p.Repository)
	}
	return r.lookUp(ctx, r.home)
}

// ofText finds the repository that a text is in. GitHub numbers all texts, so others are of another
// tracker, for example files.
func (r *repositories) ofText(ctx context.Context, ref issue.Ref) (repository, error) {
	if ref.Number == 0 {
		return repository{}, fmt.Errorf("looking for %s: %w", ref.URL, issue.Moved{Foreign: true})
	}
	return r.lookUp(ctx, r.nameIn(ref.URL))
}

// nameIn returns the repository's name in a text's address, for example
// "https://github.com/owner/name/issues/12#issuecomment-3".
func (r *repositories) nameIn(address string) string {
	if u, err := url.Parse(address); err == nil {
		parts := strings.Split(strings.Trim(u.Path, "/"), "/")
		if n := len(parts); n >= 4 && isRepository(parts[n-4]+"/"+parts[n-3]) {
			return parts[n-4] + "/" + parts[n-3]
		}
	}
	return r.home
}

// lookUp finds a repository by its present or a former name. It asks once for each name.
func (r *repositories) lookUp(ctx context.Context, name string) (repository, error) {
	r.mu.Lock()
	repo, ok := r.known[name]
	r.mu.Unlock()
	if ok {
		return repo, nil
	}
	got, err := r.get(ctx, name)
	if err != nil {
		return repository{}, err
	}
	owner, short, _ := strings.Cut(got.GetFullName(), "/")
	repo = repository{got.GetID(), owner, short}
	if !strings.EqualFold(name, repo.name()) && r.said.first(repo, name) {
		r.logger.Warn("the repository was renamed: name it as it is called now", "repository", name, "now", repo.name())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[name] = repo
	return repo, nil
}

// get reads a repository that may be used.
func (r *repositories) get(ctx context.Context, name string) (*api.Repository, error) {
	doing := "looking up " + name
	if !isRepository(name) {
		return nil, fmt.Errorf("%s: %w: a repository's name must be owner/name", doing, issue.ErrRefused)
	}
	if err := r.allowed(name); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", doing, issue.ErrRefused, err)
	}
	owner, short, _ := strings.Cut(name, "/")
	got, resp, err := r.client.Repositories.Get(ctx, owner, short)
	if err == nil && (got.GetID() == 0 || !isRepository(got.GetFullName())) {
		err = errors.New("the answer is no repository")
	}
	if err == nil {
		r.mu.Lock()
		r.renamed[strings.ToLower(got.GetFullName())] = true
		r.mu.Unlock()
	}
	return got, r.failure(doing, name, resp, err)
}

// allowed returns why a repository may not be used. An allowed one stays so when it is renamed,
// because the addresses of its issues have the new name.
func (r *repositories) allowed(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.allow == nil || r.renamed[strings.ToLower(name)] {
		return nil
	}
	return r.allow(name)
}

// mayFollow returns why postburn must not follow an issue to another repository; nil if it may.
// Whoever can transfer an issue must not make postburn write anywhere: without an allow list, only
// repositories of the same owner are allowed.
func (r *repositories) mayFollow(from, to string) error {
	if r.allow != nil {
		return r.allowed(to)
	}
	for _, home := range []string{from, r.home} {
		if strings.EqualFold(path.Dir(home), path.Dir(to)) {
			return nil
		}
	}
	return fmt.Errorf("postburn writes to repositories of %s only, not to %s", path.Dir(from), to)
}

// lookUpAgain forgets what is known about a repository and asks again. If it is another one now,
// the error wraps issue.ErrRefused.
func (r *repositories) lookUpAgain(ctx context.Context, repo repository) error {
	r.mu.Lock()
	for name, known := range r.known {
		if known == repo {
			delete(r.known, name)
		}
	}
	r.mu.Unlock()
	now, err := r.lookUp(ctx, repo.name())
	if err == nil && now != repo {
		return fmt.Errorf("looking up %s: %w: it is %s now", repo.name(), issue.ErrRefused, now.name())
	}
	return err
}

// present returns GitHub's name for a repository if known, else the given one.
func (r *repositories) present(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if repo, ok := r.known[name]; ok {
		return repo.name()
	}
	return name
}

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+$`)

func isRepository(name string) bool {
	return repositoryName.MatchString(name) && !strings.HasSuffix(name, "/.") && !strings.HasSuffix(name, "/..")
}

// repositoryAt returns the repository in an API address like ".../repos/owner/name"; empty if there
// is none.
func repositoryAt(address string) string {
	parts := strings.Split(strings.TrimRight(address, "/"), "/")
	if n := len(parts); n >= 3 && parts[n-3] == "repos" && isRepository(parts[n-2]+"/"+parts[n-1]) {
		return parts[n-2] + "/" + parts[n-1]
	}
	return ""
}
