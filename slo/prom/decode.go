package prom

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	jsoniter "github.com/json-iterator/go"

	"github.com/postburn/postburn/slo/count"
)

// stream is one series of an answer. A series of a vector has one value.
type stream struct {
	tag        string            // the arm of the query
	labels     map[string]string // without the tag; nil: none
	values     []count.Sample
	histograms []count.NativeSample
}

// head is what an answer has besides its series.
type head struct {
	kind      string // of the result: "vector" or "matrix"
	status    string // "success" or "error"
	errorType string
	errorText string
	warnings  []string
	isPartial bool // VictoriaMetrics: some of its storage did not answer
	hasStats  bool // VictoriaMetrics: how many series it read
}

// errNotResult means that an answer is no JSON of a query's result.
var errNotResult = errors.New("it is not the JSON of a query's result")

// decoder reads an answer while it arrives, one series at a time. It holds one series; the lease
// counts what its taker keeps.
//
// The form of answers: https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview
type decoder struct {
	*jsoniter.Iterator
	body   *body
	lease  *lease
	take   func(stream) error
	names  map[string]string // of labels, each in memory once
	values []count.Sample    // of the series that is read, until all are known
	head   head
	single bool  // some series have one value, as in a vector
	many   bool  // some have several, as in a matrix
	failed error // of take or lease
}

// decode reads an answer to its end. It returns errors of body, lease and take, or errNotResult.
func decode(b *body, l *lease, take func(stream) error) (head, error) {
	const buffer = 16 << 10
	d := &decoder{
		Iterator: jsoniter.Parse(jsoniter.ConfigDefault, b, buffer), body: b, lease: l, take: take, names: map[string]string{},
	}
	d.fields(d.topField)
	wrong := d.Error
	if wrong == nil {
		d.WhatIsNext() // nothing but spaces, and the end
	}
	switch {
	case d.failed != nil:
		return d.head, d.failed
	case b.failed != nil:
		return d.head, b.failed
	case wrong != nil, !errors.Is(d.Error, io.EOF):
		return d.head, errNotResult
	}
	return d.head, nil
}

// fields reads an object.
func (d *decoder) fields(field func(name string) bool) {
	d.ReadObjectCB(func(_ *jsoniter.Iterator, name string) bool {
		ok := field(name) && d.Error == nil && d.failed == nil
		d.body.mark()
		return ok
	})
}

// elements reads an array, or null.
func (d *decoder) elements(element func() bool) {
	d.ReadArrayCB(func(*jsoniter.Iterator) bool {
		ok := element() && d.Error == nil && d.failed == nil
		d.body.mark()
		return ok
	})
}

func (d *decoder) topField(name string) bool {
	switch name {
	case "status":
		d.head.status = d.ReadString()
	case "errorType":
		d.head.errorType = d.ReadString()
	case "error":
		d.head.errorText = d.ReadString()
	case "warnings":
		d.elements(func() bool {
			text := d.ReadString()
			d.head.warnings = append(d.head.warnings, text)
			return d.takes(len(text) + 16)
		})
	case "isPartial":
		d.head.isPartial = d.ReadBool()
	case "stats":
		d.stats()
	case "data":
		d.data()
	default:
		d.Skip()
	}
	return true
}

// stats looks for a field that only VictoriaMetrics has. Its /api/v1/status/buildinfo names a
// version of Prometheus instead.
func (d *decoder) stats() {
	if d.WhatIsNext() != jsoniter.ObjectValue {
		d.Skip()
		return
	}
	d.fields(func(name string) bool {
		d.head.hasStats = d.head.hasStats || name == "seriesFetched"
		d.Skip()
		return true
	})
}

func (d *decoder) data() {
	if d.WhatIsNext() != jsoniter.ObjectValue {
		d.Skip()
		return
	}
	d.fields(func(name string) bool {
		switch {
		case name == "resultType":
			d.head.kind = d.ReadString()
		case name == "result" && d.WhatIsNext() == jsoniter.ArrayValue:
			d.elements(d.element)
		default:
			d.Skip()
		}
		return true
	})
}

// element reads a series. A scalar's elements are no series.
func (d *decoder) element() bool {
	if d.WhatIsNext() != jsoniter.ObjectValue {
		d.Skip()
		return true
	}
	var s stream
	d.values = d.values[:0]
	d.fields(func(name string) bool {
		switch name {
		case "metric":
			d.metric(&s)
		case "value":
			d.single = true
			d.value()
		case "values":
			d.many = true
			d.elements(d.value)
		case "histogram":
			d.single = true
			d.histogram(&s)
		case "histograms":
			d.many = true
			d.elements(func() bool { return d.histogram(&s) })
		default:
			d.Skip()
		}
		return true
	})
	if d.Error != nil || d.failed != nil {
		return false
	}
	s.values = slices.Clone(d.values)
	d.failed = d.take(s)
	return d.failed == nil
}

