package prom

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postburn/postburn/slo/count"
)

func decodeAll(t *testing.T, result string) (found []stream, err error) {
	t.Helper()
	text := `{"status":"success","data":{"resultType":"matrix","result":[` + result + `]}}`
	_, err = decode(&body{Reader: strings.NewReader(text), most: 1 << 22}, newBudget(1<<22).lease(t.Context(), nil), func(s stream) error {
		found = append(found, s)
		return nil
	})
	return found, err
}

// TestDecodeTimes reads each millisecond of a while, and more than fits into a buffer.
func TestDecodeTimes(t *testing.T) {
	const first = 1_764_493_770_500 // ms
	var want []count.Sample
	var text []string
	for at := int64(first); at < first+3000; at++ {
		want = append(want, count.Sample{At: at, Value: float64(at - first)})
		written := strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%03d", at/1000, at%1000), "0"), ".")
		text = append(text, fmt.Sprintf(`[%s,"%d"]`, written, at-first))
	}
	series := `{"metric":{"a":"b"},"values":[` + strings.Join(text, ",") + `]}`
	found, err := decodeAll(t, series+`,{"metric":{"a":"c"},"values":[[1.001,"1e3"],[2,"+Inf"]]}`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, found[0].values); diff != "" {
		t.Error(diff)
	}
	if got := fmt.Sprint(found[1].values); got != "[{1001 1000} {2000 +Inf}]" {
		t.Errorf("the second series has %s", got)
	}
}

func TestDecodeWrongTimes(t *testing.T) {
	for _, at := range []string{"1e14", "-1e14", `"1"`, "null", "1.2.3", "01", ".5", "[]"} {
		if found, err := decodeAll(t, `{"metric":{},"values":[[`+at+`,"1"]]}`); !errors.Is(err, errNotResult) {
			t.Errorf("%s: got %v and %v", at, found, err)
		}
	}
}
