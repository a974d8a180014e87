package learn

import "strings"

// Document is a post-mortem, taken apart.
type Document struct {
	Title    string
	Sections []Section // in order; the first holds what is above all headings
	Record   Record
	Labels   []string // of its issue, such as cause:deploy
}

// Kind says what a section is for.
type Kind string

// The kinds of sections. People may give them other names; see kindOf.
const (
	Other     Kind = ""          // not known
	Summary   Kind = "summary"   // above the facts
	Facts     Kind = "facts"     // written by postburn
	Resolved  Kind = "resolved"  // how it ended: a sentence by postburn, the rest by people
	Timeline  Kind = "timeline"  // rows by postburn and by people
	Analysis  Kind = "analysis"  // the heading above what people write
	Trigger   Kind = "trigger"   // what set it off
	Causes    Kind = "causes"    // why it happened
	Well      Kind = "well"      // what went well
	Poorly    Kind = "poorly"    // what went poorly
	Lucky     Kind = "lucky"     // where we got lucky
	FollowUps Kind = "follow-up" // what is to be done
	ShortTerm Kind = "short"     // part of FollowUps in the first form; now each task has a term
	LongTerm  Kind = "long"      // likewise
	Brief     Kind = "brief"     // the short record, instead of the analysis
)

// Section is a heading with what follows it, down to the next section.
type Section struct {
	Kind   Kind
	Title  string
	Line   int // of the heading, from 1; 0: none
	Level  int // of the heading, from 1
	Blocks []Block
}

// Shape is the form of a block.
type Shape int

// The shapes of blocks.
const (
	Paragraph Shape = iota
	Item            // of a list, with the items below it
	Task            // an item with a box
	Row             // of a table
	Quote           // somebody else's words
	Prompt          // a question of the form
	Heading         // a heading below the section's own
	Code
)

// Block is a paragraph, an item of a list, a row of a table, and the like.
type Block struct {
	Shape Shape
	Line  int    // from 1
	Text  string // without markup, on one line
	// Said is the text in the writer's own words: quotations, code, and the texts of links are cut.
	Said  string
	Done  bool     // of a task
	Links []string // addresses
	Names []string // of a row: the table's head, in lower case
	Cells []string // of a row
	Form  bool     // postburn's form or its own sentence, not people's
}

// Cell returns a row's cell in the column with one of the names; empty if there is none.
func (b Block) Cell(names ...string) string {
	for i, head := range b.Names {
		for _, name := range names {
			if head == name && i < len(b.Cells) {
				return b.Cells[i]
			}
		}
	}
	return ""
}

// HasColumn reports whether a row's table has a column with one of the names.
func (b Block) HasColumn(names ...string) bool {
	for _, head := range b.Names {
		for _, name := range names {
			if head == name {
				return true
			}
		}
	}
	return false
}

// Section returns the first section of a kind; ok is false if there is none.
func (d Document) Section(k Kind) (s Section, ok bool) {
	for _, s := range d.Sections {
		if s.Kind == k {
			return s, true
		}
	}
	return Section{}, false
}

// Of returns the blocks that people wrote in sections of these kinds, in order.
func (d Document) Of(kinds ...Kind) (all []Block) {
	for _, s := range d.Sections {
		for _, k := range kinds {
			if s.Kind == k {
				all = append(all, s.Written()...)
			}
		}
	}
	return all
}

// Written returns the blocks that people wrote: not the form, and no headings.
func (s Section) Written() (all []Block) {
	for _, b := range s.Blocks {
		if !b.Form && b.Shape != Prompt && b.Shape != Heading && !isPlaceholder(b) {
			all = append(all, b)
		}
	}
	return all
}

// isPlaceholder reports whether a block only holds the place of a text.
func isPlaceholder(b Block) bool {
	if len(b.Cells) > 0 {
		return strings.TrimSpace(strings.Join(b.Cells, "")) == ""
	}
	switch strings.ToLower(strings.Trim(b.Text, " .:!?…_*-–—[]()<>")) {
	case "", "tbd", "todo", "to do", "tba", "fill in", "to be done", "to be written", "xxx", "fixme":
		return len(b.Links) == 0
	}
	return false
}

// IsFinal reports whether people say that the analysis is final: "Status: final" in the form.
func (d Document) IsFinal() bool {
	s, _ := d.Section(Analysis)
	for _, b := range s.Blocks {
		if rest, ok := strings.CutPrefix(b.Text, status); ok && strings.HasPrefix(strings.ToLower(strings.TrimSpace(rest)), "final") {
			return true
		}
	}
	return false
}

// IsPostMortem reports whether the text has a section that people write in a post-mortem.
func (d Document) IsPostMortem() bool {
	for _, k := range []Kind{Causes, Well, Poorly, FollowUps, Brief} {
		if _, ok := d.Section(k); ok {
			return true
		}
	}
	return false
}
