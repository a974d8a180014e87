package lint

import (
	"strings"

	"github.com/postburn/postburn/internal/lazyregexp"
	"github.com/postburn/postburn/issue/learn"
)

var sentenceEnd = lazyregexp.New(`[.!?…]["')\]]*\s+`)

// sentences splits a text. Abbreviations are not known, and a sentence too many does little harm.
func sentences(text string) (all []string) {
	for {
		at := sentenceEnd.FindStringIndex(text)
		if at == nil {
			break
		}
		all = append(all, strings.TrimSpace(text[:at[1]]))
		text = text[at[1]:]
	}
	if text = strings.TrimSpace(text); text != "" {
		all = append(all, text)
	}
	return all
}

var wordPattern = lazyregexp.New(`[\pL\d][\pL\d'’_-]*`)

func words(text string) []string { return wordPattern.FindAllString(strings.ToLower(text), -1) }

// isEnglish reports whether what people wrote is in English.
func isEnglish(d learn.Document) bool {
	var b strings.Builder
	for _, s := range d.Sections {
		if s.Kind == learn.Summary || s.Kind == learn.Facts {
			continue
		}
		for _, block := range s.Written() {
			b.WriteString(block.Text + " ")
		}
	}
	return isEnglishText(b.String())
}

// isEnglishText goes by the most frequent words, such as "the". A text without any of them counts
// as English.
func isEnglishText(text string) bool {
	var english, other int
	for _, w := range words(text) {
		switch w {
		case "the", "of", "and", "to", "is", "for", "that", "it", "was", "not", "by", "with", "had", "no", "only", "were", "a":
			english++
		case "der", "die", "das", "und", "ist", "nicht", "den", "war", "für", "el", "los", "las", "del", "que", "les", "des", "est", "dans", "het", "een", "niet",
			"van", "och", "som", "il", "di", "che", "não", "foi", "uma", "jest", "się", "w":
			other++
		}
	}
	return english >= other
}

// short cuts a passage for a message.
func short(text string) string {
	const limit = 120
	if runes := []rune(text); len(runes) > limit {
		return strings.TrimSpace(string(runes[:limit])) + "…"
	}
	return text
}

// stem cuts the endings of English words, roughly, so that "deployed" and "deploys" are the same
// word.
func stem(word string) string {
	word = strings.TrimSuffix(strings.ReplaceAll(word, "’", "'"), "'s")
	if rest, ok := strings.CutSuffix(word, "ies"); ok && len(rest) > 1 {
		return rest + "y"
	}
	for _, end := range []string{"ations", "ation", "ments", "ment", "ings", "ing", "ers", "er", "ed", "es", "ly", "s", "e"} {
		if rest, ok := strings.CutSuffix(word, end); ok && len(rest) >= 3 {
			word = rest
			break
		}
	}
	if len(word) > 5 {
		word = strings.ToValidUTF8(word[:5], "")
	}
	return word
}
