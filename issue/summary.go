package issue

// Summary is what a list of incidents tells of a publication: where people find its issue, and what
// they made of it. It is small, where a Publication holds all texts that were written.
type Summary struct {
	Kind   Kind   `json:"kind,omitempty"`
	Triage Triage `json:"triage,omitempty"`
	URL    string `json:"url,omitempty"`    // of the issue; empty while there is none
	Number int64  `json:"number,omitempty"` // of the issue; 0 where the tracker counts none
	Parts  int    `json:"parts,omitempty"`  // how many incidents it is for
}

// Summary returns what a list tells of the publication.
func (p Publication) Summary() Summary {
	s := Summary{Kind: p.Kind, Triage: p.Triage, URL: p.URL(), Parts: len(p.Parts)}
	if len(p.Writes) > 0 {
		s.Number = p.Writes[0].Ref.Number
	}
	return s
}
