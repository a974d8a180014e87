package issue

import (
	"context"
	"time"
)

// Reader reads what people wrote at the tracker. Its errors are those of a Tracker.
type Reader interface {
	// Comments returns an issue's comments that are not postburn's own, oldest first, a thousand at
	// most; more is true if there are more. With an error it returns those read before it.
	Comments(ctx context.Context, of Ref) (all []Comment, more bool, err error)
	// Trusts reports whether an account may write to the issue's repository. It may cost a request,
	// so it is only called for authors whose comments are not marked as trusted.
	Trusts(ctx context.Context, of Ref, login string) (bool, error)
	// Body returns the issue's current text.
	Body(ctx context.Context, of Ref) (string, error)
}

// Comment is a comment by a person, or by a bot other than postburn.
type Comment struct {
	Author  string // login
	Robot   bool
	Trusted bool      // the tracker says that the author works there
	Time    time.Time // when it was written, by the tracker's clock
	Body    string
	URL     string
}
