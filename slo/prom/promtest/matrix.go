package promtest

import (
	"encoding/json"
	"strconv"

	"github.com/prometheus/prometheus/promql"
)

// matrix is the result of a range query. It is written as package json would write it, much
// quicker: most of what tests ask for is numbers.
type matrix promql.Matrix

func (m matrix) MarshalJSON() ([]byte, error) {
	text := []byte{'['}
	for i, s := range m {
		if i > 0 {
			text = append(text, ',')
		}
		if len(s.Floats) == 0 || len(s.Histograms) > 0 {
			all, err := json.Marshal(s)
			if err != nil {
				return nil, err
			}
			text = append(text, all...)
			continue
		}
		metric, err := json.Marshal(s.Metric)
		if err != nil {
			return nil, err
		}
		text = append(append(append(text, `{"metric":`...), metric...), `,"values":[`...)
		for k, p := range s.Floats {
			if k > 0 {
				text = append(text, ',')
			}
			text = strconv.AppendFloat(append(text, '['), float64(p.T)/1000, 'f', -1, 64)
			text = strconv.AppendFloat(append(text, `,"`...), p.F, 'f', -1, 64)
			text = append(text, `"]`...)
		}
		text = append(text, "]}"...)
	}
	return append(text, ']'), nil
}
