// Package pyrra reads the files of Pyrra (https://github.com/pyrra-dev/pyrra): resources
// ServiceLevelObjective of `pyrra.dev/v1alpha1`, also in a Kubernetes List. It writes them in
// native form for package config, and knows nothing of what is done with that.
//
// Start reading at Format. The files:
//
//	pyrra.go      an objective, its indicator
//	alerting.go   burn rules
package pyrra
