package postmortem

import (
	"strings"
	"unicode"

	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/slo"
)

// maxQuery is how many bytes of PromQL are shown for one number.
const maxQuery = 3000

// QueryRow is the PromQL of an objective's numbers, as the lines of a code block.
type QueryRow struct{ Objective, PromQL string }

// queryRows writes a block for each objective. It drops what could end the block, or be taken for a
// marker: PromQL comes from SLO files and label values.
func queryRows(all []issue.Query) (rows []QueryRow) {
	var of slo.ID
	for _, q := range all {
		if !isHarmless(q.PromQL) {
			continue
		}
		if len(rows) == 0 || q.Of != of {
			rows, of = append(rows, QueryRow{Objective: Code(q.Of.String())}), q.Of
		}
		row := &rows[len(rows)-1]
		if row.PromQL != "" {
			row.PromQL += "\n\n"
		}
		row.PromQL += "# " + q.What + "\n" + strings.TrimSpace(q.PromQL)
	}
	return rows
}

func isHarmless(query string) bool {
	for _, bad := range []string{"```", "<!--", "-->"} {
		if strings.Contains(query, bad) {
			return false
		}
	}
	return len(query) <= maxQuery && !strings.ContainsFunc(query, func(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\t' })
}
