SHELL := /usr/bin/env bash
GO ?= go
LINT := $(GO) tool -modfile=tools/go.mod golangci-lint
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/postburn

# The linter of OpenAPI descriptions that tools/openapi pins, with all that it needs.
SPECTRAL_VERSION := $(shell sed -n 's|.*"@stoplight/spectral-cli": "\(.*\)".*|\1|p' tools/openapi/package.json)
SPECTRAL := $(CACHE)/spectral-$(SPECTRAL_VERSION)/node_modules/.bin/spectral

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

.PHONY: chart
chart: ## Copy into the Helm chart what it has of other folders.
	cp deploy/prometheus/alerts.yaml deploy/helm/postburn/files/alerts.yaml
	cp deploy/grafana/dashboard.json deploy/helm/postburn/files/dashboard.json

RELEASE ?= bin/release
.PHONY: release
release: ## Make the files of the release VERSION=v1.2.3 in RELEASE (bin/release): binaries, bills of materials, image, chart, checksums; needs buildah.
	@GO="$(GO)" IMAGE="$(if $(filter file,$(origin IMAGE)),,$(IMAGE))" CA_CERTIFICATES="$(CA_CERTIFICATES)" deploy/release.sh "$(VERSION)" "$(RELEASE)"

# Tests make much garbage and need little memory: GOGC saves a fifth of their time.
.PHONY: test
test: ## Run the tests; they need nothing but Go.
	$(GO) vet ./...
	GOGC=400 $(GO) test ./...

.PHONY: torture
torture: ## Have everything go wrong that can while issues are written, at each request; `make test` tries a quarter of it, `make race` all.
	TORTURE=1 $(GO) test -count=1 ./issue/github ./issue/publish ./slo/prom

ROUNDS ?= 200
SEED ?= 0
.PHONY: oracle
oracle: ## Test against oracles at length: ROUNDS (200) random histories, pasts and worlds from SEED (0: another one each time), and all combinations.
	$(GO) test -count=1 -timeout 2h ./alert/engine -long -oracle-rounds $(ROUNDS) -past-rounds $(ROUNDS) -world-rounds $(ROUNDS) -oracle-seed $(SEED) -past-seed $(SEED) -world-seed $(or $(filter-out 0,$(SEED)),$(shell date +%s))
	$(GO) test -count=1 -timeout 2h ./slo/count -worlds $(ROUNDS)00 -seed $(or $(filter-out 0,$(SEED)),$(shell date +%s))

.PHONY: model
model: ## Look at all states that replicas and their leases can get into (minutes); `make test` looks at the nearest.
	$(GO) test -count=1 -timeout 2h -v -run '^TestModel$$' ./store/lease/model -states 0

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

LOAD ?= 30s
.PHONY: bench-stores
bench-stores: setup-postgres ## Print how long commits take: SQLite beside PostgreSQL on this machine.
	$(GO) test -run '^$$' -bench '^BenchmarkCommit$$' -benchtime 200x ./store/sqlite
	$(GO) test -tags e2e -run '^$$' -bench '^BenchmarkCommit$$' -benchtime 200x ./store/postgres

.PHONY: bench-replicas
bench-replicas: setup-postgres ## Print what 100,000 objectives over 4 replicas take, with a simulated Prometheus, and PostgreSQL beside SQLite at 10,000; BENCH has more flags, such as `-objectives 20000`.
	@$(GO) run ./e2e/bench -what replicas $(BENCH)

.PHONY: load
load: ## Have 100 people look at pages for LOAD (30s) while 5,000 objectives are watched: no error, 99 of 100 answers within 200 ms, and no more memory. `make test` has a moment of it.
	LOAD="$(LOAD)" $(GO) test -count=1 -timeout 10m -v -run '^TestPagesUnderLoad$$' ./cmd/internal/daemon

.PHONY: race
race: ## Run the tests of what starts goroutines under the race detector, which needs cgo and a C compiler.
	TORTURE=1 CGO_ENABLED=1 $(GO) test -race -timeout 20m -skip TestAccuracy ./cmd/demo ./cmd/internal/shop ./issue ./issue/github/... ./issue/local ./issue/people ./issue/publish ./slo/prom/... ./slo/promcheck ./slo/samplecache ./store/... ./web
	CGO_ENABLED=1 $(GO) test -race -run 'Engine|Backfill|LanesMove' ./alert/engine
	CGO_ENABLED=1 $(GO) test -race -run 'Daemon|Reload|Peers|Worlds/(the_world|the_clock)' ./cmd/internal/daemon

FUZZTIME ?= 1m
# What an answer reaches differs from run to run, as queries are asked by several goroutines: to make inputs smaller takes all it may.
FUZZMINIMIZETIME ?= 1s
FUZZ := -fuzztime $(FUZZTIME) -fuzzminimizetime $(FUZZMINIMIZETIME)

