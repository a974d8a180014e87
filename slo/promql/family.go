package promql

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// Family is a set of values that labels of one kind have, whoever exports them. If a label has
// values of one family, a matcher may be such that it selects nothing and never will. So this can
// be said of series that are yet to come, as those of the first error are.
type Family struct {
	Name   string // for people
	values []string
	// alike reports whether a text is a value of this kind, or a pattern of such, as others write
	// it.
	alike func(text string) bool
	// sure matches values that nobody else gives a label. If a label has one, it has no values but
	// these. nil: it may have others.
	sure *regexp.Regexp
}

// families are known ones. None is part of another.
var families = []Family{
	{"HTTP status codes", statusCodes(), anyOf(isLikeStatus, isLikeGRPC), nil},
	{"classes of HTTP status codes", []string{"1xx", "2xx", "3xx", "4xx", "5xx"}, anyOf(isLikeStatus, isLikeGRPC), nil},
	{"HTTP methods", methods, isLikeMethod, nil},
	// https://grpc.io/docs/guides/status-codes/
	{"gRPC codes", grpcCodes, anyOf(isLikeStatus, isLikeGRPC), regexp.MustCompile(`^[A-Z][a-z]+[A-Z][a-z]+`)},
	{"gRPC codes", grpcCapitals, anyOf(isLikeStatus, isLikeGRPC), regexp.MustCompile(`^(NOT|OUT|INVALID|DEADLINE|ALREADY|PERMISSION|RESOURCE|FAILED|DATA)_`)},
	// https://docs.micrometer.io/micrometer/reference/
	{"outcomes", []string{"INFORMATIONAL", "SUCCESS", "REDIRECTION", "CLIENT_ERROR", "SERVER_ERROR", "UNKNOWN"}, isLikeStatus, regexp.MustCompile(`_ERROR$`)},
	{"truth values", []string{"true", "false"}, isLikeTruth, nil},
}

var (
	methods   = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"}
	grpcCodes = []string{
		"OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted",
		"FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated",
	}
	grpcCapitals = []string{
		"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
		"FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
	}
	likeStatus = regexp.MustCompile(`^(?:[1-5]|\[[1-5-]+\])(?:[0-9xX.*+]|\[[0-9-]+\]|\\d|\{\d\})*$`)
)

func statusCodes() (codes []string) {
	for code := 100; code < 600; code++ {
		codes = append(codes, strconv.Itoa(code))
	}
	return codes
}

func isLikeStatus(text string) bool { return likeStatus.MatchString(text) }

func isLikeGRPC(text string) bool {
	plain := func(code string) string { return strings.ToLower(strings.ReplaceAll(code, "_", "")) }
	return slices.ContainsFunc(grpcCodes, func(code string) bool { return plain(code) == plain(text) })
}

func isLikeMethod(text string) bool { return slices.Contains(methods, strings.ToUpper(text)) }

func isLikeTruth(text string) bool {
	return slices.Contains([]string{"true", "false", "yes", "no", "0", "1"}, strings.ToLower(text))
}

func anyOf(tests ...func(string) bool) func(string) bool {
	return func(text string) bool {
		return slices.ContainsFunc(tests, func(test func(string) bool) bool { return test(text) })
	}
}

// FamilyOf returns the family that all values are of; ok is false if there is none, or several.
func FamilyOf(values []string) (f Family, ok bool) {
	if found := familyOf(values); found != nil {
		return *found, true
	}
	return Family{}, false
}

func familyOf(values []string) (found *Family) {
	if len(values) == 0 {
		return nil
	}
	for i := range families {
		foreign := slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(families[i].values, v) })
		switch {
		case foreign:
		case found != nil:
			return nil
		default:
			found = &families[i]
		}
	}
	return found
}

// Has reports whether a matcher takes any value of the family.
func (f Family) Has(m *labels.Matcher) bool { return slices.ContainsFunc(f.values, m.Matches) }

// Excludes reports whether a label with values of the family never has one that a matcher takes:
// the matcher has another notation of such values, or the label can't have others.
func (f Family) Excludes(m *labels.Matcher, values []string) bool {
	if f.Has(m) {
		return false
	}
	if f.sure != nil && slices.ContainsFunc(values, f.sure.MatchString) {
		return true
	}
	ways := strings.Split(strings.Trim(m.Value, "^$()"), "|")
	return !slices.ContainsFunc(ways, func(way string) bool { return !f.alike(way) })
}
