package lint

import (
	"cmp"
	"slices"

	"github.com/postburn/postburn/issue/learn"
)

// Finding is one point about a post-mortem.
type Finding struct {
	Rule    string `json:"rule"`
	Line    int    `json:"line"`              // from 1
	Text    string `json:"text"`              // the passage, or the section's name
	Reason  string `json:"reason"`            // why it is worth a thought, the same for all of a rule
	Example string `json:"example,omitempty"` // what to ask here, from the post-mortem's own facts
}

// Rule is one thing that lint looks for in a post-mortem.
type Rule struct {
	ID     string
	Reason string
	find   func(*reading) []Finding
}

// The rules.
const (
	EmptySection    = "empty-section"
	HumanError      = "human-error"
	Blame           = "blame"
	TriggerOnly     = "trigger-only"
	SingleCause     = "single-cause"
	FollowUpOwner   = "follow-up-owner"
	FollowUpTerm    = "follow-up-term"
	FollowUpCause   = "follow-up-cause"
	FollowUpCareful = "follow-up-careful"
	TimelinePeople  = "timeline-people"
	Numbers         = "numbers"
)

// Rules returns all rules, in the order in which they are reported.
func Rules() []Rule {
	return []Rule{
		{EmptySection, "A section without a word says nothing, not even that there was nothing to say.", emptySections},
		{HumanError, "Somebody's slip is where the questions begin: what made it easy to make, and hard to notice?", humanErrors},
		{Blame, "Who did what is welcome here. What they should have done explains nothing: it made sense to them then. Write what made it make sense.", blamed},
		{TriggerOnly, "The trigger is different each time. What had been waiting for it is what can be mended.", triggersOnly},
		{SingleCause, "Failures that reach users have several causes, and most of them were there long before. Or say why this is the only one.", singleCause},
		{FollowUpOwner, "What nobody owns seldom gets done. A name in brackets is enough.", withoutOwner},
		{FollowUpTerm, "What is done this week stops this failure; what takes longer stops its relatives. A promise for both, or a word why not.", oneTerm},
		{FollowUpCause, "It answers none of the causes above. Say which one it is for, or keep it elsewhere.", unrelated},
		{FollowUpCareful, "Everyone was careful already. Care runs out; a check, a default or a limit does not.", careful},
		{TimelinePeople, "The timeline has what the machines saw. Who learns from this needs to know what people saw, thought and did, and when.", withoutPeople},
		{Numbers, "postburn recorded something else. If it measured wrong, say so beside the number.", contradictions},
	}
}

// reading is a post-mortem as the rules read it.
type reading struct {
	learn.Document
	facts
	people  []string // who is named in it, in lower case
	english bool
}

// Check returns what a post-mortem lacks, in the order of its lines.
func Check(d learn.Document) []Finding {
	r := &reading{Document: d, facts: facts{d.Record}, people: d.People(), english: isEnglish(d)}
	var all []Finding
	for _, rule := range Rules() {
		for _, f := range rule.find(r) {
			f.Rule, f.Reason = rule.ID, rule.Reason
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b Finding) int { return cmp.Compare(a.Line, b.Line) })
	return all
}

// has reports whether people wrote anything in a section of these kinds.
func (r *reading) has(kinds ...learn.Kind) bool { return len(r.Of(kinds...)) > 0 }
