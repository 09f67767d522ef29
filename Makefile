# Two commands matter: `make demo` shows what this does, `make test` checks it.
# Both work from a fresh clone and install what they need: build output goes to
# bin/, everything else that is fetched or made to .cache/.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := build

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

# Tests find python3.10 and python3.13 here, whatever the machine's default Python is.
export PATH := $(CURDIR)/.cache/bin:$(PATH)

.PHONY: build demo test check vet unit unit-outside unit-started race docs docs-check man kill mutate threats attack leak-matrix bench-quick bench-redact soak recipes interop interop-tools sdk-compat clients tools libraries suites sdk clean

# How the program is built: what is tested and vetted so need not be compiled twice.
static = CGO_ENABLED=0

build: ## bin/agentsecrets: static, so that no LD_PRELOAD reaches into it
	$(static) go build -trimpath -ldflags '-X main.release=$(VERSION)' -o bin/agentsecrets ./cmd/agentsecrets

demo: build ## the whole main job on this machine, nothing to set up; with the SDK of `make libraries` if it is there
	PATH=$(CURDIR)/.cache/clients/bin:$$PATH bin/agentsecrets demo

test: tools ## everything that has to pass
	@$(MAKE) --no-print-directory -j4 libraries suites sdk check
	@$(MAKE) --no-print-directory unit

check: vet
	@echo gofmt
	@files=$$(gofmt -l $$(go list -f '{{.Dir}}' ./...)); test -z "$$files" || { echo "gofmt would change: $$files" >&2; exit 1; }
	$(static) GOFLAGS=-trimpath go tool staticcheck ./...

vet: ## on the systems that we build for; Linux is the one that we test on
	$(static) go vet -trimpath ./...
	@for system in darwin/arm64 windows/amd64; do \
		export CGO_ENABLED=0 GOOS=$${system%/*} GOARCH=$${system#*/}; \
		echo "go vet, go build for $$system"; \
		go vet ./...; go build -o /dev/null ./cmd/agentsecrets; \
	done

# What starts programs, our own above all, gains nothing from the race detector,
# which makes three minutes of one. Packages that do little else:
outside = /(internal/(attack|bench|clientmatrix|clients|interop|leakmatrix|mutate|sdkcompat|soak|threats|threats/report)|ca/trust|client)$$
# And tests in others: the scripts start the program some thousand times; floods,
# bombs, the canary and what may not cost much are about processor time and memory,
# and run one package after the other, so that what is measured is measured alone;
# others try thousands of texts. `make race` runs with the detector what is left out
# for its time alone, `make mutate` those that seed faults.
scripts = ^TestScripts$$
programs = ^(TestNoGet|TestEveryVariableIsTried|TestA[56][A-Z].*)$$
notices = ^Test(Demo|Canary|Doctor)Notices$$
measured = ^(TestCoreOfClients|TestWriteAllocates|TestCanaryIsCheap|TestV(5|10)[A-Z].*|TestV4BombMemory|TestE3Bomb|TestE(5|6|10)[A-Z].*|TestS3Places|TestD10Rebinding|TestAnyChunking|TestFormsWithoutPatterns|TestSlowTextCostsNoMore|TestFragmentsPass)$$
plain = $(scripts)|$(programs)|$(notices)|$(measured)
# Scripts about what happens within a second, on a machine that has one to spare.
alone = ^TestScripts$$/^(pastproxy|distrust)$$

# The two that take longest begin: what is left fills the processors to the end.
# Outside, most is waiting. What go vet says, check has said.
unit:
	go test -vet=off -race -timeout 20m -skip '$(plain)' ./cmd/agentsecrets ./mitm $$(go list ./... | grep -vE '$(outside)')
	@$(MAKE) --no-print-directory build # tests of several packages do, at the same time: once it is there, they only link
	@$(MAKE) --no-print-directory -j2 unit-outside unit-started
	$(static) go test -trimpath -vet=off -tags quickpassword -timeout 20m -run '$(alone)' ./cmd/agentsecrets
	$(static) go test -trimpath -vet=off -p 1 -timeout 20m -run '$(measured)' ./audit ./cmd/agentsecrets ./internal/clientmatrix ./mitm ./redact

