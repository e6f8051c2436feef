# Fils. "make help" lists what there is.
#
# cgo is needed by the desktop till (SQLite, OpenGL) and by the race detector;
# the relay and the sandbox are built without it.
GO ?= go
RELEASE := -buildvcs=false -trimpath -tags migrated_fynedo -ldflags '-s -w'
# What needs a display or a browser is left out of ./... by tags.
TAGS := -tags 'window browser'
SHOTS := $(CURDIR)/build/shots
# What reads bytes from outside gets a few hundred inputs more on every run.
FUZZ := FuzzReply FuzzNotification FuzzParseFils FuzzKeyImport FuzzTransactionFile

.PHONY: help run build test check bench screens clean tools tools-test

help:
	@echo 'make run      install what is missing, build, open the till in training mode'
	@echo 'make build    build/fils, build/fils-relay, build/fils-sandbox'
	@echo 'make test     check, then every test with the race detector, then browser and window'
	@echo 'make check    formatting, vet, staticcheck, import rules'
	@echo 'make bench    measure'
	@echo 'make screens  a PNG of every screen in build/screens'
	@echo 'make clean    remove build'

run: tools
	CGO_ENABLED=1 $(GO) build $(RELEASE) -o build/fils .
	build/fils --training

build: tools
	CGO_ENABLED=1 $(GO) build $(RELEASE) -o build/fils .
	CGO_ENABLED=0 $(GO) build -buildvcs=false -trimpath -ldflags '-s -w' -o build/fils-relay ./cmd/fils-relay
	CGO_ENABLED=0 $(GO) build -buildvcs=false -trimpath -ldflags '-s -w' -o build/fils-sandbox ./cmd/fils-sandbox

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
		$(GO) test -vet=off -run '^$$' -fuzz "^$$f\$$" -fuzztime 300x -fuzzminimizetime 20x -parallel 1 ./payby || exit 1; \
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

screens: tools
	CGO_ENABLED=1 $(GO) run ./internal/screens -out build/screens

clean:
	rm -rf build
