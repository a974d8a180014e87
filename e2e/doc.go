// Package e2e tests the built postburn binary as a process, against real programs: a Prometheus
// that scrapes a real HTTP service under load, VictoriaMetrics, PostgreSQL, Chromium, a Kubernetes
// API server, and a stand-in for GitHub that is held to GitHub's own description. Faults are
// switched on and off, processes are killed and disks filled, answers exchanged and samples held
// back on their way. What is compared is what a user sees: the post-mortem, the API, the metrics,
// the log, the pages, and what `postburn replay` finds afterwards. What can be tested without a
// process of its own is tested in its package.
//
// Start reading at newStage in stage_test.go. The files without a test of their own:
//
//	main_test.go        builds the binaries
//	process_test.go     a program that is started, killed and stopped
//	stage_test.go       a shop, a Prometheus and a postburn; what an incident has to say
//	postburn_test.go    the daemon
//	prometheus_test.go  Prometheus
//	shop_test.go        the service
//	cluster_test.go     etcd and kube-apiserver
//	container_test.go, kubelet_test.go  the image, run as a Deployment says
//	replicas_kubernetes_test.go  what docs/replicas.md does to a cluster
//	chromium_test.go    a browser
//	openapi_test.go     GitHub's description of its API
//	attack_test.go      the table of attacks
//	replicas_world_test.go, replicas_chaos_test.go, replicas_verify_test.go  many services, what goes
//	                    wrong with the replicas that watch them, and what has to be right nevertheless
//
// The other files are named after what they test. docs_test.go does what the docs say, word by
// word; screenshots_test.go takes their pictures. bench/ is a program of its own.
//
// What is drawn at random is drawn from TEST_SEED, or from a seed that is printed (package seed).
//
// The tests need the build tag e2e, a Prometheus (PROMETHEUS_BIN, or `prometheus` on the path),
// Chromium, PostgreSQL, buildah, etcd, VictoriaMetrics, kube-apiserver and kubectl, and root for
// what containers are made of: `make e2e` installs what is missing and runs them.
package e2e
