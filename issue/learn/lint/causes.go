package lint

import (
	"strings"

	"github.com/postburn/postburn/internal/lazyregexp"
	"github.com/postburn/postburn/issue/learn"
)

// causes returns what people wrote as causes. Answers to "Where else could it happen?" are none.
func (r *reading) causes() (all []learn.Block) {
	for _, s := range r.Sections {
		if s.Kind != learn.Causes {
			continue
		}
		elsewhere := false
		for _, b := range s.Blocks {
			elsewhere = elsewhere || b.Shape == learn.Prompt && strings.Contains(b.Text, "Where else")
			if !elsewhere {
				all = append(all, learn.Section{Blocks: []learn.Block{b}}.Written()...)
			}
		}
	}
	return all
}

const (
	slip = `(?:(?:human|pilot|personal) (?:error|mistake|failure)s?` +
		`|(?:operator|user|engineer|admin|administrator|developer|manual|handling)(?:'s|s')? (?:error|mistake)s?` +
		`|carelessness|negligence|inattention|inattentiveness|lack of (?:attention|care|diligence|discipline|concentration))`
	notSlip = `(?:$|[.,:;!)–—-]|\s+(?:in|by|when|during|while|on|of|at|made|from)\b)`
)

var (
	label    = lazyregexp.New(`(?i)^(?:(?:the )?(?:root |main |primary |underlying |real |immediate |technical )?causes?(?: (?:was|is|were|are))?|reason|why)\s*[:–—-]?\s*`)
	isSlip   = lazyregexp.New(`(?i)^(?:(?:a|an|the|simple|simply|pure|plain|just)\s+)*` + slip + notSlip)
	fromSlip = lazyregexp.New(`(?i)\b(?:due to|caused by|because of|results? of|resulted from|down to|attributed to|attributable to|came from|stem(?:s|med) from|` +
		`(?:cause|reason)\s*(?::|was|is)|(?:this|that|it) (?:was|is))\s+(?:(?:a|an|the|simple|simply|pure|plain|just|only|another)\s+)*` + slip + notSlip)
	moreCareful = lazyregexp.New(`(?i)\bshould(?:'ve| have) (?:been (?:more )?(?:careful|attentive|cautious|diligent|vigilant|thorough)|paid (?:more |closer )?attention|taken more care)\b` +
		`|\b(?:was|were|been) (?:not|n't) (?:careful|attentive|thorough) enough\b|\b(?:wasn't|weren't) (?:careful|attentive|thorough) enough\b` +
		`|\b(?:wasn't|weren't|was not|were not) paying attention\b`)
	denied    = lazyregexp.New(`(?i)\b(?:not|\pL+n't|never|no|nor|neither|rather than|instead of|without|hardly|if|would|could|might|may|whether|as if|said|says|wrote|writes|called|calling|label\w*|filed|blame\w*)\b`)
	dismissed = lazyregexp.New(`(?i)\b(?:easy to|tempting|explains? nothing|would explain|(?:not|never|\pL+n't) (?:a|the|an) (?:\w+ )?cause|symptom|starting point|wrong thing|used to)\b`)
)

// humanErrors finds causes that are a person's slip, such as "human error".
func humanErrors(r *reading) (found []Finding) {
	add := func(b learn.Block, passage string) {
		found = append(found, Finding{Line: b.Line, Text: short(passage), Example: r.askForSlip()})
	}
	for _, b := range append(r.causes(), r.Of(learn.Trigger, learn.Brief)...) {
		if passage, ok := slipAsCause(b, true); ok {
			add(b, passage)
		}
	}
	for _, b := range r.Of(learn.Summary, learn.Resolved, learn.Poorly) {
		if passage, ok := slipAsCause(b, false); ok {
			add(b, passage)
		}
	}
	return found
}

// slipAsCause returns the sentence that names a slip as the cause. In the section of causes, the
// word alone is enough.
func slipAsCause(b learn.Block, among bool) (sentence string, ok bool) {
	if dismissed.MatchString(b.Said) {
		return "", false
	}
	for _, s := range sentences(b.Said) {
		patterns := []*lazyregexp.Regexp{fromSlip}
		if among {
			patterns = append(patterns, moreCareful)
			if isSlip.MatchString(label.ReplaceAllString(s, "")) {
				return s, !denied.MatchString(before(s, slipWord))
			}
		}
		for _, p := range patterns {
			if at := p.FindStringIndex(s); at != nil && !denied.MatchString(s[:at[0]]) {
				return s, true
			}
		}
	}
	return "", false
}

