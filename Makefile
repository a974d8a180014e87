SHELL := /usr/bin/env bash
GO ?= go
LINT := $(GO) tool -modfile=tools/go.mod golangci-lint

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show what there is.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/postburn.
	$(GO) build -trimpath -o bin/ ./cmd/postburn

# The image's certificates are those of this machine.
IMAGE ?= postburn
IMAGE_BUILD ?= docker build
CA_CERTIFICATES ?= /etc/ssl/certs/ca-certificates.crt

.PHONY: image
image: ## Build the container image IMAGE, with `docker build` or what IMAGE_BUILD says.
	@rm -rf bin/image && install -d -m 0755 bin/image bin/image/data bin/image/tmp
	CGO_ENABLED=0 GOOS=linux $(GO) build -trimpath -ldflags '-s -w' -o bin/image/ ./cmd/postburn
	@chmod 0755 bin/image/postburn
	install -m 0644 "$(CA_CERTIFICATES)" bin/image/ca-certificates.crt
	$(IMAGE_BUILD) -t "$(IMAGE)" -f deploy/Dockerfile bin/image

.PHONY: test
test: ## Run the tests; they need nothing but Go.
	$(GO) vet ./...
	$(GO) test ./...

.PHONY: accuracy
accuracy: setup-prometheus3 ## Check how exact the counts are, on a real Prometheus or VictoriaMetrics (ACCURACY_PROMETHEUS), and print them beside increase() and averaged ratios.
	@table=$$(mktemp); \
	ACCURACY_PROMETHEUS="$${ACCURACY_PROMETHEUS:-$(PROMETHEUS3)}" ACCURACY_TABLE="$$table" $(GO) test -count=1 -run TestAccuracy ./slo/prom >&2; \
	status=$$?; cat "$$table"; rm "$$table"; exit $$status

# BESIDE is an older postburn to measure as well, BENCH more flags, such as `-what bad_hour -most 100`.
.PHONY: bench
bench: setup-prometheus3 ## Print what watching objectives costs, beside recording rules and the postburn BESIDE, and how long catching up and replaying take.
	@$(GO) run ./e2e/bench -prometheus "$${PROMETHEUS_BIN:-$(PROMETHEUS3)}" $(if $(BESIDE),-beside "$(BESIDE)") $(BENCH)

PAGES ?= 300
.PHONY: bench-pages
bench-pages: ## Print how long pages and the API take with 5,000 objectives and with 200 and 20,000 incidents; PAGES (300) requests each.
	$(GO) test -run '^$$' -bench '^BenchmarkPages$$' -benchtime $(PAGES)x -timeout 20m ./cmd/internal/daemon

.PHONY: race
race: ## Run the tests of what starts goroutines under the race detector, which needs cgo and a C compiler.
	CGO_ENABLED=1 $(GO) test -race -skip TestAccuracy ./cmd/demo ./cmd/internal/shop ./issue ./issue/github/... ./issue/local ./slo/prom/... ./store/... ./web
	CGO_ENABLED=1 $(GO) test -race -run 'Engine|Backfill' ./alert/engine
	CGO_ENABLED=1 $(GO) test -race -run 'Daemon|Reload|Worlds/(the_world|the_clock)' ./cmd/internal/daemon

FUZZTIME ?= 1m
# What an answer reaches differs from run to run, as queries are asked by several goroutines: to make inputs smaller takes all the time it may.
FUZZ := -fuzztime $(FUZZTIME) -fuzzminimizetime 1s

.PHONY: fuzz
fuzz: ## Fuzz what reads foreign input: Prometheus' answers, SLO files, label values; FUZZTIME (1m) each.
	$(GO) test -run '^$$' -fuzz '^FuzzAnswer$$' $(FUZZ) ./slo/prom
	$(GO) test -run '^$$' -fuzz '^FuzzSLOFile$$' $(FUZZ) ./config
	$(GO) test -run '^$$' -fuzz '^FuzzEscape$$' $(FUZZ) ./issue/postmortem
	$(GO) test -run '^$$' -fuzz '^FuzzMany$$' $(FUZZ) ./issue/postmortem

.PHONY: lint
lint: ## Run the linters that tools/go.mod pins.
	$(LINT) run ./...

.PHONY: fmt
fmt: ## Format the code.
	$(LINT) fmt ./...

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/postburn

.PHONY: setup
setup: setup-prometheus setup-prometheus3 setup-victoriametrics setup-github setup-mermaid setup-chromium setup-images setup-kubernetes ## Install what the end-to-end tests need, where it is missing.

.PHONY: setup-prometheus
setup-prometheus:
	@if command -v "$${PROMETHEUS_BIN:-prometheus}" >/dev/null; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "set PROMETHEUS_BIN to a Prometheus" >&2; exit 1; fi; \
	apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus

.PHONY: setup-images
setup-images:
	@if command -v buildah >/dev/null; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "install buildah" >&2; exit 1; fi; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends buildah ca-certificates

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/postburn

