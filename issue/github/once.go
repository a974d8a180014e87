package github

import (
	"strings"
	"sync"
)

// once remembers which names of a repository were dealt with, for example which labels were made.
// Names differ by more than case.
type once struct {
	mu   sync.Mutex
	done map[string]bool
}

// first notes a name, and reports whether it is new.
func (o *once) first(repo repository, name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done == nil {
		o.done = map[string]bool{}
	}
	key := onceKey(repo, name)
	was := o.done[key]
	o.done[key] = true
	return !was
}

// again makes a name new.
func (o *once) again(repo repository, name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.done, onceKey(repo, name))
}

func onceKey(repo repository, name string) string { return repo.name() + " " + strings.ToLower(name) }
