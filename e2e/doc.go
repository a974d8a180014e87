// Package e2e tests the built postburn binary as a process, against a real Prometheus process that
// scrapes a real HTTP service under load. Faults are switched on and off, processes are killed and
// disks filled, answers exchanged and samples held back on their way. What is compared is what a
// user sees: the post-mortem in its folder, the API, the metrics, the log, and what `postburn
// replay` finds afterwards.
//
// A real VictoriaMetrics holds a recorded past, which `postburn replay` reads.
//
// Chromium draws the charts of post-mortems, and opens the status pages.
//
// The container image is built and run, with nothing but what a container runtime gives it; and as
// its Deployment says, once a real Kubernetes API server has taken that.
//
// What is drawn at random is drawn from E2E_SEED, or from a seed that is printed.
//
// The tests need the build tag e2e, a Prometheus (PROMETHEUS_BIN, or `prometheus` on the path),
// Chromium, buildah, etcd, VictoriaMetrics, kube-apiserver and kubectl, and root for what
// containers are made of: `make e2e` installs what is missing and runs them.
package e2e