unit-outside:
	$(static) go test -trimpath -vet=off -p 2 -timeout 20m -skip '$(plain)' $$(go list ./... | grep -E '$(outside)')

unit-started:
	$(static) go test -trimpath -vet=off -tags quickpassword -timeout 20m -run '$(scripts)' -skip '$(alone)' ./cmd/agentsecrets
	$(static) go test -trimpath -vet=off -tags quickpassword -p 1 -timeout 20m -run '$(programs)' ./cmd/agentsecrets ./allowlist ./resolve ./resolve/agefile ./resolve/keychain

race: tools libraries suites ## what starts our program, with the race detector in it, ten minutes
	go test -race -count=1 -timeout 40m -run '^(TestScripts|TestA[56][A-Z].*|TestEveryVariableIsTried)$$' ./cmd/agentsecrets ./allowlist ./resolve/...
	go test -race -count=1 ./ca/trust ./client

docs: ## writes docs/cli.md anew, from the commands themselves
	go test ./cmd/agentsecrets -count=1 -run '^TestReference$$' -update

docs-check: tools libraries ## runs what README and docs tell to type, and follows their links
	go test -count=1 ./cmd/agentsecrets -run '^(TestReference|TestManPages|TestLinksLeadSomewhere|TestCommandsInDocsExist|TestEvery.*|TestScripts)$$/^json$$'
	go test -count=1 ./internal/clients -run '^(TestReadme|TestFiveCommands|TestSnippets|TestRecipes)'

man: ## manual pages: bin/man/man1, to be read with man -M bin/man agentsecrets
	go test ./cmd/agentsecrets -count=1 -run '^TestManPages$$' -man $(CURDIR)/bin/man/man1

kill: tools ## what writers do is never lost: 2,000 kills, and 32 processes with 100 changes, for both stores; half an hour
	AGENTSECRETS_LONG=1 go test -count=1 -v -timeout 2h -run '^TestA[56][A-Z]' ./resolve/agefile ./resolve/keychain
	AGENTSECRETS_LONG=1 go test -count=1 -v -timeout 1h -run '^TestA[56][A-Z]' ./cmd/agentsecrets

recipes: tools libraries .cache/recipes/.installed ## runs docs/recipes, those too that need big programs: agents, Node SDKs, LlamaIndex, boto3, Chromium
	@.ci/tools recipes
	go vet -tags recipes ./internal/clients
	go test -tags recipes -count=1 -timeout 20m ./internal/clients -run '^Test(Big)?Recipes'

mutate: libraries sdk ## seeds faults into a copy of the tree, a test has to notice each; an hour or two, or a part: MUTATE='-shard 1/8'
	go test -count=1 -run '$(notices)' ./cmd/agentsecrets
	go run ./internal/mutate $(MUTATE)

threats: tools libraries ## docs/threats.md: each row, its tests, how they ended
	go run ./internal/threats/report

attack: build ## plays hostile clients, origins and users against bin/agentsecrets, and says what held; needs root, or see -help
	@.ci/tools
	@mkdir -p .cache/bin
	@go build -o .cache/bin/attack ./internal/attack
	@.cache/bin/attack $(ATTACK)

leak-matrix: build tools ## values in every encoding, place, protocol and coding: what comes back; of another proxy with PROXY, CA, PLACEHOLDER, VALUE: docs/leak-matrix.md
	@mkdir -p .cache/bin
	@go build -o .cache/bin/leakmatrix ./internal/leakmatrix
	@.cache/bin/leakmatrix $(MATRIX)

bench-quick: build ## what the proxy costs, beside nginx and goproxy, in under three minutes
	@.ci/tools bench
	@mkdir -p .cache/bin
	@go build -o .cache/bin/bench ./internal/bench
	@.cache/bin/bench

