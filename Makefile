# Latchkey's commands. make help lists them; design: each is idempotent, quick the second time, and says what it cannot do.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
WINDOW_TAGS := desktop,production,webkit2_41
LINTER_VERSION := v2.15.0
LINTER := build/tools/bin/golangci-lint-$(LINTER_VERSION)
LEDGER := build/tools/bin/ledger

# Vet, lint and the headless build share one set of compiled packages: no cgo, trimmed paths.
PLAIN := CGO_ENABLED=0 GOFLAGS="$(GOFLAGS) -trimpath"
TALLY = $(if $(LATCHKEY_TALLY),-tally $(LATCHKEY_TALLY))

.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{ printf "  make %-10s %s\n", $$1, $$2 }'

# --- for people ---------------------------------------------------------------------------------------------------

.PHONY: run
run: needs-display needs-tools ## install what is missing, build, open the window on the sandbox
	@build/packages.sh build
	@$(MAKE) --no-print-directory ui-build window
	@exec bin/latchkey-window

.PHONY: test
test: needs-tools ## everything CI runs; installs what it needs; a skipped test is a failed run
	@build/everything.sh

.PHONY: check
check: needs-tools ## format, vet, lint, unit tests; installs nothing
	@$(MAKE) --no-print-directory fmt-check vet rows
	@if [ -x $(LINTER) ]; then $(MAKE) --no-print-directory lint; else echo "lint: NOT RUN, golangci-lint $(LINTER_VERSION) is not built yet (make lint builds it)"; fi
	@go test -short $$(go list ./... | grep -v /app/windowtest)
	@if [ -d frontend/node_modules ]; then $(MAKE) --no-print-directory ui-check ui-test; else echo "front end: NOT RUN, its packages are not installed (make node_modules)"; fi

.PHONY: build
build: needs-tools ## bin/latchkey (headless) and bin/latchkey-window
	@build/packages.sh build
	@$(MAKE) --no-print-directory ui-build headless window
	@ls -l bin/latchkey bin/latchkey-window

.PHONY: bench
bench: $(LEDGER) ## the figures of the P rows, side by side with what each is measured against
	@go test -run '^$$' -bench 'P[0-9]+_' -benchtime 1s -count 3 -timeout 20m $$(grep -rlE 'func BenchmarkP[0-9]+_' --include='*_test.go' app internal | xargs -n1 dirname | sort -u | sed 's|^|./|') \
		| $(LEDGER) bench

.PHONY: campaign
campaign: $(LEDGER) ## the long form of the R rows' tests, or of one row's: make campaign ROW=R1
	@for row in $(or $(ROW),$(shell grep -rhoE '^func (Test|Fuzz)R[0-9]+_' --include='*_test.go' app internal | grep -oE 'R[0-9]+' | sort -uV)); do \
		folders=$$(grep -rlE "^func (Test|Fuzz)$${row}_" --include='*_test.go' app internal | xargs -rn1 dirname | sort -u | sed 's|^|./|' || true); \
		[ -n "$$folders" ] || { echo "no test carries $$row" >&2; exit 2; }; \
		echo "== $$row"; \
		LATCHKEY_CAMPAIGN=$$row go test -json -race -count 1 -timeout 25m -run "^(Test|Fuzz)$${row}_" $$folders | $(LEDGER) tests -v -row $$row; \
	done

.PHONY: rows
rows: $(LEDGER) ## every promised number, its tests, its last figure; fails on a claimed one without a test
	@$(LEDGER) rows

.PHONY: screens
screens: ui-build ## pictures of every screen, in both themes
	@cd frontend && npm run --silent screens -- ../build/screens

.PHONY: fmt
fmt: ## format the Go code
	@gofmt -w $(GO_FILES)

.PHONY: clean
clean: ## remove what was built, and nothing that was installed outside this folder
	rm -rf bin build/bin build/tools/bin build/screens frontend/node_modules internal/sandbox/clients/node_modules
	find frontend/dist -mindepth 1 ! -name .gitkeep -delete

# --- steps of make test -------------------------------------------------------------------------------------------

