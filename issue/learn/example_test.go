package learn_test

import (
	"fmt"

	"github.com/postburn/postburn/issue/learn"
)

func ExampleTasks() {
	for _, t := range learn.Tasks("## Follow-ups\n\n- [ ] Alert on the queue's length (alice)\n- [x] Raise the timeout\n") {
		fmt.Printf("%s, owner %q, done %t\n", t.Text, t.Owner, t.Done)
	}
	// Output:
	// Alert on the queue's length (alice), owner "alice", done false
	// Raise the timeout, owner "", done true
}
