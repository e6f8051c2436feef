# Fils. "make help" lists what there is.
#
# cgo is needed by the desktop till (SQLite, OpenGL) and by the race detector;
# the relay and the sandbox are built without it.
GO ?= go
RELEASE := -buildvcs=false -trimpath -tags migrated_fynedo -ldflags '-s -w'
VERSION := $(shell sed -n 's/^Version = "\(.*\)"/\1/p' FyneApp.toml)
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null)$(shell git diff --quiet HEAD 2>/dev/null || echo +)
RELAY := -X main.linkedVersion=$(VERSION) -X main.linkedCommit=$(COMMIT)
# How long each load of bench-relay is kept up.
LOAD ?= 3s
# What needs a display or a browser is left out of ./... by tags.
TAGS := -tags 'window browser'
SHOTS := $(CURDIR)/build/shots
# What reads bytes from outside gets a few hundred inputs more on every run.
# Go compiles all of SQLite anew for that, which takes long with optimizing.
FUZZ := payby:FuzzReply payby:FuzzNotification payby:FuzzParseFils payby:FuzzKeyImport payby:FuzzTransactionFile pos/sqlite:FuzzCarve

.PHONY: help run build test check bench bench-relay screens clean tools tools-test
.PHONY: test-long test-kill test-cluster test-crash test-model

help:
	@echo 'make run           install what is missing, build, open the till in training mode'
	@echo 'make build         build/fils, build/fils-relay, build/fils-sandbox, and the licences each must be handed out with'
	@echo 'make test          check, then every test with the race detector, then browser and window'
	@echo 'make check         formatting, vet, staticcheck, import rules'
	@echo 'make test-long     what takes hours: test-kill, test-cluster, test-crash, test-model'
	@echo 'make test-kill     100 kills of a relay under load; nothing acknowledged is lost'
	@echo 'make test-cluster  three NATS servers and two relays: kills, partitions, rolling restarts'
	@echo 'make test-crash    the till killed 200 times at random, then at 60 named places, and its disk failing'
	@echo 'make test-model    20,000 random runs of the till beside a simple model of it and a ledger of its money'
	@echo 'make bench         measure'
	@echo 'make bench-relay   what a relay carries, beside JetStream alone; about ten minutes, loopback only'
	@echo 'make screens       a PNG of every screen in build/screens'
	@echo 'make clean         remove build'

run: tools
	CGO_ENABLED=1 $(GO) build $(RELEASE) -o build/fils .
	build/fils --training

build: tools
	CGO_ENABLED=1 $(GO) build $(RELEASE) -o build/fils .
	CGO_ENABLED=0 $(GO) build -buildvcs=false -trimpath -ldflags '-s -w $(RELAY)' -o build/fils-relay ./cmd/fils-relay
	CGO_ENABLED=0 $(GO) build -buildvcs=false -trimpath -ldflags '-s -w' -o build/fils-sandbox ./cmd/fils-sandbox
	CGO_ENABLED=1 $(GO) run ./internal/notices . > build/fils.notices
	CGO_ENABLED=0 $(GO) run ./internal/notices ./cmd/fils-relay > build/fils-relay.notices
	CGO_ENABLED=0 $(GO) run ./internal/notices ./cmd/fils-sandbox > build/fils-sandbox.notices

tools:
	@.ci/install build

tools-test:
	@.ci/install test

# Vet and staticcheck read the same compiled packages.
check: tools
	@test -z "$$(gofmt -l .)" || { echo 'not formatted (run gofmt -w):'; gofmt -l .; exit 1; }
	CGO_ENABLED=1 $(GO) vet $(TAGS) ./...
	CGO_ENABLED=1 $(GO) tool staticcheck $(TAGS) ./...
	CGO_ENABLED=1 $(GO) test -vet=off -count=1 ./internal/rules

# The till under test has no release tag, so that Fyne's thread checker
# speaks. It is compiled like the tests: the packages are built once.
test: tools-test check
	CGO_ENABLED=1 $(GO) test -vet=off -race ./...
	@for f in $(FUZZ); do \
		CGO_CFLAGS=-O0 $(GO) test -vet=off -run '^$$' -fuzz "^$${f#*:}\$$" -fuzztime 300x -fuzzminimizetime 20x -parallel 1 "./$${f%:*}" || exit 1; \
	done
ifeq ($(shell uname -s),Linux)
	CGO_ENABLED=1 $(GO) test -vet=off -race -count=1 -tags browser ./internal/browsertest -args -keep $(SHOTS)/browser
	CGO_ENABLED=1 $(GO) build -buildvcs=false -race -o build/race/fils .
	CGO_ENABLED=1 $(GO) test -vet=off -count=1 -v -timeout 20m -tags window ./internal/windowtest -args -fils $(CURDIR)/build/race/fils -keep $(SHOTS)
else
	@echo 'The window and browser tests need Linux; they were left out.'
endif

bench: tools
	CGO_ENABLED=1 $(GO) test -vet=off -run '^$$' -bench . -benchmem ./...

# 10,000 tills are two files each, in two processes.
bench-relay: tools
	ulimit -n 20000 && $(GO) test -vet=off -count=1 -v -run 'TestLoad$$' -timeout 45m ./internal/relaytest -args -load $(LOAD)

test-long: test-kill test-cluster test-crash test-model

test-kill: tools
	$(GO) test -vet=off -count=1 -v -run 'TestKill' -timeout 30m ./internal/relaytest -args -points 100

test-cluster: tools
	$(GO) test -vet=off -count=1 -v -run 'TestCluster' -timeout 30m ./internal/relaytest -args -rounds 2

test-crash: tools
	CGO_ENABLED=1 FILS_KILLS=200 FILS_POINTS=60 $(GO) test -vet=off -count=1 -timeout 40m ./internal/crashtest

test-model: tools
	CGO_ENABLED=1 $(GO) test -vet=off -count=1 -run 'TestModel$$|TestConservation' -timeout 4h ./pos -rapid.checks=20000

screens: tools
	CGO_ENABLED=1 $(GO) run ./internal/screens -out build/screens

clean:
	rm -rf build
