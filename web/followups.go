package web

import (
	"time"

	"github.com/postburn/postburn/issue"
)

// FollowUp is the JSON form of a follow-up.
type FollowUp struct {
	// What is to be done, in people's words.
	Text string `json:"text"`
	// The login of who does it.
	Owner string `json:"owner,omitempty"`
	// "short" or "long".
	Term string `json:"term,omitempty"`
	// When it was first read.
	Opened time.Time `json:"opened"`
	// When it was done; null while it is open.
	Done *time.Time `json:"done"`
	// Address of its issue; null if it has none.
	Issue *string `json:"issue_url"`
}

// followUpRow is a follow-up on a page.
type followUpRow struct {
	Text, Owner, Term, URL string
	Open                   time.Duration // how long it is or was open
	Done                   bool
}

func viewFollowUps(all []issue.FollowUp) (views []FollowUp) {
	for _, f := range all {
		views = append(views, viewFollowUp(f))
	}
	return views
}

func viewFollowUp(f issue.FollowUp) FollowUp {
	v := FollowUp{Text: f.Text, Owner: f.Owner, Term: f.Term, Opened: f.Opened, Done: present(f.Done)}
	if address := link(f.Issue); address != "" {
		v.Issue = &address
	}
	return v
}

func followUpRows(all []issue.FollowUp, now time.Time) (rows []followUpRow) {
	for _, f := range all {
		rows = append(rows, followUpRow{
			Text: shown(f.Text), Owner: shown(f.Owner), Term: shown(f.Term), URL: link(f.Issue), Open: until(now, f.Done).Sub(f.Opened), Done: !f.IsOpen(),
		})
	}
	return rows
}