var slipWord = lazyregexp.New(`(?i)` + slip)

// before returns what is before the first match.
func before(s string, p *lazyregexp.Regexp) string {
	if at := p.FindStringIndex(s); at != nil {
		return s[:at[0]]
	}
	return s
}

func (f facts) askForSlip() string {
	after, _ := f.detected()
	return ask(
		[]string{"%s: what made that easy to do, what could have asked first, and what could have limited it?", f.change()},
		[]string{"%s. What turned one slip into that many, and what could have stopped it?", f.impact()},
		[]string{"It was detected %s after onset. What made it hard to see before?", after})
}

var (
	trigger = lazyregexp.New(`(?i)\b(?:deploy(?:ed|ment|ing)?|releas(?:e|ed)|roll-?out|rolled out|upgraded?|migration|migrated|merged?|pull request|commit|` +
		`config(?:uration)? change|expir(?:ed|y)|restart(?:ed)?|reboot(?:ed)?|crash(?:ed)?|node (?:died|failure|failed)|disk (?:was |is |ran )?full|full disk|` +
		`out of memory|oom|(?:traffic|load) (?:spike|surge|peak|increase)|spike|surge|power (?:cut|failure|outage)|hardware failure|` +
		`network (?:outage|blip|failure|partition)|dns (?:outage|failure)|provider outage|failover|bad (?:deploy|change|commit|config|release)|ddos|version)\b`)
	latent = lazyregexp.New(`(?i)\b(?:no|not|\pL+n't|never|nothing|nobody|none|without|un\pL+|missing|miss(?:es|ed)?|lack(?:s|ed|ing)?|absent|only|single|shared?|same|` +
		`always|since|because|so|which|that|although|though|had been|has been|have been|already|years?|months?|limit(?:s|ed)?|defaults?|timeouts?|` +
		`retr(?:y|ies)|too|old|assum\pL+|allow\pL*|cannot|until|by hand|manual(?:ly)?|every|all|any|` +
		`design|depend\pL*|hid(?:den|es)?|lets?|could|can|where|when|while|if|most|before|fail(?:s|ed)? to|wrong(?:ly)?|bug|but|and|due|caused?|why|how)\b`)
)

const (
	maxTriggerWords = 14 // of a cause that is only a trigger
	maxTriggers     = 3
)

// triggersOnly finds causes that are all triggers, in few words: "Deploy of checkout 1.4", for
// example.
func triggersOnly(r *reading) []Finding {
	causes := r.causes()
	if !r.english || len(causes) == 0 || len(causes) > maxTriggers {
		return nil
	}
	for _, b := range causes {
		text := label.ReplaceAllString(b.Text, "")
		if len(words(text)) > maxTriggerWords || !trigger.MatchString(text) || latent.MatchString(text) || b.Shape == learn.Quote || len(sentences(text)) > 1 {
			return nil
		}
	}
	return []Finding{{Line: causes[0].Line, Text: short(causes[0].Text), Example: r.askForCauses()}}
}

var (
	more   = lazyregexp.New(`(?i)\b(?:and|also|besides|while|together|both|combin\pL+|plus|as well|which|because|so|but|although|though|until|where|since|when|several|many|each|only after|despite|unless)\b|[;:–—]`)
	argued = lazyregexp.New(`(?i)\b(?:we (?:looked|checked|considered|asked|ruled)|ruled out|no other|nothing else)\b`)
)

const maxSingleWords = 25

// singleCause finds a single cause in one plain sentence.
func singleCause(r *reading) []Finding {
	causes := r.causes()
	if !r.english || len(causes) != 1 || len(triggersOnly(r)) > 0 || len(humanErrors(r)) > 0 {
		return nil
	}
	b := causes[0]
	text := label.ReplaceAllString(b.Text, "")
	if b.Shape == learn.Quote || b.Shape == learn.Code || b.Shape == learn.Row || len(b.Links) > 0 || len(sentences(text)) != 1 || len(words(text)) > maxSingleWords || !isEnglishText(text) ||
		more.MatchString(text) || argued.MatchString(text) {
		return nil
	}
	return []Finding{{Line: b.Line, Text: short(b.Text), Example: r.askForMore()}}
}

// askForMore returns a question about causes beside the first.
func (f facts) askForMore() string {
	after, rest := f.detected()
	return ask(
		[]string{"It was detected %s after onset, and took another %s to end. What made each of these as long as it was?", after, rest},
		[]string{"%s. What let it spread that far?", f.impact()},
		[]string{"It lasted %s. What made it that long?", f.lasted()})
}
