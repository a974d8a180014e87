package postmortem_test

import (
	"fmt"

	"github.com/postburn/postburn/issue/postmortem"
)

func ExampleCode() {
	fmt.Println(postmortem.Code(`region="eu"`))
	// Output: `region="eu"`
}

func ExampleLink() {
	fmt.Println(postmortem.Link("Runbook", "https://runbooks.example/checkout"))
	fmt.Println(postmortem.Link("Runbook", "javascript:alert(1)"))
	// Output:
	// [Runbook](https://runbooks.example/checkout)
	// Runbook
}
