package lint

import (
	"regexp"
	"strings"

	"github.com/postburn/postburn/internal/lazyregexp"
	"github.com/postburn/postburn/issue/learn"
)

const (
	role = `(?:(?:the|an?|our|their|this|that|some|one) (?:[\pL-]+ ){0,2}?(?:operator|engineer|developer|dev|programmer|on-call(?: engineer| person)?|oncall(?: engineer)?|reviewer|` +
		`author|admin|administrator|sre|intern|trainee|manager|lead|contractor|colleague|new hire|junior|maintainer|committer|dba|team)s?(?: (?:of|on|for|in) (?:the |our |this )?[\pL-]+)?` +
		`|(?:[\pL-]+ )?teams?|someone|somebody|he|she)`
	manner = `(?:(?:simply|again|just|also|then|once more|clearly|obviously|carelessly|apparently|completely)\s+)*`

	// What only blames, whoever explains it.
	strong = `forgot(?: to\b|\b)|neglected to\b|negligently\b|carelessly\b|(?:was|were) (?:careless|negligent|reckless|sloppy|lazy|incompetent|irresponsible|inattentive|to blame|at fault)\b|` +
		`did(?:n't| not) (?:bother|care|pay attention)\b|(?:screwed|messed) up\b|botched\b|blundered\b|wasted\b|` +
		`should(?:'ve| have) known\b|should(?:'ve| have) been more (?:careful|attentive|cautious|diligent)\b|caused (?:the|this) (?:outage|incident)\b|` +
		`broke (?:prod|production|the site|everything)\b|ignored\b|disregarded\b|violated\b|overlooked\b`
	// What blames unless it is explained.
	weak = `should(?:'ve| have) (?:checked|verified|tested|noticed|asked|followed|reviewed|caught|waited|double-checked|read|reali[sz]ed|thought|told|spotted|looked|communicated|paid)\b|` +
		`failed to (?:check|verify|notice|follow|test|read|review|update|spot|see|catch|reali[sz]e|consider|think|communicate|coordinate|monitor|validate|understand|double-check)\b|` +
		`did(?:n't| not) (?:check|verify|follow|read|test|think|notice|review|validate|understand|communicate|reali[sz]e|double-check|look)\b`
	fault = `(?:fault|mistake|carelessness|negligence|incompetence|blunder|sloppiness)\b`
)

var (
	explained = lazyregexp.New(`(?i)\b(?:because|since|as|but|so that|which|though|although|while|until|when|if|nor|would|could|said|says|wrote|thought that|felt|than|why)\b|[;–—]|:(?:\s|$)`)
	excused   = lazyregexp.New(`(?i)\b(?:because|but|as|so that|though|although|could|would)\b|[;–—]|:(?:\s|$)`)
	negated   = lazyregexp.New(`(?i)\b(?:not|nobody|no one|no-one|none|never|neither|nor|hardly|\pL+n't|without|hindsight|easy to|tempting|rather than|instead of|if|whether|said|says|wrote|thinks?|thought|felt|feels|claim\pL*|would|could)\b`)
	disarmed  = lazyregexp.New(`(?i)\bon purpose\b|\bgame day\b|\bin staging\b|\ba drill\b`)
	retrain   = lazyregexp.New(`(?i)^(?:re-?train|discipline|reprimand|warn|punish)\s`)
	everyone  = lazyregexp.New(`^(?:They|You|Nobody|None|Everyone|Everybody|All|That|This|Which|Who)\b`)
	unknown   = lazyregexp.New(`\b\p{Lu}\p{Ll}{2,}\s+(?:forgot to|neglected to|carelessly|was careless|was negligent|did(?:n't| not) bother|should(?:'ve| have) (?:known|been more careful))\b`)
)

// blamed finds people who are blamed. Who did what is not: neither "I ran the script" nor "bob
// merged it" is blame. Nor is what somebody did not do, where the sentence says why.
func blamed(r *reading) (found []Finding) {
	patterns := blamePatterns(r.people)
	for _, b := range r.Of(learn.Causes, learn.Poorly, learn.Well, learn.Resolved, learn.Brief, learn.Analysis, learn.Trigger, learn.Lucky) {
		if b.Shape == learn.Quote {
			continue
		}
		all := sentences(b.Said)
		for i, s := range all {
			if patterns.blames(s, i+1 < len(all)) {
				found = append(found, Finding{Line: b.Line, Text: short(s), Example: r.askForSlip()})
			}
		}
	}
	for _, b := range r.Of(learn.FollowUps, learn.ShortTerm, learn.LongTerm) {
		if text := action(b); retrain.MatchString(text) && patterns.person.MatchString(text) {
			found = append(found, Finding{Line: b.Line, Text: short(b.Text), Example: r.askForSlip()})
		}
	}
	return found
}

// blame holds the patterns of sentences that blame people, such as "alice should have known". They
// include the people named in the post-mortem.
type blame struct{ person, strong, weak, fault *lazyregexp.Regexp }

func blamePatterns(people []string) blame {
	who := role
	if len(people) > 0 {
		var names []string
		for _, name := range people {
			names = append(names, regexp.QuoteMeta(name))
		}
		who += "|@?(?:" + strings.Join(names, "|") + ")"
	}
	who = `(?i)(?:^|[^\pL\d'-])(?:` + who + `)`
	return blame{
		person: lazyregexp.New(who + `(?:$|[^\pL\d])`),
		strong: lazyregexp.New(who + `,?\s+` + manner + `(?:` + strong + `)`),
		weak:   lazyregexp.New(who + `,?\s+` + manner + `(?:` + weak + `)`),
		fault:  lazyregexp.New(who + `(?:'s|s')\s+` + fault + `|(?i)(?:^|[^\pL])(?:his|her|(?:the )?fault of (?:` + strings.TrimPrefix(who, `(?i)(?:^|[^\pL\d'-])`) + `))\s+` + fault),
	}
}

// blames reports whether a sentence blames somebody. goesOn says that another one follows, which
// may explain it.
func (p blame) blames(s string, goesOn bool) bool {
	if disarmed.MatchString(s) {
		return false
	}
	if at := p.fault.FindStringIndex(s); at != nil && !negated.MatchString(s[:at[0]]) {
		return true
	}
	for _, pattern := range []*lazyregexp.Regexp{p.strong, unknown} {
		if at := pattern.FindStringIndex(s); at != nil && !everyone.MatchString(s[at[0]:]) && !negated.MatchString(s[:at[0]]) && !excused.MatchString(s[at[1]:]) {
			return true
		}
	}
	at := p.weak.FindStringIndex(s)
	return at != nil && !goesOn && !negated.MatchString(s[:at[0]]) && !explained.MatchString(s[at[1]:])
}
