// Package compare compares the incidents of two replays of the same time: what an SLO file would
// have found, and what a changed one would. It is pure, and knows neither files nor texts.
//
//	pair.go        Pairs: which incidents of both are the same failure, and which is longer
//	objective.go   ByObjective: the pairs of each objective, and objectives without any
//	kept.go        Kept: how many past incidents a replay finds as well
//	strip.go       Strip: what happened when, for a line of text; InIncident: for how long
package compare
