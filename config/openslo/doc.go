// Package openslo reads files of the OpenSLO format (https://openslo.com) in its versions v1,
// v1alpha and v2alpha: SLOs with the SLIs, data sources, alert policies and conditions that they
// name, in whatever file those are. It writes them in native form for package config, and knows
// nothing of what is done with that.
//
// Start reading at Format. The files:
//
//	openslo.go     an SLO and its objectives
//	catalog.go     objects by their names
//	indicator.go   ratio and threshold metrics
//	source.go      queries and their data sources
//	slices.go      budgets by time slices
//	window.go      time windows, rolling and of the calendar
//	alerts.go      alert policies
package openslo
