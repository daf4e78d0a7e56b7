# Feikong 费控: what one types. `make` alone shows this list.
GO      ?= go
BIN     := bin
STATE   ?= data/street
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X feikong/internal/daemon.Version=$(VERSION)
FUZZ    ?= 30s
PROP    ?= 10000
ORACLE  ?= 10000000

.PHONY: help run demo test check race fuzz fuzz-slice prop bench footprint fleet build build-all deps clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## a simulated street, an agent and a gateway as three processes, until Ctrl-C; state survives in data/street
	$(BIN)/firmware-sim street --dir $(STATE) --bin $(BIN)

demo: build ## the whole story in at most 90 seconds, every claim checked
	$(BIN)/firmware-sim demo --bin $(BIN)

build: ## the three programs into bin/
	@mkdir -p $(BIN)
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./agent ./gateway ./firmware-sim

build-all: ## the agent for armv5 to riscv64, stripped, into bin/all/, with sizes and their budgets
	@GO="$(GO)" tools/build-all.sh $(BIN)/all '$(LDFLAGS)'

test: ## all tests, the end-to-end story with the real programs included
	$(GO) vet ./...
	$(GO) test -timeout 20m ./...

check: ## gofmt, go vet, staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt-ed:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck ./...

race: ## all tests under the race detector (needs gcc: make deps)
	CGO_ENABLED=1 $(GO) test -race -short -timeout 40m ./...

fuzz: ## every fuzz target for FUZZ each (default 30s), and 10^7 corrupted replies against the parser
	@tools/fuzz.sh $(FUZZ)
	FEIKONG_CORRUPT=10000000 $(GO) test -count=1 -run Corrupted -v ./protocol/dlt645 | grep -E '^(CORRUPT|---|ok|FAIL)|CORRUPT'

fuzz-slice: ## what continuous integration fuzzes: the codec of the line, a second a target, and 10^6 corrupted replies
	@tools/fuzz.sh 1s ./protocol/dlt645
	FEIKONG_CORRUPT=1000000 $(GO) test -count=1 -run Corrupted ./protocol/dlt645

prop: ## the property tests with PROP cases each (default 10000), and ORACLE periods (default 10^7) priced twice
	$(GO) test -count=1 -timeout 120m ./gateway/pipeline -run 'Order|Shuffled|NothingThat' -rapid.checks=$(PROP)
	$(GO) test -count=1 -timeout 120m ./billing ./billing/bill ./billing/ledger ./billing/oracle ./billing/rate ./billing/register ./billing/sale ./protocol ./protocol/dlt645 ./protocol/modbusmap -rapid.checks=$(PROP)
	FEIKONG_ORACLE=$(ORACLE) $(GO) test -count=1 -timeout 120m -run AgreesWithTheOracle -v ./billing/oracle

bench: ## RATIO lines: name median min max, both sides interleaved in one run
	FEIKONG_BENCH=1 $(GO) test -count=1 -p 1 -run "^TestRatio" ./internal/ratio/... -v | grep -E "^(RATIO|COST|--- FAIL|FAIL)"

footprint: ## the real agent with 8 lines of 256 meters: memory and processor time (14 minutes)
	FEIKONG_AGENT8X256=1 $(GO) test -count=1 -timeout 30m ./firmware-sim/e2e -run 2048 -v

fleet: ## 10,000 simulated meters on 100 lines, all polled without a pause: memory and CPU of the one process
	FEIKONG_FLEET=1 $(GO) test -count=1 -run '^TestFleetFitsOneProcess$$' -v ./firmware-sim

# What tests use beside Go: gcc (race detector, the libmodbus client), masters that we did not write, the ARM emulator, a serial line of two ends.
PACKAGES := gcc libc6-dev libmodbus-dev mbpoll qemu-user socat

deps: ## what a fresh machine needs besides Go: Debian packages for the tests, modules and tools
	@if command -v apt-get >/dev/null && ! dpkg -s $(PACKAGES) >/dev/null 2>&1; then apt-get update -q && apt-get install -y -q $(PACKAGES); fi
	$(GO) mod download
	cd tools && $(GO) mod download

clean: ## the programs; data stays
	rm -rf $(BIN)
