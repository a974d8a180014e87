package github

import (
	"context"
	"errors"
	"fmt"
	"strings"

	api "github.com/google/go-github/v60/github"

	"github.com/postburn/postburn/issue"
)

// repository is one as GitHub calls it.
type repository struct {
	id           int64
	owner, short string
}

func (r repository) name() string { return r.owner + "/" + r.short }

// lookUp finds a repository, by the name that it has or had. It asks once for each name.
func (t *Tracker) lookUp(ctx context.Context, name string) (repository, error) {
	t.mu.Lock()
	repo, ok := t.repos[name]
	t.mu.Unlock()
	if ok {
		return repo, nil
	}
	got, err := t.getRepository(ctx, name)
	if err != nil {
		return repository{}, err
	}
	owner, short, _ := strings.Cut(got.GetFullName(), "/")
	repo = repository{got.GetID(), owner, short}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.repos[name] = repo
	return repo, nil
}

func (t *Tracker) getRepository(ctx context.Context, name string) (*api.Repository, error) {
	doing := "looking up " + name
	if !isRepository(name) {
		return nil, fmt.Errorf("%s: %w: a repository's name must be owner/name", doing, issue.ErrRefused)
	}
	owner, short, _ := strings.Cut(name, "/")
	got, resp, err := t.client.Repositories.Get(ctx, owner, short)
	if err == nil && (got.GetID() == 0 || !isRepository(got.GetFullName())) {
		err = errors.New("the answer is no repository")
	}
	return got, t.failure(doing, name, resp, err)
}

// lookUpAgain forgets what is known of a repository and asks once more. The error wraps issue.ErrRefused where it is not what it was.
func (t *Tracker) lookUpAgain(ctx context.Context, repo repository) error {
	t.mu.Lock()
	for name, known := range t.repos {
		if known == repo {
			delete(t.repos, name)
		}
	}
	t.mu.Unlock()
	now, err := t.lookUp(ctx, repo.name())
	if err == nil && now != repo {
		return fmt.Errorf("looking up %s: %w: it is %s now", repo.name(), issue.ErrRefused, now.name())
	}
	return err
}

// absent is the error of a look: that a text is gone is none.
func absent(err error) error {
	if errors.Is(err, issue.ErrNotFound) {
		return nil
	}
	return err
}
