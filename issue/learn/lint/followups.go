package lint

import (
	"slices"
	"strings"

	"github.com/postburn/postburn/internal/lazyregexp"
	"github.com/postburn/postburn/issue"
	"github.com/postburn/postburn/issue/learn"
)

// actions returns what is to be done: tasks and items that are not done yet, and rows of a table.
func (r *reading) actions() (all []learn.Block) {
	for _, b := range r.Of(learn.FollowUps, learn.ShortTerm, learn.LongTerm) {
		switch {
		case b.IsDone():
		case b.Shape == learn.Item, b.Shape == learn.Task:
			all = append(all, b)
		case b.Shape == learn.Row && b.HasColumn("owner", "owners", "assignee", "who", "dri"):
			all = append(all, b)
		}
	}
	return all
}

// action is the text of what is to be done.
func action(b learn.Block) string {
	if b.Shape == learn.Row && len(b.Cells) > 0 {
		return b.Cells[0]
	}
	return b.Said
}

// withoutOwner finds actions that nobody owns.
func withoutOwner(r *reading) (found []Finding) {
	for _, b := range r.Of(learn.FollowUps, learn.ShortTerm, learn.LongTerm) {
		if b.Shape == learn.Paragraph { // "All of these: alice"
			if _, ok := b.Owner(r.people); ok || r.names(b.Text) {
				return nil
			}
		}
	}
	for _, b := range r.actions() {
		if _, ok := b.Owner(r.people); !ok && !isIntention(b) {
			found = append(found, Finding{Line: b.Line, Text: short(b.Text), Example: r.askForOwner()})
		}
	}
	return found
}

func (r *reading) askForOwner() string {
	if len(r.people) > 0 {
		name := r.people[0]
		return "For example: “(" + name + ", by Friday)” behind it, if " + name + " is the one."
	}
	return "For example: a login in brackets behind it."
}

// oneTerm finds follow-ups for the short term alone, or for the long term alone.
func oneTerm(r *reading) []Finding {
	shorts, hasShort := r.Section(learn.ShortTerm)
	longs, hasLong := r.Section(learn.LongTerm)
	s, l := r.has(learn.ShortTerm), r.has(learn.LongTerm)
	if all, ok := r.Section(learn.FollowUps); ok && all.SaysTerms() && !hasShort && !hasLong {
		shorts, longs = all, all
		s, l = r.terms()
	} else if !hasShort || !hasLong {
		return nil
	}
	switch {
	case s && !l:
		return []Finding{{Line: longs.Line, Text: "nothing for the long term", Example: ask(
			[]string{"%s. What would keep the next thing of that kind from reaching users?", r.change()},
			[]string{"%s. What would keep the next failure of this kind from that?", r.impact()})}}
	case l && !s:
		after, _ := r.detected()
		return []Finding{{Line: shorts.Line, Text: "nothing for the short term", Example: ask(
			[]string{"It was detected %s after onset. What would make it sooner by next week, or its end?", after},
			[]string{"It lasted %s. What would make it shorter by next week?", r.lasted()})}}
	}
	return nil
}

// terms reports which terms the follow-ups have. A task that does not say may be of either.
func (r *reading) terms() (short, long bool) {
	for _, b := range r.Of(learn.FollowUps) {
		if b.Shape != learn.Item && b.Shape != learn.Task && b.Shape != learn.Row {
			continue
		}
		term := b.Term()
		short, long = short || term != issue.LongTerm, long || term != issue.ShortTerm
	}
	return short, long
}

var (
	intention = lazyregexp.New(`(?i)^(?:(?:we|everyone|everybody|all(?: of us)?|the team|people|engineers|operators|developers)(?: all)? ?(?:should|must|need to|needs to|will|have to|has to|to)? ?(?:always )?)?` +
		`(?:be(?:ing)? (?:more |extra |very )?(?:careful|vigilant|attentive|cautious|diligent|mindful|thorough)\b|be more aware\b|pay(?:ing)? (?:more |closer |better )?attention\b|take (?:more )?care (?:when|with|to|of|not)\b|` +
		`try(?:ing)? harder\b|remembers? to\b|double-check\b|don't (?:do|make) (?:it|that|this|such|the same)\b|never (?:do|make) (?:it|that|this|such)\b|think (?:twice|before)\b|more (?:care|attention|diligence|discipline)\b)`)
	reminder  = lazyregexp.New(`(?i)^remind (?:all\b|every\pL*\b|people\b|the (?:whole |entire )?(?:team|teams|operators|engineers|developers|on-call)\b|our\b|teams\b|engineers\b|developers\b|operators\b|each other\b|ourselves\b)`)
	mechanism = lazyregexp.New(`(?i)\b(?:bot|automat\pL+|lint\pL*|check that|alert that|script that|job that|warning in|prompt that)\b`)
)

// isIntention reports whether an action is only an intention to take more care, such as "Be more
// careful with migrations".
func isIntention(b learn.Block) bool {
	text := strings.TrimSpace(strings.TrimLeft(action(b), "…-–—*:, "))
	return (intention.MatchString(text) || reminder.MatchString(text)) && !mechanism.MatchString(text)
}

// careful finds actions that are only intentions to take more care.
func careful(r *reading) (found []Finding) {
	for _, b := range r.actions() {
		if isIntention(b) {
			found = append(found, Finding{Line: b.Line, Text: short(b.Text), Example: r.askForGuard()})
		}
	}
	return found
}

