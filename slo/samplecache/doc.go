// Package samplecache keeps samples of the past on disk, so that a replay with another target,
// window or rule asks Prometheus for nothing that an earlier one has read. What it returns is what
// its source returned, sample by sample. It does not know targets or rules, and it keeps nothing
// that may still change.
//
// Begin with Cache.Read in cache.go.
//
//	cache.go    Cache: reads through to the source; which samples are in memory
//	entry.go    entry: the samples of one indicator, on several grids
//	steps.go    entry.steps: steps of several ticks, if all ticks are known
//	chunk.go    chunk: an aligned part of a grid, and which of its ticks are there
//	codec.go    the form of an entry on disk
//	files.go    files: reading, replacing and evicting them, beside other processes
package samplecache
