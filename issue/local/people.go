package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/postburn/postburn/issue"
)

// Comments returns none: a file does not say who wrote what, or when. See issue.Reader.
func (t *Tracker) Comments(context.Context, issue.Ref) (all []issue.Comment, more bool, err error) {
	return nil, false, nil
}

// Trusts is never called, as there are no comments. See issue.Reader.
func (t *Tracker) Trusts(context.Context, issue.Ref, string) (bool, error) { return false, nil }

// Body returns what an issue's file says now. See issue.Reader.
func (t *Tracker) Body(_ context.Context, of issue.Ref) (string, error) {
	root, err := t.open()
	if err != nil {
		return "", err
	}
	defer root.Close()
	content, err := read(root, t.name(of))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading an issue: %w", issue.ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", t.path(t.name(of)), err)
	}
	return string(content), nil
}
