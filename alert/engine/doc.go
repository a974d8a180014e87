// Package engine samples all objectives, folds the samples, and commits what fold finds. Replay
// does the same over a stretch of the past, without a store.
//
// Objectives are spread over lanes, whole incident groups together. Begin with Engine.runLane in
// loop.go, which calls the other types:
//
//	engine.go      Engine and its options
//	lanes.go       which lanes there are and which of them run; reloads
//	lane.go        lane: objectives that advance together
//	reader.go      reader: what is known of reading an objective
//	alarm.go       alarm: ending a lane's sleep
//	loop.go        reading, folding and committing the ticks that are due
//	clock.go       clock: which ticks are due
//	sources.go     slots: what runs beside the lanes, each source apart; which sources answer
//	sampler.go     sampler: asking Prometheus, and how it answers
//	arrival.go     arrival: an objective's reading
//	together.go    togetherReader: objectives that keep up, without waiting for one whose query hangs
//	chase.go       chaser: objectives read apart that fail, are late, or have fallen behind
//	verify.go      verifier: reading ticks again, for late events
//	past_read.go   pastsReader: the pasts of new objectives, and again for late data
//	past_queue.go  pastQueue: which of a lane's pasts is read next
//	past*.go       pastReader, the reader of the past itself, which replay.go uses, too
//	journal.go     journal: a lane's stored data, and the lane made from it
//	commits.go     committer: writing to the store, all that is ready at once
//	excluded.go    exclusions: which incidents people took out of budgets
//	board.go       board: how objectives stand
//	inspect.go     Details: asking a lane for all about an objective
//	diary.go       diary: what is known of each day, for reports
//	health.go      health: logging each fault once
package engine
