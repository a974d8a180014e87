// Package engine takes the samples of all objectives, folds them, and commits what is found, lane by
// lane. It resumes after the last tick that it committed. Replay does the same over a stretch of
// the past, without a store.
package engine
