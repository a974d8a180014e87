package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/postburn/postburn/slo"
)

// Policy says what counts as an incident of an objective.
type Policy struct {
	Rules        []Rule        `json:"rules"`      // ordered fastest first: by rate, highest first
	Budget       bool          `json:"budget"`     // missing the target over the objective's whole window is a breach, too
	MinBadEvents float64       `json:"min_bad"`    // a rule fires only with this many bad events in its long window
	Hold         time.Duration `json:"hold"`       // how long the target must be met again; 0: the fastest fired rule's short window
	MergeGap     time.Duration `json:"merge_gap"`  // a breach that comes back sooner is the same incident
	Group        string        `json:"group"`      // breach windows of one group share incidents: the service's or objective's name
	Repository   string        `json:"repository"` // where its issue lives; an incident never spans two
	Severities   []Severity    `json:"severities"` // worst first
	Blind        BlindPolicy   `json:"blind,omitzero"`
	Quiet        QuietPolicy   `json:"quiet,omitzero"`
}

// Rule fires when the burn rate over both windows is above the rate (SRE Workbook, chapter 5,
// "Multiwindow, Multi-Burn-Rate Alerts").
type Rule struct {
	Rate  slo.Decimal   `json:"rate"`
	Long  time.Duration `json:"long"`
	Short time.Duration `json:"short"`
}

// MaxSeverity is the mildest level of severity; 1 is the worst.
const MaxSeverity = 9

// Severity is a level that a breach window gets once it reaches one of the thresholds. A zero
// threshold is ignored.
type Severity struct {
	Level       int           `json:"level"`
	Outage      time.Duration `json:"outage,omitempty"`
	BudgetSpent slo.Decimal   `json:"budget_spent,omitzero"`
}

// reached reports whether a window's numbers reach one of the thresholds.
func (s Severity) reached(w Window) bool {
	var outage time.Duration
	for _, p := range w.Phases {
		if p.Kind == Outage {
			outage += p.End.Sub(p.Start)
		}
	}
	return s.Outage > 0 && outage >= s.Outage || !s.BudgetSpent.IsZero() && w.BudgetSpent >= s.BudgetSpent.Float()
}

// SeverityOf returns the worst level that a window's numbers reach, or 0 for none.
func (p Policy) SeverityOf(w Window) int {
	for _, s := range p.Severities {
		if s.reached(w) {
			return s.Level
		}
	}
	return 0
}

// BlindPolicy says when missing data is worth an issue.
type BlindPolicy struct {
	After time.Duration `json:"after,omitempty"`
	Issue bool          `json:"issue,omitempty"`
}

// QuietPolicy says when traffic is too low, and whether that is worth an issue. The zero value
// means DefaultQuiet, so digests from before this policy stay valid.
type QuietPolicy struct {
	Below slo.Decimal   `json:"below,omitzero"` // share of usual traffic, in the same hours a day and a week before; 0 if others are set: never
	After time.Duration `json:"after,omitempty"`
	Issue bool          `json:"issue,omitempty"`
}

// DefaultQuiet returns the policy if an SLO file sets none.
func DefaultQuiet() QuietPolicy {
	return QuietPolicy{Below: slo.MustDecimal("10%"), After: 15 * time.Minute}
}

// OrDefault returns p, or DefaultQuiet if p is zero.
func (p QuietPolicy) OrDefault() QuietPolicy {
	if p == (QuietPolicy{}) {
		return DefaultQuiet()
	}
	return p
}

// Definition is an objective with its incident policy.
type Definition struct {
	Objective slo.Objective `json:"objective"`
	Policy    Policy        `json:"policy"`
}

// DefaultRules returns the rules of SRE Workbook chapter 5, table 5-8, which are for 30 d. For
// other windows, the rates stay and the rules' windows scale.
func DefaultRules(window time.Duration) []Rule {
	const month = 720 // hours
	scaled := func(rate string, hours int64) Rule {
		long := window / month * time.Duration(hours)
		return Rule{Rate: slo.MustDecimal(rate), Long: long, Short: long / 12}
	}
	return []Rule{scaled("14.4", 1), scaled("6", 6), scaled("1", 72)}
}

// Digest identifies a definition: it differs if anything differs that the fold looks at.
func (d Definition) Digest() string {
	o := d.Objective
	return digest(d.withSource(o.Target, o.Window, o.Indicator, o.GroupBy, o.Delay, o.Exclude, d.Policy)...)
}

// Measures identifies what is counted. If it changes, the history begins anew.
func (d Definition) Measures() string {
	return digest(d.withSource(d.Objective.Indicator, d.Objective.GroupBy, d.Objective.Exclude)...)
}

// withSource adds the source, unless it is the default one: digests from before there were sources
// stay valid.
func (d Definition) withSource(parts ...any) []any {
	if d.Objective.Source != "" {
		parts = append(parts, d.Objective.Source)
	}
	return parts
}

// Warmup returns how much history the rules need to judge as they would with all of it.
func (d Definition) Warmup() time.Duration {
	var longest time.Duration
	for _, r := range d.Policy.Rules {
		longest = max(longest, r.Long)
	}
	return longest
}

func digest(parts ...any) string {
	text, err := json.Marshal(parts)
	if err != nil {
		panic(err) // plain data always marshals
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// SameEvents reports whether both definitions count the same events of the same objective.
func (d Definition) SameEvents(other Definition) bool {
	return d.Objective.Name == other.Objective.Name && d.Measures() == other.Measures()
}