bench-redact: ## what searching for values costs, beside its goals, in a minute
	@go test ./redact -run '^$$' -bench '^BenchmarkGoals$$' -benchtime 1x -timeout 10m | grep -vE '^(Bench|goos|goarch|pkg|cpu|PASS|ok)'

soak: build ## 1 GiB bodies, 5,000 idle connections and 1,000 event streams: what they cost, and that all is given back; ten minutes
	@mkdir -p .cache/bin
	@go build -o .cache/bin/soak ./internal/soak
	@.cache/bin/soak $(SOAK)

interop: build interop-tools ## other people's test suites, straight and through the proxy: docs/protocols.md
	@mkdir -p .cache/bin
	@go build -o .cache/bin/interop ./internal/interop
	@.cache/bin/interop

sdk-compat: build sdk ## the official Python SDK against bin/agentsecrets, a row for each thing that it can do: docs/python-sdk.md
	@mkdir -p .cache/bin
	@go build -o .cache/bin/sdkcompat ./internal/sdkcompat
	@.cache/bin/sdkcompat $(SDK)

clients: build tools ## other people's clients, on many versions of what they run on, through the binary: docs/clients.md
	@.ci/tools matrix
	@mkdir -p .cache/bin
	@go build -o .cache/bin/clientmatrix ./internal/clientmatrix
	@.cache/bin/clientmatrix $(CLIENTS)

interop-tools: tools suites ## all of those suites
	@.ci/tools interop

tools: ## what the tests run besides Go; installs by apt-get only what is missing
	@.ci/tools

libraries: .cache/clients/.installed

suites: .cache/interop/.built ## those of other people's test suites that make test runs
	@.ci/tools suites

# Other people's suites are a module of their own: what they need is no
# dependency of ours. Two of them build a command that is called client or server.
.cache/interop/.built: internal/interop/tools/go.mod internal/interop/tools/go.sum
	mkdir -p .cache/interop/bin
	for tool in h2spec=github.com/summerwind/h2spec/cmd/h2spec \
		grpc-client=google.golang.org/grpc/interop/client grpc-server=google.golang.org/grpc/interop/server \
		toxiproxy=github.com/Shopify/toxiproxy/v2/cmd/server vegeta=github.com/tsenart/vegeta/v12; do \
		(cd internal/interop/tools && $(static) go build -trimpath -o $(CURDIR)/.cache/interop/bin/$${tool%%=*} $${tool#*=}); \
	done
	touch $@

# The lock decides every version and every byte. No source is built: a package
# without a wheel for this machine fails here and not half way into a compiler.
.cache/clients/.installed: internal/clients/requirements.txt
	rm -rf .cache/clients
	python3 -m venv .cache/clients
	.cache/clients/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
		--require-hashes --only-binary :all: -r $<
	touch $@

# Of the scripts that packages of Node would run when they are installed, one is wanted: it
# puts Claude Code's program for this machine in its place.
.cache/recipes/.installed: internal/clients/recipes/requirements.txt internal/clients/recipes/package-lock.json
	rm -rf .cache/recipes
	python3 -m venv .cache/recipes/python
	.cache/recipes/python/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
		--require-hashes --only-binary :all: -r $<
	cp internal/clients/recipes/package.json internal/clients/recipes/package-lock.json .cache/recipes
	cd .cache/recipes && npm ci --ignore-scripts --no-audit --no-fund && node node_modules/@anthropic-ai/claude-code/install.cjs
	touch $@

sdk: tools .cache/sdk/.installed ## that SDK, for the oldest Python that it is for and a new one

.cache/sdk/.installed: internal/sdkcompat/requirements.txt
	rm -rf .cache/sdk
	for version in 3.10 3.13; do \
		.cache/bin/python$$version -m venv .cache/sdk/$$version; \
		.cache/sdk/$$version/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
			--require-hashes --only-binary :all: -r $<; \
	done
	touch $@

clean:
	rm -rf bin .cache
