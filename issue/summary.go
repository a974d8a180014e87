package issue

// Summary is what a list of incidents shows of a publication: the issue's address, and what people
// did with it. It is small, while a Publication holds all its texts.
type Summary struct {
	Kind   Kind   `json:"kind,omitempty"`
	Triage Triage `json:"triage,omitempty"`
	URL    string `json:"url,omitempty"`    // of the issue; empty while there is none
	Number int64  `json:"number,omitempty"` // of the issue; 0 if the tracker has no numbers
	Parts  int    `json:"parts,omitempty"`  // how many incidents it is for

	Excluded *Exclusion `json:"excluded,omitempty"` // people say that these don't count; nil: they do
}

// Summary returns what a list shows of the publication.
func (p Publication) Summary() Summary {
	s := Summary{Kind: p.Kind, Triage: p.Triage, URL: p.URL(), Parts: len(p.Parts), Excluded: p.Excluded}
	if len(p.Writes) > 0 {
		s.Number = p.Writes[0].Ref.Number
	}
	return s
}
