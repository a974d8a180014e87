package promql

// Nearest returns the name that a misspelt one most likely meant; "" if none is close. Names of
// metrics, labels and their values are often alike and mean different things, so fewer letters may
// differ than in a word.
func Nearest(misspelt string, names []string) string {
	const shortest, longest = 5, 100
	if len(misspelt) < shortest || len(misspelt) > longest {
		return ""
	}
	best, least := "", min(len(misspelt)/8+1, 3)
	for _, name := range names {
		if n := Edits(misspelt, name); n <= least && (best == "" || n < least) {
			best, least = name, n
		}
	}
	return best
}

// Edits returns the number of bytes to insert, remove, replace, or swap with their neighbour, to
// get from one word to the other (the restricted Damerau-Levenshtein distance).
func Edits(from, to string) int {
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
