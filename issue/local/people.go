package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/postburn/postburn/issue"
)

// Comments are none: in a file nobody can tell who wrote what, and when. It is a method of an issue.Reader.
func (t *Tracker) Comments(context.Context, issue.Ref) ([]issue.Comment, error) { return nil, nil }

// Body is what an issue's file says now. It is a method of an issue.Reader.
func (t *Tracker) Body(_ context.Context, of issue.Ref) (string, error) {
	content, err := os.ReadFile(t.path(issue.Found{Ref: of}))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading an issue: %w", issue.ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("reading an issue: %w", err)
	}
	return string(content), nil
}