# The Prometheus 3 that e2e/prometheus3 pins, without what finds targets in clouds.
PROMETHEUS3_VERSION := $(shell sed -n "s|.*github.com/prometheus/prometheus \(v[0-9.]*\).*|\1|p" e2e/prometheus3/go.mod)
PROMETHEUS3 := $(CACHE)/prometheus-$(PROMETHEUS3_VERSION)

.PHONY: setup-prometheus3
setup-prometheus3: $(PROMETHEUS3)

$(PROMETHEUS3):
	$(GO) -C e2e/prometheus3 build -tags remove_all_sd -o "$@" \
		-ldflags '-X github.com/prometheus/common/version.Version=$(PROMETHEUS3_VERSION)' github.com/prometheus/prometheus/cmd/prometheus

# The VictoriaMetrics that e2e/victoriametrics pins.
VICTORIAMETRICS_VERSION := $(shell sed -n "s|.*github.com/VictoriaMetrics/VictoriaMetrics \(v[0-9.]*\).*|\1|p" e2e/victoriametrics/go.mod)
VICTORIAMETRICS := $(CACHE)/victoria-metrics-$(VICTORIAMETRICS_VERSION)

.PHONY: setup-victoriametrics
setup-victoriametrics: $(VICTORIAMETRICS)

$(VICTORIAMETRICS):
	CGO_ENABLED=0 $(GO) -C e2e/victoriametrics build -trimpath -o "$@" \
		-ldflags '-s -w -X github.com/VictoriaMetrics/VictoriaMetrics/lib/buildinfo.Version=victoria-metrics-$(VICTORIAMETRICS_VERSION)' \
		github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics

# The API server and its client that e2e/kubernetes pins, and the database that the server needs.
KUBERNETES_VERSION := $(shell sed -n "s|.*k8s.io/kubernetes \(v[0-9.]*\).*|\1|p" e2e/kubernetes/go.mod)
KUBERNETES := $(CACHE)/kubernetes-$(KUBERNETES_VERSION)
KUBERNETES_LDFLAGS := $(foreach package,k8s.io/component-base k8s.io/client-go/pkg,-X $(package)/version.gitVersion=$(KUBERNETES_VERSION))

.PHONY: setup-kubernetes
setup-kubernetes: $(KUBERNETES)/kube-apiserver
	@if command -v etcd >/dev/null; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "install etcd" >&2; exit 1; fi; \
	apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends etcd-server

$(KUBERNETES)/kube-apiserver:
	CGO_ENABLED=0 $(GO) -C e2e/kubernetes build -trimpath -ldflags '-s -w $(KUBERNETES_LDFLAGS)' -o "$(KUBERNETES).new/" \
		k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kubectl
	rm -rf "$(KUBERNETES)" && mv "$(KUBERNETES).new" "$(KUBERNETES)"

# GitHub's description of its API, against which the end-to-end tests check what is sent and answered.
GITHUB_API := $(CACHE)/api.github.com-23.0.2.json

.PHONY: setup-github
setup-github: $(GITHUB_API)

$(GITHUB_API):
	@mkdir -p "$(CACHE)"; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	npm pack --silent --pack-destination "$$dir" @octokit/openapi@23.0.2 >/dev/null && \
	tar -xzOf "$$dir"/*.tgz package/generated/api.github.com.json >"$$dir/json" && mv "$$dir/json" "$@"

# The Mermaid that GitHub's issues show charts with, or near to it.
MERMAID := $(CACHE)/mermaid-11.17.2.min.js

.PHONY: setup-mermaid
setup-mermaid: $(MERMAID)

$(MERMAID):
	@mkdir -p "$(CACHE)"; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	npm pack --silent --pack-destination "$$dir" mermaid@11.17.2 >/dev/null && \
	tar -xzOf "$$dir"/*.tgz package/dist/mermaid.min.js >"$$dir/js" && mv "$$dir/js" "$@"

.PHONY: setup-chromium
setup-chromium:
	@if command -v "$${CHROMIUM_BIN:-chromium}" >/dev/null; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "set CHROMIUM_BIN to a Chromium" >&2; exit 1; fi; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium

.PHONY: e2e
e2e: setup ## Run the end-to-end tests, against real Prometheus servers, old and new, VictoriaMetrics, a GitHub that is checked, Chromium, and a Kubernetes API server.
	$(GO) test -count=1 -timeout 20m -tags e2e ./e2e/...
	$(GO) test -count=1 -timeout 20m -tags e2e -run CatchUp ./alert/engine
	PROMETHEUS_BIN="$(PROMETHEUS3)" $(GO) test -count=1 -timeout 20m -tags e2e -skip '$(NO_PROMETHEUS)' ./e2e
	$(GO) run ./e2e/bench -prometheus "$(PROMETHEUS3)" -what catchup -most 20

# The end-to-end tests for which it makes no difference which Prometheus there is.
NO_PROMETHEUS := GitHub|Mermaid|Image|Kubernetes|VictoriaMetrics
