// Package engine takes the samples of all objectives, has them folded, and commits what is found.
// Replay does the same over a stretch of the past, without a store.
//
// Objectives are spread over lanes, whole incident groups together. Begin with runLane in loop.go:
//
//	engine.go      what runs when; reloads
//	lane.go        a lane, and what is known of the reading of its objectives
//	loop.go        reading, folding and committing the ticks that are due
//	chase.go       reading objectives apart that fail, are late, or have fallen behind
//	verify.go      reading ticks again, for events that came late
//	past_read.go   reading the past of new objectives, and of those whose data came late
//	past*.go       the reader of the past itself, which replay.go uses, too
//	journal.go     what a store keeps of a lane, and the lane that comes out of it again
//	commits.go     writing to the store, all that is ready at a time
//	health.go      what is wrong, said once
package engine
