# The tools are run by module and version, so that nothing has to be installed
# and every machine formats and judges alike. They are no part of go.mod.
GOFUMPT       := mvdan.cc/gofumpt@v0.12.0
STATICCHECK   := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.9.0

# All that mta.sh knows; fewer can be named, as in make mta MTA=exim.
MTA := postfix exim opensmtpd6 opensmtpd7 postfix-strict postscreen exim-nosync sendmail chasquid gosmtp

FUZZTIME ?= 30s
COVER_FLOOR := 85

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

.DEFAULT_GOAL := all
.NOTPARALLEL:
.PHONY: all build test race browser thorough simulate bench fuzz cover lint fmt fmt-check vuln generate golden check mta fixtures man lab demo clean help

all: fmt-check lint test build ## What to run before a commit: fmt-check, lint, test, build

build: ## Build bin/smtpprobe, static and reproducible
	CGO_ENABLED=0 go build -trimpath -buildvcs=true -o bin/smtpprobe ./cmd/smtpprobe

test: ## Run the tests; they need no network but loopback
	CGO_ENABLED=0 go test -shuffle=on ./...

race: ## Run the tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race -shuffle=on ./...

browser: ## Look at the HTML in a real browser (Debian's chromium), and say how quickly it opens
	go test -tags browser -count=1 -v ./report/page

thorough: ## Compare every check alone with sessions shared, with all lapses of the lab; reset sessions at every octet
	go test -tags thorough -count=1 -run 'TestSharedSessionsTellNothingElse|ResetDecides' ./probe/run
	go test -tags thorough -count=1 -run TestEveryLapseIsReadBack ./report

# The programs are built like the one that users get; nothing else should run meanwhile.
bench: build ## Measure smtpprobe against its goals, about ten minutes on two cores, and write the table
	CGO_ENABLED=0 go build -trimpath -o bin/bench/ ./probe/lab/bench/...
	bin/bench/bench -bin bin -o probe/lab/bench/RESULTS.md

simulate: ## Print what a scan of a million domains comes to, by a clock that jumps (a minute or two)
	@go test -tags simulate -count=1 -v -run TestSimulate ./probe/bulk

fuzz: ## Run every fuzz target for FUZZTIME (30s, or a count such as 10000x)
	@grep -rn --include='*_test.go' '^func Fuzz' . | \
	  sed -E 's|^(.*)/[^/]*:[0-9]+:func (Fuzz[A-Za-z0-9_]*)\(.*|\1 \2|' | sort | \
	  while read -r folder target; do \
	    echo "fuzzing $$target in $$folder for $(FUZZTIME)"; \
	    go test -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) "$$folder" </dev/null; \
	  done

# What only the real mail servers of make mta exercise is not counted.
cover: ## Print what the tests cover, and fail below the floor of 85 %
	@mkdir -p bin
	go test -coverprofile=bin/cover.out -coverpkg="$$(go list ./... | grep -v /probe/lab/mta | paste -sd,)" ./...
	@go tool cover -func=bin/cover.out | awk -v floor=$(COVER_FLOOR) '{ print } \
	  END { sub("%", "", $$3); if ($$3 < floor) { print "coverage " $$3 " % is below " floor " %"; exit 1 } }'

lint: ## Run go vet, staticcheck and golangci-lint
	go vet -tags mta,fixtures,thorough,browser,simulate ./...
	go vet -tags man ./cmd/smtpprobe
	go run $(STATICCHECK) -tags mta,browser ./...
	go run $(GOLANGCI_LINT) run

fmt: ## Format all Go files
	go run $(GOFUMPT) -l -w .

fmt-check: ## Name the Go files that are not formatted
	@files=$$(go run $(GOFUMPT) -l .); \
	  if [ -n "$$files" ]; then echo "not formatted, run make fmt:"; echo "$$files"; exit 1; fi

vuln: ## Look for known vulnerabilities (asks vuln.go.dev)
	go run $(GOVULNCHECK) ./...

generate: ## Write what is generated from the code
	go generate ./...

golden: ## Rewrite the golden files; read the diff before you commit it
	@folders=$$(grep -rlE --include='*_test.go' 'flag\.Bool\("update"' . | xargs -n1 dirname | sort -u); \
	  go test $$folders -update

check: generate fmt lint race ## All that a commit must pass; fails where a file is not as committed
	git diff --exit-code

fixtures: ## Write what the real mail servers say to checks/testdata/receivers (Debian 12, root)
	@trap 'probe/lab/mta/mta.sh down $(MTA)' EXIT; \
	  probe/lab/mta/mta.sh up $(MTA); \
	  go test -tags mta,fixtures -count=1 -parallel 10 -timeout 15m -run TestFixtures ./probe/lab/mta

mta: ## Probe real mail servers on loopback and prove that they took no mail (Debian 12, root)
	@trap 'probe/lab/mta/mta.sh down $(MTA)' EXIT; \
	  probe/lab/mta/mta.sh up $(MTA); \
	  go test -tags mta -count=1 -parallel 10 -timeout 15m -v ./probe/lab/mta/...; \
	  probe/lab/mta/mta.sh queues $(MTA); \
	  probe/lab/mta/mta.sh control $(MTA)

# Dated by the commit, so that the same commit gives the same pages.
man: ## Write the manual pages to bin/man, from the commands
	go run -tags man ./cmd/smtpprobe bin/man "$$(git log -1 --format=%cs)"

lab: build ## Run the embedded receivers and say what to point at
	bin/smtpprobe lab

demo: build ## Probe the embedded receivers and print the table
	bin/smtpprobe demo

clean: ## Remove what the other targets made
	rm -rf bin

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