// About how many bytes things take in memory: a series, a label besides its text, a kept value, and
// a histogram's bucket.
const (
	seriesSize = 256
	labelSize  = 48
	valueSize  = 72
	bucketSize = 48
)

// takes counts memory that is kept.
func (d *decoder) takes(size int) bool {
	d.failed = d.lease.take(int64(size))
	return d.failed == nil
}

func (d *decoder) metric(s *stream) {
	size := seriesSize
	d.fields(func(name string) bool {
		v := d.ReadString()
		if name == markLabel {
			s.tag = v
			return true
		}
		if s.labels == nil {
			s.labels = map[string]string{}
		}
		known, is := d.names[name]
		if !is {
			known = name
			d.names[name] = name
			size += labelSize + len(name)
		}
		s.labels[known] = v
		size += labelSize + len(v)
		if size < 1<<20 {
			return true
		}
		size, is = 0, d.takes(size)
		return is
	})
	if d.failed == nil {
		d.takes(size)
	}
}

// value reads [time, "number"].
func (d *decoder) value() bool {
	v := 0.0
	at := d.pair(func() { v = d.number() })
	d.values = append(d.values, count.Sample{At: at, Value: v})
	return d.takes(valueSize)
}

// histogram reads [time, {"count": "number", "buckets": [BUCKET, ...]}]. A bucket is [bounds,
// "lower", "upper", "count"].
func (d *decoder) histogram(s *stream) bool {
	h := count.NativeSample{Buckets: []count.Bucket{}}
	h.At = d.pair(func() {
		d.fields(func(name string) bool {
			switch name {
			case "count":
				h.Count = d.number()
			case "buckets":
				d.elements(func() bool { return d.bucket(&h) })
			default:
				d.Skip()
			}
			return true
		})
	})
	s.histograms = append(s.histograms, h)
	return d.failed == nil && d.takes(valueSize)
}

func (d *decoder) bucket(h *count.NativeSample) bool {
	var n [4]float64
	i := 0
	d.ReadArrayCB(func(*jsoniter.Iterator) bool {
		switch {
		case i == 0:
			d.Skip() // whether its bounds are in it
		case i < len(n):
			n[i] = d.number()
		default:
			d.ReportError("bucket", "too many numbers")
		}
		i++
		return d.Error == nil
	})
	if i < len(n) {
		d.ReportError("bucket", "too few numbers")
	}
	h.Buckets = append(h.Buckets, count.Bucket{Lower: n[1], Upper: n[2], Count: n[3]})
	return d.takes(bucketSize)
}

// number reads a number written as a string. No server escapes any of it.
func (d *decoder) number() float64 {
	v, err := strconv.ParseFloat(string(d.ReadStringAsSlice()), 64)
	if err != nil {
		d.ReportError("number", "not a number")
	}
	return v
}

// pair reads an array of a time in seconds and something else, and returns the time in
// milliseconds.
func (d *decoder) pair(second func()) int64 {
	const most = 1 << 53 // up to which a float64 has each millisecond
	i, at := 0, 0.0
	d.ReadArrayCB(func(*jsoniter.Iterator) bool {
		switch i {
		case 0:
			if at = math.Round(d.ReadFloat64() * 1000); math.Abs(at) > most {
				d.ReportError("pair", "not a time")
			}
		case 1:
			second()
		default:
			d.ReportError("pair", "more than a time and a value")
		}
		i++
		return d.Error == nil && d.failed == nil
	})
	if i != 2 {
		d.ReportError("pair", "not a time and a value")
	}
	return int64(at)
}

// body is the body of an answer. It bounds its length, and how much is in memory at a time, and
// keeps the error that ended it.
type body struct {
	io.Reader
	most   int64 // bytes that may come
	came   int64 // bytes
	since  int64 // bytes since the last mark
	failed error
}

// maxText bounds a text in an answer, in bytes: a label's value, or a field that nobody reads.
const maxText = 1 << 20

// mark notes that all read so far has left memory, or is counted elsewhere.
func (b *body) mark() { b.since = 0 }

// Read implements io.Reader. It repeats an error at each call.
func (b *body) Read(p []byte) (int, error) {
	if b.failed != nil {
		return 0, b.failed
	}
	n, err := b.Reader.Read(p)
	b.came += int64(n)
	b.since += int64(n)
	switch {
	case b.came > b.most:
		b.failed = largeError{most: b.most}
	case b.since > maxText:
		b.failed = fmt.Errorf("%w: a text in it is longer than %s", errNotResult, inBytes(maxText))
	case err != nil && !errors.Is(err, io.EOF):
		b.failed = bodyError{err}
	default:
		return n, err
	}
	return 0, b.failed
}
