SHELL := /usr/bin/env bash
GO ?= go
LINT := $(GO) tool -modfile=tools/go.mod golangci-lint

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show what there is.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/postburn.
	$(GO) build -trimpath -o bin/ ./cmd/postburn

.PHONY: test
test: ## Run the tests; they need nothing but Go.
	$(GO) vet ./...
	$(GO) test ./...

.PHONY: accuracy
accuracy: ## Print how exact the counts are, beside increase() and averaged ratios.
	@ACCURACY_TABLE=1 $(GO) test -count=1 -run TestAccuracy -v ./slo/prom | grep '^|'

.PHONY: race
race: ## Run the tests under the race detector, which needs cgo and a C compiler.
	CGO_ENABLED=1 $(GO) test -race ./...

.PHONY: lint
lint: ## Run the linters that tools/go.mod pins.
	$(LINT) run ./...

.PHONY: fmt
fmt: ## Format the code.
	$(LINT) fmt ./...

.PHONY: setup
setup: setup-prometheus setup-github ## Install what the end-to-end tests need, where it is missing.

.PHONY: setup-prometheus
setup-prometheus:
	@if command -v "$${PROMETHEUS_BIN:-prometheus}" >/dev/null; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "set PROMETHEUS_BIN to a Prometheus" >&2; exit 1; fi; \
	apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus

# GitHub's description of its API, against which the end-to-end tests check what is sent and answered.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/postburn
GITHUB_API := $(CACHE)/api.github.com-23.0.2.json

.PHONY: setup-github
setup-github: $(GITHUB_API)

$(GITHUB_API):
	@mkdir -p "$(CACHE)"; dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	npm pack --silent --pack-destination "$$dir" @octokit/openapi@23.0.2 >/dev/null && \
	tar -xzOf "$$dir"/*.tgz package/generated/api.github.com.json >"$$dir/json" && mv "$$dir/json" "$@"

.PHONY: e2e
e2e: setup ## Run the end-to-end tests, against a real Prometheus and a GitHub that is checked.
	$(GO) test -count=1 -timeout 20m -tags e2e ./e2e/...
