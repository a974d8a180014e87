package web

import (
	"time"

	"github.com/postburn/postburn/issue"
)

// FollowUp is the JSON form of a follow-up.
type FollowUp struct {
	Text   string     `json:"text"`
	Owner  string     `json:"owner,omitempty"`
	Term   string     `json:"term,omitempty"` // "short" or "long"
	Opened time.Time  `json:"opened"`         // when it was first read
	Done   *time.Time `json:"done"`           // null while it is open
	Issue  *string    `json:"issue_url"`      // null if it has none
}

// followUpRow is a follow-up on a page.
type followUpRow struct {
	Text, Owner, Term, URL string
	Open                   time.Duration // how long it is or was open
	Done                   bool
}

func viewFollowUps(all []issue.FollowUp) (views []FollowUp) {
	for _, f := range all {
		v := FollowUp{Text: f.Text, Owner: f.Owner, Term: f.Term, Opened: f.Opened, Done: present(f.Done)}
		if address := link(f.Issue); address != "" {
			v.Issue = &address
		}
		views = append(views, v)
	}
	return views
}

func followUpRows(all []issue.FollowUp, now time.Time) (rows []followUpRow) {
	for _, f := range all {
		rows = append(rows, followUpRow{
			Text: shown(f.Text), Owner: shown(f.Owner), Term: shown(f.Term), URL: link(f.Issue), Open: until(now, f.Done).Sub(f.Opened), Done: !f.IsOpen(),
		})
	}
	return rows
}