.PHONY: fuzz
fuzz: ## Fuzz what reads foreign input: Prometheus' answers, SLO files, PromQL, templates, label values, histories; FUZZTIME (1m) each.
	$(GO) test -run '^$$' -fuzz '^FuzzAnswer$$' $(FUZZ) ./slo/prom
	$(GO) test -run '^$$' -fuzz '^FuzzQueries$$' $(FUZZ) ./slo/prom
	$(GO) test -run '^$$' -fuzz '^FuzzCheck$$' $(FUZZ) ./slo/promql
	$(GO) test -run '^$$' -fuzz '^FuzzHistory$$' $(FUZZ) ./slo
	$(GO) test -run '^$$' -fuzz '^FuzzDecode$$' $(FUZZ) ./slo/samplecache
	$(GO) test -run '^$$' -fuzz '^FuzzSLOFile$$' $(FUZZ) ./config
	$(GO) test -run '^$$' -fuzz '^FuzzDocuments$$' $(FUZZ) ./config/sloth
	$(GO) test -run '^$$' -fuzz '^FuzzDocuments$$' $(FUZZ) ./config/pyrra
	$(GO) test -run '^$$' -fuzz '^FuzzDocuments$$' $(FUZZ) ./config/openslo
	$(GO) test -run '^$$' -fuzz '^FuzzEscape$$' $(FUZZ) ./issue/postmortem
	$(GO) test -run '^$$' -fuzz '^FuzzMany$$' $(FUZZ) ./issue/postmortem
	$(GO) test -run '^$$' -fuzz '^FuzzOwnTemplate$$' $(FUZZ) ./issue/postmortem
	$(GO) test -run '^$$' -fuzz '^FuzzPostMortem$$' $(FUZZ) ./web
	$(GO) test -run '^$$' -fuzz '^FuzzFitBody$$' $(FUZZ) ./issue/github
	$(GO) test -run '^$$' -fuzz '^FuzzParse$$' $(FUZZ) ./issue/learn
	$(GO) test -run '^$$' -fuzz '^FuzzCheck$$' $(FUZZ) ./issue/learn/lint
	$(GO) test -run '^$$' -fuzz '^FuzzPastedChat$$' $(FUZZ) ./issue/people
	$(GO) test -run '^$$' -fuzz '^FuzzFront$$' $(FUZZ) ./issue/learn/archive

.PHONY: lint
lint: lint-api ## Run the linters that tools pins: of the code, and of the description of the API.
	$(LINT) run ./...

.PHONY: lint-api
lint-api: $(SPECTRAL)
	"$(SPECTRAL)" lint --quiet --fail-severity warn --ruleset tools/openapi/rules.yaml web/openapi.json

$(SPECTRAL):
	@dir="$(CACHE)/spectral-$(SPECTRAL_VERSION)"; mkdir -p "$$dir" && cp tools/openapi/package*.json "$$dir" && \
	npm ci --prefix "$$dir" --ignore-scripts --no-audit --no-fund --silent

.PHONY: fmt
fmt: ## Format the code.
	$(LINT) fmt ./...

.PHONY: setup
setup: setup-prometheus setup-prometheus3 setup-victoriametrics setup-github setup-mermaid setup-axe setup-chromium setup-images setup-kubernetes setup-helm setup-operator setup-review setup-postgres ## Install what the end-to-end tests need, where it is missing.

.PHONY: setup-prometheus
setup-prometheus:
	@if command -v "$${PROMETHEUS_BIN:-prometheus}" >/dev/null; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "set PROMETHEUS_BIN to a Prometheus" >&2; exit 1; fi; \
	apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus

# Debian's package makes and starts a server of its own, which no test needs.
.PHONY: setup-postgres
setup-postgres:
	@if command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "install PostgreSQL 15 or later" >&2; exit 1; fi; \
	apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql

.PHONY: setup-review
setup-review:
	@if command -v python3 >/dev/null && command -v git >/dev/null; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "install python3 and git" >&2; exit 1; fi; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 git

.PHONY: setup-images
setup-images:
	@if command -v buildah >/dev/null; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "install buildah" >&2; exit 1; fi; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends buildah ca-certificates

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

# The Helm that e2e/helm pins.
HELM_VERSION := $(shell sed -n "s|.*helm.sh/helm/v4 \(v[0-9.]*\).*|\1|p" e2e/helm/go.mod)
HELM := $(CACHE)/helm-$(HELM_VERSION)

.PHONY: setup-helm
setup-helm: $(HELM)

$(HELM):
	CGO_ENABLED=0 $(GO) -C e2e/helm build -trimpath -o "$@" \
		-ldflags '-s -w -X helm.sh/helm/v4/internal/version.version=$(HELM_VERSION)' helm.sh/helm/v4/cmd/helm

