package learn

import (
	"slices"
	"strings"

	"github.com/postburn/postburn/internal/lazyregexp"
)

// People returns who is named in a post-mortem, in lower case and sorted: who wrote a row of the
// timeline or is in its comments, who is mentioned, who owns something, who is to review it.
func (d Document) People() []string {
	found := map[string]bool{}
	add := func(name string) {
		name = strings.ToLower(strings.Trim(strings.TrimSpace(name), "@.,;:()*"))
		if person.MatchString(name) && !isNobody(name) && !IsMachine(name) {
			found[name] = true
		}
	}
	for _, s := range d.Sections {
		for _, b := range s.Blocks {
			if b.HasColumn("source") {
				add(b.Cell("source"))
			}
			add(b.Cell("owner", "assignee", "who", "dri"))
			for _, m := range mention.FindAllStringSubmatch(b.Text, -1) {
				add(m[1])
			}
			if m := reviewers.FindStringSubmatch(b.Text); m != nil && b.Form {
				for name := range strings.SplitSeq(m[1], ",") {
					add(name)
				}
			}
			if isFollowUp(s.Kind) && !b.Form && (b.Shape == Item || b.Shape == Task) {
				add(first(bracketed(b.Text)))
				if m := leading.FindStringSubmatch(b.Text); m != nil {
					add(m[1])
				}
			}
		}
	}
	var names []string
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	return names[:min(len(names), maxPeople)]
}

// maxPeople is how many names are known of a post-mortem.
const maxPeople = 100

var (
	person     = lazyregexp.New(`^\pL[\pL\d_.'-]{1,38}$`)
	mention    = lazyregexp.New(`(?:^|[^\w/])@([A-Za-z\d][A-Za-z\d-]*)\b(?:[^/]|$)`)
	reviewers  = lazyregexp.New(`Go through it together by [^()]*\([^()]*\), with (.*)\.$`)
	leading    = lazyregexp.New(`^@?([\pL][\pL\d-]+):\s`)
	ownerLabel = lazyregexp.New(`(?i)^\s*(?:owner|assignee|assigned to|dri|who)\s*[:=]\s*`)
	closing    = lazyregexp.New(`\(([^()]*)\)[.,;:\s]*$`)
)

// isNobody reports whether a word that stands where names do is none.
func isNobody(word string) bool {
	switch word {
	case "all", "everyone", "everybody", "team", "platform", "tbd", "todo", "optional", "low", "high", "done", "p0", "p1", "p2", "p3", "see",
		"someone", "somebody", "nobody", "we", "us", "this", "next", "trigger", "root", "cause", "note", "why", "what", "short", "long", "none",
		"detection", "prevention", "mitigation", "process", "alerting", "monitoring", "docs", "storage", "later", "soon", "week", "month", "sprint":
		return true
	}
	return false
}

func isFollowUp(k Kind) bool { return k == FollowUps || k == ShortTerm || k == LongTerm }

// bracketed returns what is in brackets at a text's end, or before what a task answers; empty if
// there is nothing.
func bracketed(text string) string {
	if at := answers.FindStringIndex(text); at != nil {
		text = text[:at[0]+1]
	}
	m := closing.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	in := strings.TrimSpace(ownerLabel.ReplaceAllString(m[1], ""))
	if isPlaceholder(Block{Text: in}) {
		return ""
	}
	return in
}

// first returns what is before the first comma, after a task's term.
func first(s string) string {
	before, after, more := strings.Cut(s, ",")
	if more && term.MatchString(strings.TrimSpace(before)) {
		return first(strings.TrimSpace(after))
	}
	return before
}

var (
	reference = lazyregexp.New(`(?:^|[\s(])(?:[\w.-]+/[\w.-]+)?#\d+\b|\b[A-Z][A-Z\d]+-\d+\b|https?://`)
	assigned  = lazyregexp.New(`(?i)\b(?:owners?|assignees?|assigned to|dri|who|responsible|by)\s*[:=]\s*(@?[\pL][\pL\d_/-]*)`)
	does      = lazyregexp.New(`^@?(\pL[\pL\d-]+)(?: and @?\pL[\pL\d-]+)? (?:will|to|is going to|shall|can|asks|adds|puts|writes|makes|takes|checks|fixes|does|looks)\b`)
	trailing  = lazyregexp.New(`(?:[-–—,:;/]|\bby)\s+@?(\p{Lu}\p{Ll}+(?: (?:and|\p{Lu}\p{Ll}+)(?: \p{Lu}\p{Ll}+)?)?)(?:,.*)?[.]?$`)
	team      = lazyregexp.New(`(?i)\b((?:\pL[\pL\d-]*[- ])?(?:teams?|squad|guild|on-call|oncall|sre|sres))\b`)
	unnamed   = lazyregexp.New(`(?i)^(?:(?:short|long)[- ]term|this|next|by|in|q[1-4]|p\d|see|due|until|before|low|high|optional|later|tbd|todo|if|or|and|e\.g|for|the same|maybe|done|\d)\b|[?]`)
	self      = lazyregexp.New(`\b(?:I|I'll|I'd|me)\b`)
)

// Owner returns who is to do a task, as well as it can be told. ok is true without a name if the
// task is an issue or a ticket, which has its own.
func (b Block) Owner(people []string) (name string, ok bool) {
	if b.Shape == Row {
		name = b.Cell("owner", "owners", "assignee", "assigned to", "who", "dri", "responsible")
		return name, strings.Trim(name, " -–—?") != "" && !strings.EqualFold(name, "tbd") && !strings.EqualFold(name, "todo")
	}
	if m := mention.FindStringSubmatch(b.Text); m != nil {
		return m[1], true
	}
	if at := strings.Index(b.Text, "@"); at >= 0 && at+1 < len(b.Text) && b.Text[at+1] != ' ' {
		return strings.Trim(strings.Fields(b.Text[at+1:])[0], ".,;:()"), true // a team: @acme/checkout
	}
	if in := bracketed(b.Text); in != "" && !unnamed.MatchString(in) && len(strings.Fields(first(in))) <= 4 {
		return first(in), true
	}
	if m := assigned.FindStringSubmatch(b.Text); m != nil && !isPlaceholder(Block{Text: m[1]}) {
		return m[1], true
	}
	for word := range strings.FieldsFuncSeq(b.Text, func(r rune) bool { return strings.ContainsRune(" ,.;:()[]*/'", r) }) {
		if slices.Contains(people, strings.ToLower(word)) {
			return word, true
		}
	}
	for _, pattern := range []*lazyregexp.Regexp{leading, does, trailing, team} {
		if m := pattern.FindStringSubmatch(b.Text); m != nil && !isNobody(strings.ToLower(m[1])) && isName(pattern, m[1]) {
			return m[1], true
		}
	}
	return "", len(b.Links) > 0 || reference.MatchString(b.Text) || self.MatchString(b.Said)
}

// isName reports whether a word that a pattern found may be a name: one that begins a task has to
// begin with a capital letter, as all do, so it must not be a common verb.
func isName(pattern *lazyregexp.Regexp, word string) bool {
	if pattern != does && pattern != leading {
		return true
	}
	lower := strings.ToLower(word)
	return lower != word && !slices.Contains([]string{
		"it", "that", "there", "they", "we", "somebody", "someone", "everyone", "everybody", "alerts", "tests", "need", "want", "plan", "how", "have",
		"ability", "way", "try", "switch", "move", "add", "find", "make", "fix", "users", "retries", "search", "clients", "reads", "queries",
	}, lower)
}
