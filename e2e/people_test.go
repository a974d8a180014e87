//go:build e2e

package e2e

import (
	"os"
	"strings"
	"testing"
)

// TestPersonEdits has a person write into the post-mortem during the incident. All of it stays, and
// the final numbers come as a comment.
func TestPersonEdits(t *testing.T) {
	t.Parallel()
	s := newStage(t, onlyBurns())
	s.start()
	f := s.breakDown()
	path := s.awaitOpened()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const cause = "The payment service's certificate had expired, and nothing warned of it."
	edited := strings.Replace(string(before), "### Causes\n", "### Causes\n\n"+cause+"\n", 1)
	if edited == string(before) {
		t.Fatalf("no causes in\n%s", before)
	}
	if err := os.WriteFile(path, []byte(edited), 0o666); err != nil {
		t.Fatal(err)
	}
	f.until(lasting)
	s.repair(f)
	i := s.awaitRecovered()
	s.verifyNumbers(i, f)
	await(t, patience, "the comment with the final numbers", func() error {
		after, err := os.ReadFile(path)
		if err == nil && (!strings.Contains(string(after), finalNumbers(i)) || !strings.Contains(string(after), "These are the final numbers.")) {
			err = errNotYet
		}
		return err
	})
	// The text as a whole is what the person saved, up to the line that ends it in the file.
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	body, _, _ := strings.Cut(edited, "<!-- postburn end -->")
	if !strings.HasPrefix(string(after), body) {
		t.Errorf("the person saved\n%s\nand found later\n%s", edited, after)
	}
	if n := len(s.postburn.postMortems()); n != 1 {
		t.Errorf("%d post-mortems", n)
	}
	s.verifyReplay()
}
