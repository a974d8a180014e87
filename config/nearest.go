package config

import "github.com/postburn/postburn/slo/promql"

// nearest is the word that a misspelt one most likely meant; empty if none is close.
func nearest(misspelt string, words []string) string {
	const longest = 63
	if len(misspelt) > longest {
		return ""
	}
	best, least := "", len(misspelt)/3+1
	for _, w := range words {
		if n := promql.Edits(misspelt, w); n <= least && (best == "" || n < least) {
			best, least = w, n
		}
	}
	return best
}
