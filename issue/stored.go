package issue

import "encoding/json"

// storedPublication is the stored form of a publication. It is older than Labels: there, the
// issue's write lists them, and their exchange is a write without a text.
type storedPublication struct {
	*plainPublication
	Writes []storedWrite `json:"writes"`
}

type storedWrite struct {
	Write
	Labels  []string `json:"labels,omitempty"`
	Dropped []string `json:"dropped,omitempty"`
}

// plainPublication has no methods, and so no form of its own.
type plainPublication Publication

// MarshalJSON writes the stored form.
func (p Publication) MarshalJSON() ([]byte, error) {
	s := storedPublication{plainPublication: (*plainPublication)(&p)}
	for _, w := range p.Writes {
		s.Writes = append(s.Writes, storedWrite{Write: w})
	}
	if len(s.Writes) > 0 {
		s.Writes[0].Labels, s.Writes[0].Dropped = p.Labels.Given, p.Labels.Dropped
	}
	if p.Labels.State != "" {
		exchange := Write{Key: p.Key + "/" + LabelsStage, Stage: LabelsStage, Delivery: p.Labels.Delivery}
		s.Writes = append(s.Writes, storedWrite{Write: exchange})
	}
	return json.Marshal(s)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Publication) UnmarshalJSON(text []byte) error {
	s := storedPublication{plainPublication: (*plainPublication)(p)}
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	p.Labels, p.Writes = Labels{}, nil
	for n, w := range s.Writes {
		if n == 0 {
			p.Labels.Given, p.Labels.Dropped = w.Labels, w.Dropped
		}
		if w.Stage == LabelsStage {
			p.Labels.Delivery = w.Delivery
			continue
		}
		p.Writes = append(p.Writes, w.Write)
	}
	return nil
}
