package report_test

import (
	"fmt"

	"github.com/postburn/postburn/issue/learn/report"
)

func ExampleParseQuarter() {
	p, _ := report.ParseQuarter("2026-Q4")
	fmt.Println(p.Name, p.Start.Format("2006-01-02"), p.End.Format("2006-01-02"), p.Before().Name)
	// Output: quarter 4 of 2026 2026-10-01 2027-01-01 quarter 3 of 2026
}
