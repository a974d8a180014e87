package config

// nearest is the one of the words that was most likely meant by a misspelt one; empty where none is close.
func nearest(misspelt string, words []string) string {
	const longest = 63
	if len(misspelt) > longest {
		return ""
	}
	best, least := "", len(misspelt)/3+1
	for _, w := range words {
		if n := edits(misspelt, w); n <= least && (best == "" || n < least) {
			best, least = w, n
		}
	}
	return best
}

// edits is the number of bytes to insert, remove, replace, or swap with their neighbour, to get from one word to the other (the
// restricted Damerau-Levenshtein distance).
func edits(from, to string) int {
	before, last, next := make([]int, len(to)+1), make([]int, len(to)+1), make([]int, len(to)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(from); i++ {
		next[0] = i
		for j := 1; j <= len(to); j++ {
			replace := last[j-1]
			if from[i-1] != to[j-1] {
				replace++
			}
			next[j] = min(replace, last[j]+1, next[j-1]+1)
			if i > 1 && j > 1 && from[i-1] == to[j-2] && from[i-2] == to[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, last, next = last, next, before
	}
	return last[len(to)]
}
