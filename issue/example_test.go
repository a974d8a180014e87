package issue_test

import (
	"fmt"
	"time"

	"github.com/postburn/postburn/issue"
)

func ExampleReasonIn() {
	fmt.Println(issue.ReasonIn("I added the label.\n\npostburn: load test, agreed with checkout"))
	// Output: load test, agreed with checkout
}

func ExampleIssueAddress() {
	const in = "https://github.com/acme/shop/issues/12"
	fmt.Println(issue.IssueAddress("#17", in))
	fmt.Println(issue.IssueAddress("acme/platform#3", in))
	// Output:
	// https://github.com/acme/shop/issues/17
	// https://github.com/acme/platform/issues/3
}

func ExampleMarker_String() {
	onset := time.Date(2026, 10, 14, 10, 41, 0, 0, time.UTC)
	fmt.Println(issue.Marker{Key: "checkout-1", Group: "checkout", Onset: onset})
	// Output: <!-- postburn key=checkout-1 group=checkout onset=2026-10-14T10:41:00Z -->
}
