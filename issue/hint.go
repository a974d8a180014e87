package issue

// Hint is something that a post-mortem may lack. People are told once, when they close its issue.
type Hint struct {
	Passages []string // what it is about, in people's words; untrusted
	Reason   string   // why it is worth a thought
	Question string   // about this very incident; untrusted; may be empty
}

// Linter says what a post-mortem lacks, given its text as it stands, and postburn's text with the
// final numbers.
type Linter func(text, final string) []Hint
