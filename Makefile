# fob: `make demo` to see it work, `make test` to test it, `make check` before a
# change is sent in. `make help` lists the rest.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
LDFLAGS  = -s -w -X main.version=$(VERSION)
TOOL     = $(GO) tool -modfile=$(CURDIR)/tools/go.mod

.PHONY: help build demo test check fmt vet lint race tidy real redteam bench nightly vuln update clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

build: ## both executables, in bin/
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/fob ./cmd/fob-core

demo: build ## the main job against a local AWS, in a scratch home
	@PATH="$(CURDIR)/bin:$$PATH" tools/demo

test: ## every test; nothing has to be installed or started before
	$(GO) test ./...

check: fmt vet lint tidy race ## what a change must pass

fmt:
	@bad=$$(gofmt -l cmd internal tools); test -z "$$bad" || { echo "not gofmt-clean:"; echo "$$bad"; exit 1; }

vet:
	$(GO) vet ./...
	GOOS=darwin $(GO) vet ./...
	GOOS=windows $(GO) vet ./...
	cd tools && $(GO) vet ./...

lint:
	$(TOOL) staticcheck ./...
	cd tools && $(GO) tool staticcheck ./...

race:
	$(GO) test -race -timeout 30m ./...
	cd tools && $(GO) test ./...

tidy:
	$(GO) mod tidy -diff
	cd tools && $(GO) mod tidy -diff

real: ## the tests once more, none of which may skip unless .ci/skips names it
	FOB_TEST_REAL=1 $(GO) test -count=1 -timeout 30m -json ./... | { cd tools && $(GO) run ./ci ../.ci/skips; }

redteam: ## a scripted agent tries what it may not have, and fobs without a protection let it; as root, UPDATE=1 writes docs/redteam.md
	$(GO) test -count=1 -run TestRedTeam ./internal/cli
	@sed -n '/^| | /,/^$$/p' docs/redteam.md

bench: ## Markdown tables of times beside an exec-only program; RUNS, PEER=path, PROFILES=10,10000, SESSIONS, ONLY=row
	@cd tools && $(GO) run ./bench -root .. $(if $(RUNS),-runs '$(RUNS)') $(if $(PEER),-peer '$(abspath $(PEER))') $(if $(PROFILES),-profiles '$(PROFILES)') $(if $(SESSIONS),-sessions '$(SESSIONS)') $(if $(ONLY),-only '$(ONLY)')

nightly: ## rotations killed at every system call, and every fuzz target for FUZZTIME (10m)
	tools/nightly

vuln: ## known weaknesses in what we depend on; needs the vulnerability database
	$(TOOL) govulncheck ./...

update: ## write generated files anew: the import table, the module lists
	UPDATE=1 $(GO) test ./internal

clean:
	rm -rf bin dist
