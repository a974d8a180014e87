package foreign

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/postburn/postburn/config"
	"github.com/postburn/postburn/slo"
)

// Name makes the name of an objective from texts, joined by `-`: in lower case, with `-` for
// what such a name can't have.
func Name(parts ...string) string {
	text := strings.ToLower(strings.Join(parts, "-"))
	words := strings.FieldsFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "-")
}

// Describe sets the description, cut to what a native file may have.
func Describe(s *config.SLO, n config.Node) {
	const most = 1000
	text := []rune(strings.TrimSpace(n.Text("text")))
	if len(text) > most {
		n.Warnf("the description is cut to %d characters; it has %d", most, len(text))
		text = text[:most]
	}
	if len(text) > 0 {
		s.Set("description", string(text), n)
	}
}

// Window sets a rolling window, written in days if it is of whole ones.
func Window(s *config.SLO, length time.Duration, n config.Node) { s.Set("window", days(length), n) }

func days(length time.Duration) string {
	if day := 24 * time.Hour; length > 0 && length%day == 0 {
		return strconv.Itoa(int(length/day)) + "d"
	}
	return model.Duration(length).String()
}

// annotations are links by the names that alerts' annotations have for them.
var annotations = map[string]string{
	"runbook": "runbook", "runbook_url": "runbook", "runbookURL": "runbook", "dashboard": "dashboard", "dashboard_url": "dashboard", "dashboardURL": "dashboard",
}

// Links sets the links that an alert's annotations have. What is no URL, like a template, is left
// out with a warning.
func Links(s *config.SLO, m config.Mapping) {
	for _, key := range m.Keys() {
		name, ok := annotations[key]
		if !ok {
			continue
		}
		text := m.Get(key).Text("a URL")
		if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Contains(text, "{{") {
			m.Get(key).Warnf("the link %s is left out: it is no URL like https://example.org/runbook", name)
			continue
		}
		s.SetLink(name, text, m.Get(key))
	}
}

// Rule is a burn rule, with what it was made from.
type Rule struct {
	Rate        string
	Long, Short time.Duration
	From        config.Node
}

// Burn sets the rules that can fire at a target, and warns of those that can't. If there are none,
// nothing is an incident of the objective.
func Burn(s *config.SLO, rules []Rule, target string, window time.Duration, from config.Node) {
	kept := []config.Rule{}
	goal, err := slo.ParseDecimal(target)
	for _, r := range rules {
		rate, rateErr := slo.ParseDecimal(r.Rate)
		one := slo.MustDecimal("1")
		var reason string
		switch {
		case rateErr != nil:
			reason = "the rate is no number"
		case rate.Cmp(one) < 0:
			reason = "a rate below 1 leaves budget over at the window's end"
		case err == nil && rate.Mul(goal.Complement()).Cmp(one) >= 0:
			reason = "it can never fire for the target of " + goal.Percent()
		case r.Short <= 0 || r.Short >= r.Long:
			reason = "its short window must be shorter than its long one"
		case window > 0 && r.Long > window:
			reason = "its long window is longer than the objective's window"
		default:
			kept = append(kept, config.Rule{Rate: r.Rate, Long: days(r.Long), Short: days(r.Short)})
			continue
		}
		r.From.Warnf("the rule of rate %s over %s and %s is left out: %s", r.Rate, days(r.Long), days(r.Short), reason)
	}
	s.Set("incident.burn", kept, from)
	if len(rules) == 0 {
		s.Set("incident.budget", false, from)
	}
}