func (f facts) askForGuard() string {
	after, _ := f.detected()
	return ask(
		[]string{"%s: which check, default or limit would have stopped it on a day when nobody was careful?", f.change()},
		[]string{"It was detected %s after onset. Which check would have said so before?", after},
		[]string{"%s. Which limit would have made it fewer?", f.impact()})
}

// remedy matches what answers many incidents: alerts, limits, rollbacks, drills, for example, and
// the parts that services are made of. Lint never says that such an action answers nothing.
var remedy = lazyregexp.New(`(?i)\b(?:alert\pL*|monitor\pL*|dashboards?|metrics?|log(?:s|ging)?|trac(?:e|es|ing)|page[sd]?|paging|on-call|oncall|rota|runbooks?|playbooks?|canar\pL+|` +
	`roll(?:back|out|ed|ing)?\pL*|deploy\pL*|releas\pL+|pipeline|ci|tests?|testing|staging|timeouts?|retr\pL+|limit\pL*|quota\pL*|capacity|scal\pL+|replica\pL*|cach\pL+|queue\pL*|` +
	`backup\pL*|restor\pL+|failover|fall-?back|circuit|breaker|guard\pL*|valid\pL+|review\pL*|permission\pL*|access|account\pL*|credential\pL*|rol(?:e|es)|passwords?|` +
	`game ?days?|drills?|chaos|practi[sc]e\pL*|train\pL*|handover|hand-over|flags?|config\pL*|default\pL*|lint\pL*|automat\pL+|script\pL*|dry[ -]run|confirm\pL*|certificat\pL+|` +
	`database|index\pL*|pool\pL*|connection\pL*|memory|disk\pL*|cpu|nodes?|cluster\pL*|network\pL*|dns|health|probes?|readiness|slos?|objectives?|budget\pL*|postburn|incident\pL*|` +
	`messages?|events?|dead[ -]letter\pL*|attempts?|consumers?|brokers?|schemas?|services?|servers?|clients?|librar\pL+|code|apis?|requests?|data|tables?|pars\pL+|formats?|` +
	`images?|containers?|pods?|keys?|tokens?|secrets?|sessions?|endpoints?|routes?|locks?|threads?|workers?|jobs?|cron|batch\pL*|thresholds?|storage|regions?|zones?|providers?|vendors?|contracts?|` +
	`fix\pL*|bug\pL*|patch\pL*|upgrad\pL+|version\pL*|remove\pL*|isolat\pL+|separat\pL+|split\pL*|redund\pL+|rate|load|traffic|error\pL*|fail\pL*|recover\pL*|status)\b`)

const minContent = 3 // words of an action that say what it is about

// unrelated finds actions that have nothing to do with what happened.
func unrelated(r *reading) (found []Finding) {
	if !r.english || !r.has(learn.Causes) {
		return nil
	}
	said := map[string]bool{}
	for _, s := range r.Sections {
		if s.Kind == learn.FollowUps || s.Kind == learn.ShortTerm || s.Kind == learn.LongTerm {
			continue
		}
		for _, b := range s.Blocks {
			if b.Shape != learn.Prompt && (!b.Form || s.Kind == learn.Resolved) {
				for _, w := range content(b.Text) {
					said[stem(w)] = true
				}
			}
		}
	}
	for _, b := range r.actions() {
		text := action(b)
		about := slices.DeleteFunc(content(text), func(w string) bool { return slices.Contains(r.people, w) })
		if len(about) < minContent || len(b.Links) > 0 || b.Answers() != "" || remedy.MatchString(text) || isIntention(b) || retrain.MatchString(text) {
			continue
		}
		if !slices.ContainsFunc(about, func(w string) bool { return said[stem(w)] }) {
			found = append(found, Finding{Line: b.Line, Text: short(b.Text), Example: r.askForRelation()})
		}
	}
	return found
}

// askForRelation names a cause that could be answered.
func (r *reading) askForRelation() string {
	if causes := r.causes(); len(causes) > 0 {
		return "For example: which action answers " + quote(causes[0].Text) + "?"
	}
	return ""
}

// content returns the words of a text that carry its subject, without fillers such as "the".
func content(text string) (all []string) {
	for _, w := range words(text) {
		if len(w) > 2 && !isFiller(w) {
			all = append(all, w)
		}
	}
	return all
}

func isFiller(word string) bool {
	switch word {
	case "the", "and", "for", "with", "that", "this", "those", "these", "from", "into", "over", "under", "than", "then", "are", "was", "were", "been", "have", "has", "had",
		"not", "all", "any", "our", "its", "their", "them", "they", "will", "would", "should", "could", "can", "may", "must", "each", "every", "new", "more", "less", "also",
		"when", "where", "which", "who", "what", "how", "why", "there", "here", "only", "some", "other", "one", "two", "three", "before", "after", "about", "again", "now",
		"add", "make", "use", "get", "put", "let", "see", "do", "does", "did", "week", "month", "year", "today", "day", "time", "team", "nobody", "somebody", "everybody",
		"you", "your", "but", "too", "out", "off", "own", "first", "last", "next", "third", "second", "ask", "look", "give", "take", "need", "needs", "want":
		return true
	}
	return false
}
