// Package sloth reads the files of Sloth (https://sloth.dev): `version: prometheus/v1`, and the
// Kubernetes resources PrometheusServiceLevel and AlertWindows of `sloth.slok.dev/v1`. It writes
// them in native form for package config, and knows nothing of what is done with that.
//
// Start reading at Format. The files:
//
//	sloth.go     services and their objectives
//	alerting.go  burn rules and alert windows
package sloth