# What the chart's objects for the Prometheus operator are, as the operator tells an API server.
OPERATOR_VERSION := v0.85.0
OPERATOR := $(CACHE)/prometheus-operator-$(OPERATOR_VERSION).yaml

.PHONY: setup-operator
setup-operator: $(OPERATOR)

$(OPERATOR):
	@mkdir -p "$(CACHE)"; dir=$$($(GO) mod download -json github.com/prometheus-operator/prometheus-operator@$(OPERATOR_VERSION) | sed -n 's/.*"Dir": "\(.*\)".*/\1/p') && \
	cat "$$dir"/example/prometheus-operator-crd/monitoring.coreos.com_{servicemonitors,prometheusrules}.yaml >"$@.new" && mv "$@.new" "$@"

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

# What finds in a page that people with a screen reader or a keyboard can't use.
AXE := $(CACHE)/axe-4.14.1.min.js

.PHONY: setup-axe
setup-axe: $(AXE)

$(AXE):
	@mkdir -p "$(CACHE)"; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	npm pack --silent --pack-destination "$$dir" axe-core@4.14.1 >/dev/null && \
	tar -xzOf "$$dir"/*.tgz package/axe.min.js >"$$dir/js" && mv "$$dir/js" "$@"

.PHONY: setup-chromium
setup-chromium:
	@if command -v "$${CHROMIUM_BIN:-chromium}" >/dev/null; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "set CHROMIUM_BIN to a Chromium" >&2; exit 1; fi; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium

.PHONY: e2e
e2e: setup ## Run the end-to-end tests, against real Prometheus servers, old and new, VictoriaMetrics, PostgreSQL, a GitHub that is checked, Chromium, and a Kubernetes API server.
	$(GO) test -count=1 -timeout 20m -tags e2e -skip '^TestAttack' ./e2e/...
	$(GO) test -count=1 -timeout 20m -tags e2e -run CatchUp ./alert/engine
	$(GO) test -count=1 -timeout 20m -tags e2e ./store/postgres
	PROMETHEUS_BIN="$(PROMETHEUS3)" $(GO) test -count=1 -timeout 20m -tags e2e -skip '^TestAttack|$(NO_PROMETHEUS)' ./e2e
	$(GO) run ./e2e/bench -prometheus "$(PROMETHEUS3)" -what catchup -most 20

.PHONY: screenshots
screenshots: setup-chromium setup-mermaid setup-github ## Take the pictures in docs/images again.
	SCREENSHOTS="$(CURDIR)/docs/images" $(GO) test -count=1 -tags e2e -run '^TestScreenshots$$' ./e2e

.PHONY: attack
attack: setup-prometheus setup-github ## Attack the binary as someone who edits SLO files, comments, exports metrics or reaches the port would; print what was tried.
	@table=$$(mktemp); \
	ATTACK_TABLE="$$table" $(GO) test -count=1 -timeout 20m -tags e2e -run '^TestAttack' ./e2e; \
	status=$$?; cat "$$table"; rm "$$table"; exit $$status

SOAK ?= 48m
.PHONY: soak
soak: setup-prometheus3 ## Watch 1,000 objectives with 128 MiB of memory for SOAK (48m, which are 2,880 ticks): nothing may grow. `make e2e` has a minute of it.
	SOAK="$(SOAK)" TEST_SEED="$${TEST_SEED:-1}" PROMETHEUS_BIN="$${PROMETHEUS_BIN:-$(PROMETHEUS3)}" $(GO) test -count=1 -timeout 24h -tags e2e -v -run '^TestSoak$$' ./e2e

CHAOS ?= 5m
.PHONY: chaos
chaos: setup-prometheus setup-postgres setup-github ## Kill, pause and cut off three replicas at random for CHAOS (5m), and restart their PostgreSQL twice: incidents, numbers and issues have to be those of an undisturbed one. TEST_SEED says which. `make e2e` has a minute of it.
	CHAOS="$(CHAOS)" $(GO) test -count=1 -timeout 2h -tags e2e -v -run '^TestReplicas$$' ./e2e

RELOADS ?= 1000
.PHONY: reloads
reloads: ## Reload an SLO file RELOADS (1000) times with random versions, good and bad, under load: no tick is lost, no issue doubled, nothing grows. RELOAD_SEED says which. `make test` has 30.
	RELOADS="$(RELOADS)" RELOAD_SEED="$${RELOAD_SEED:-1}" $(GO) test -count=1 -timeout 2h -v -run '^TestReloads$$' ./cmd/internal/daemon

# The end-to-end tests for which it makes no difference which Prometheus there is.
NO_PROMETHEUS := Soak|Helm|Chart|AlertRules|Runbooks|GettingStarted|Release|Store|GitHub|Mermaid|Image|Kubernetes|VictoriaMetrics|Screenshots|Readme|Postgres|Replicas|Takeover|RollingUpdate