GO_FILES = $(wildcard $(shell git ls-files --cached --others --exclude-standard -- '*.go'))

.PHONY: needs-tools
needs-tools:
	@command -v go >/dev/null || { echo "Go is needed (1.26 or newer), and is not among what this project installs." >&2; exit 1; }
	@command -v git >/dev/null || { echo "git is needed." >&2; exit 1; }

.PHONY: needs-display
needs-display:
	@if [ -z "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ]; then \
		printf '%s\n' "There is no display here (DISPLAY and WAYLAND_DISPLAY are unset), so no window can be opened." \
			"What runs without one is a whole local Turnkey, sandbox and auth backend, on this machine:" \
			"  go build -o latchkey . && ./latchkey backend --sandbox" >&2; \
		exit 2; \
	fi

.PHONY: packages
packages:
	@build/packages.sh build test

.PHONY: node_modules
node_modules:
	@build/npm.sh install frontend

.PHONY: client-modules
client-modules:
	@build/npm.sh install internal/sandbox/clients

.PHONY: ui-build
ui-build: node_modules
	@build/npm.sh build

.PHONY: ui-check
ui-check:
	@cd frontend && npm run --silent check

.PHONY: ui-test
ui-test: $(LEDGER)
	@build/vitest.sh front-end test $(LATCHKEY_TALLY)

.PHONY: e2e
e2e: $(LEDGER) ui-build
	@build/vitest.sh browser e2e $(LATCHKEY_TALLY)

.PHONY: fmt-check
fmt-check:
	@bad=$$(gofmt -l $(GO_FILES)); [ -z "$$bad" ] || { echo "not formatted (make fmt):"; echo "$$bad"; exit 1; }

.PHONY: vet
vet:
	@$(PLAIN) go vet ./...
	@cd build/tools && $(PLAIN) go vet ./...

# The window's own files have build tags, and its libraries need cgo.
.PHONY: vet-window
vet-window:
	@go vet -trimpath -tags $(WINDOW_TAGS) ./...

.PHONY: linter
linter: $(LINTER)

# By its own go.mod, as its makers ask: the product's and other tools' versions do not touch it.
$(LINTER):
	@echo "compiling golangci-lint $(LINTER_VERSION), about four minutes on two cores"
	@mkdir -p build/tools/bin/new
	@CGO_ENABLED=0 GOFLAGS= GOBIN=$(CURDIR)/build/tools/bin/new go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINTER_VERSION) 2> >(grep -v '^go: downloading' >&2)
	@mv build/tools/bin/new/golangci-lint $@ && rmdir build/tools/bin/new

.PHONY: lint
lint: $(LINTER)
	@$(PLAIN) $(LINTER) run --timeout 15m ./...

.PHONY: headless
headless:
	@$(PLAIN) go build -ldflags "$(LDFLAGS)" -o bin/latchkey .

# Nothing is run there, but it must compile.
.PHONY: elsewhere
elsewhere:
	@for system in windows/amd64 darwin/arm64; do \
		echo "$$system"; \
		$(PLAIN) GOOS=$${system%/*} GOARCH=$${system#*/} go vet ./...; \
		$(PLAIN) GOOS=$${system%/*} GOARCH=$${system#*/} go build -o /dev/null .; \
	done

.PHONY: window
window:
	@go build -tags $(WINDOW_TAGS) -trimpath -ldflags "$(LDFLAGS)" -o bin/latchkey-window .

# The window tests have the machine for themselves: they look at the clock and at one screen.
.PHONY: race
race: $(LEDGER)
	@go test -json -race -timeout 20m $$(go list ./... | grep -v /app/windowtest) | $(LEDGER) tests -name go $(TALLY)

.PHONY: window-test
window-test: $(LEDGER)
	@go test -json -race -count 1 -timeout 15m ./app/windowtest/... | $(LEDGER) tests -v -name window $(TALLY)

.PHONY: tools-test
tools-test:
	@cd build/tools && CGO_ENABLED=0 go test ./...

$(LEDGER): $(wildcard build/tools/ledger/*.go) build/tools/go.mod
	@cd build/tools && CGO_ENABLED=0 go build -o bin/ledger ./ledger
