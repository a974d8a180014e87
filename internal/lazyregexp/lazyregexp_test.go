package lazyregexp

import "testing"

func TestNewPanicsInTests(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("New takes what does not compile")
		}
	}()
	New("(")
}
