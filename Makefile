# The doors into the project. `make` alone says what they are.

# Where cargo builds; the scripts read it too.
CARGO_TARGET_DIR ?= target
export CARGO_TARGET_DIR

.PHONY: help demo demo-check clean-demo test mariadb-11 full simulate coverage mutations crash soak bench bench-binlog bench-snapshot fuzz fuzz-mirror door bench-door lint audit replay bench-emulator needs

help: ## This list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

demo: ## A database and a spreadsheet that follow each other, to watch in a browser; Ctrl-C ends it
	@demo/run

demo-check: ## The same without a person: changes both sides, says what arrived and when, exits 0 or 1
	@demo/check

clean-demo: ## Ends and removes what a killed demo left behind
	@demo/clean

test: needs ## Every test, each database test on MariaDB and on MySQL
	@scripts/test

mariadb-11: needs ## The tests of the database and of the bridge on MariaDB 11.8 (fetched, not installed) instead of the machine's own
	SHEETBRIDGE_MARIADBD="$$(scripts/fetch-mariadb)" cargo test --locked --test main -- database:: bridge:: store::

full: needs ## What is too long for every change: more random runs, then the demo
	@scripts/test
	@$(MAKE) --no-print-directory mariadb-11
	cargo test --locked --test main bridge::day -- --ignored --nocapture
	@$(MAKE) --no-print-directory simulate SEEDS=20000
	@$(MAKE) --no-print-directory crash RUNS=60
	@$(MAKE) --no-print-directory door EDITS=2000 CASES=20000
	@demo/check

simulate: ## The engine between pretend sides: make simulate FROM=1 SEEDS=20000 [SERIES=every_fault]
	FROM=$(or $(FROM),1) SEEDS=$(or $(SEEDS),5000) cargo test --locked --package simulation --test simulation $(SERIES) -- --nocapture

coverage: ## Which lines of the engine its tests and the simulation reach, by file
	@scripts/coverage

mutations: ## Leaves out one rule after the other: the simulation must find each (an hour)
	@scripts/mutations

crash: needs ## Kills at random moments on real servers: make crash RUNS=200
	RUNS=$(or $(RUNS),60) cargo test --locked --test main crash::moments -- --nocapture

soak: needs ## Both sides change and everything fails now and then: make soak MINUTES=30
	ONLY=soak RUNS=1 MINUTES=$(or $(MINUTES),30) SERVER=$(SERVER) cargo bench --locked --bench writer

bench: needs ## What the writer costs, beside the ways people use today: make bench ONLY=idle SCALE=0.1 RUNS=1
	ONLY=$(ONLY) SCALE=$(SCALE) RUNS=$(RUNS) SERVER=$(SERVER) SLOWEST=$(SLOWEST) cargo bench --locked --bench writer

bench-snapshot: needs ## A million rows copied under 5,000 changes a second, once: make bench-snapshot SCALE=0.1 SERVER=mariadb
	ONLY=snapshot RUNS=$(or $(RUNS),1) SCALE=$(SCALE) SERVER=$(SERVER) cargo bench --locked --bench writer

bench-binlog: needs ## One log, every decoder: make bench-binlog ROWS=1000000 ROUNDS=5 (the figures are in docs/benchmarks.md)
	@benches/binlog/run

fuzz: ## cargo-fuzz, with a nightly compiler, one target after the other: make fuzz TARGETS="rows gtid" SECONDS=600
	@TARGETS="$(TARGETS)" SECONDS_EACH=$(SECONDS) scripts/fuzz

fuzz-mirror: ## The same doors with the stable compiler: make fuzz-mirror SECONDS=600
	FUZZ_SECONDS=$(or $(SECONDS),600) cargo test --locked --test main database::doors -- --nocapture

door: needs ## Edits of three people while all fails, and raw requests at the door: make door EDITS=2000 CASES=20000
	EDITS=$(or $(EDITS),2000) CASES=$(or $(CASES),20000) \
	  cargo test --locked --test main -- bridge::people sheet::fuzz sheet::security sheet::crowd --nocapture

bench-door: needs ## Edit to commit, beside polling and beside one request an edit; 1,000 edits a second for a minute
	cargo build --locked --release
	cargo test --locked --release --test main -- bridge::door --ignored --nocapture --test-threads 1

lint: ## Formatting, lints, documentation, licences, shell and Apps Script
	@scripts/lint

audit: ## Known security advisories of what we depend on (needs cargo-deny, and github.com for its database)
	cargo deny --workspace check advisories

replay: ## Recorded Google conversations against the emulator: make replay RECORDINGS=DIR
	@test -n "$(RECORDINGS)" || { echo 'make replay RECORDINGS=DIR'; exit 2; }
	SHEETS_RECORDINGS="$(abspath $(RECORDINGS))" cargo test --locked --package sheets-emulator replay -- --nocapture

bench-emulator: ## What the local Google Sheets costs: a million rows, 2 MB writes, memory
	cargo bench --locked --package sheets-emulator --bench capacity

# What building and testing need beside Rust. Each says what it installs, or what to type where it may not.
needs:
	@scripts/install-build-needs
	@scripts/install-mariadb
	@scripts/fetch-mysql >/dev/null
	@scripts/install-chromium
	@scripts/install-python-clients
	@scripts/install-proxies
