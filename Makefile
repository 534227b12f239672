SWIFT ?= swift
export SWIFT

# Also for the dependencies, hence here and not in Package.swift. Without exclusivity checks a packet takes a third less
# instructions. The binary is linked to no library at all, so it runs on any Linux, and is position-independent all the
# same: each start has it at another address, and takes 6 ms where it is 70 ms of a binary with a fixed one (libgcc sorts
# the unwind tables of that as soon as a thread ends). Only lld links so, and glibc wants no run path in it. Packed
# relocations are 1.6 MB less; they need glibc 2.36 where it is built.
RELEASE_FLAGS = -c release -Xswiftc -enforce-exclusivity=unchecked --static-swift-stdlib --disable-local-rpath -Xswiftc -static-executable -Xswiftc -use-ld=lld -Xswiftc -Xclang-linker -Xswiftc -static-pie -Xlinker --pack-dyn-relocs=relr
RR = .build/release/rr
# The tests have a directory of their own, so that they can be built while the release is: its last third has work for one
# CPU only.
SWIFT_TEST = $(SWIFT) test --skip-build --scratch-path .build/tests
export SWIFT_TEST

.DEFAULT_GOAL := help
.PHONY: help run test tests resolve test-depths test-over-tls test-chart test-php test-examples test-image test-roots chart-readme torture release static format lint setup clean bench \
	bench-growth bench-overload bench-attack bench-php bench-rpc bench-tls bench-hotspots bench-docs bench-guard bench-guard-record

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: release ## set up, build, and serve the example configuration
	@printf '%s\n' "Try it from another terminal:  printf 'hello\r\n' | nc 127.0.0.1 7777"
	@exec $(RR) serve -c .rr.yaml

test: ## set up, lint, build, and run all tests
	@scripts/setup --test
	@scripts/lint
	@$(MAKE) --no-print-directory -j2 release tests
	@RR_BINARY="$(CURDIR)/$(RR)" $(SWIFT_TEST)
	@RR_BINARY="$(CURDIR)/$(RR)" scripts/test-depths --quick
	@RR_BINARY="$(CURDIR)/$(RR)" scripts/test-over-tls
	@RR_BINARY="$(CURDIR)/$(RR)" scripts/test-php
	@RR_BINARY="$(CURDIR)/$(RR)" scripts/test-examples
	@RR_BINARY="$(CURDIR)/$(RR)" scripts/test-roots --if-possible
	@RR_BINARY="$(CURDIR)/$(RR)" scripts/test-chart
	@RR_BINARY="$(CURDIR)/$(RR)" Benchmarks/guard.py --if-possible
	@scripts/test-image --if-possible

test-depths: release tests ## run all integration tests with a pipeline of 64 events a worker, and with one of 1
	@scripts/setup --test
	@RR_BINARY="$(CURDIR)/$(RR)" scripts/test-depths

test-over-tls: release tests ## run integration tests of what a connection promises with TLS in between
	@scripts/setup --test
	@RR_BINARY="$(CURDIR)/$(RR)" scripts/test-over-tls

test-chart: release ## test the Helm chart, the dashboard and the alerts
	@scripts/setup --test
	@RR_BINARY="$(CURDIR)/$(RR)" scripts/test-chart

test-php: release ## test the PHP package
	@scripts/setup --test
	@RR_BINARY="$(CURDIR)/$(RR)" scripts/test-php

test-examples: release ## test the examples with clients that others have written
	@scripts/setup --test
	@RR_BINARY="$(CURDIR)/$(RR)" scripts/test-examples

test-image: ## build the Docker images and test them, with Docker or else with buildah and podman
	@scripts/setup --test
	@scripts/test-image

test-roots: release ## run the release binary in roots with musl, with another glibc, and with almost nothing
	@scripts/setup --test
	@RR_BINARY="$(CURDIR)/$(RR)" scripts/test-roots

chart-readme: ## write the table of values in helm/README.md
	@"$$(scripts/venv)/bin/python" scripts/chart-readme

torture: ## everything that goes wrong in months, at once, then workers that do wrong by chance, each for SECONDS=600; SEED=n repeats
	@scripts/setup --test
	@$(MAKE) --no-print-directory -j2 release tests
	@RR_BINARY="$(CURDIR)/$(RR)" TORTURE_SECONDS="$(or $(SECONDS),600)" TORTURE_SEED="$(SEED)" \
		$(SWIFT_TEST) --filter 'Integration/(TortureRun|FuzzRun)'

bench: release ## measure against the floor, a relay in C, and report: some minutes; QUICK=1 a minute; WORKER=php
	@scripts/setup --bench
	@"$$(scripts/venv Benchmarks)/bin/python" Benchmarks/compare.py $(if $(QUICK),--quick) $(if $(WORKER),--worker $(WORKER))

bench-growth: release ## how cost and memory grow with connections, workers, packets, servers, loops: ten minutes; QUICK=1 two
	@scripts/setup --bench
	@"$$(scripts/venv Benchmarks)/bin/python" Benchmarks/growth.py $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

bench-overload: release ## offer twice what workers can do, and look whether all stays within bounds: three minutes
	@scripts/setup --bench
	@"$$(scripts/venv Benchmarks)/bin/python" Benchmarks/overload.py $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

bench-attack: release ## slow clients, a flood of connections, clients that never read: what do others notice? three minutes
	@scripts/setup --bench
	@"$$(scripts/venv Benchmarks)/bin/python" Benchmarks/attack.py $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

bench-php: release ## rr with PHP workers: five minutes; WORKERMAN=DIRECTORY, ROADRUNNER_PHP=DIRECTORY beside it; QUICK=1, ONLY=cases
	@scripts/setup --bench
	@"$$(scripts/venv Benchmarks)/bin/python" Benchmarks/php.py $(if $(QUICK),--quick) $(if $(ONLY),--only "$(ONLY)")

bench-rpc: release ## storages from PHP beside redis-server: pairs of get and set, and CPU: five minutes; QUICK=1, ONLY=cases
	@scripts/setup --bench
	@"$$(scripts/venv Benchmarks)/bin/python" Benchmarks/rpc.py $(if $(QUICK),--quick) $(if $(ONLY),--only "$(ONLY)")

bench-tls: release ## TLS beside nginx and HAProxy that do it in front of rr: handshakes, CPU, memory: nine minutes; QUICK=1, ONLY=cases
	@scripts/setup --bench
	@Benchmarks/tls.py $(if $(QUICK),--quick) $(if $(ONLY),--only "$(ONLY)")

bench-hotspots: release ## where the instructions of a request are, and who retains, releases and allocates
	@scripts/setup --test
	@RR_BINARY="$(CURDIR)/$(RR)" Benchmarks/hotspots.py

bench-docs: bench bench-growth bench-overload bench-hotspots ## all of these, and put what they found into docs/performance.md
	@"$$(scripts/venv Benchmarks)/bin/python" Benchmarks/docs.py

bench-guard: release ## count instructions and allocations of requests, and compare with the record; make test does it too
	@scripts/setup --test
	@RR_BINARY="$(CURDIR)/$(RR)" Benchmarks/guard.py

bench-guard-record: release ## take the present counts for the record, Benchmarks/guard.json
	@scripts/setup --test
	@RR_BINARY="$(CURDIR)/$(RR)" Benchmarks/guard.py --record

# Once, before two builds at a time.
resolve: setup
	@$(SWIFT) package resolve

release: resolve ## set up and build the optimised binary, .build/release/rr, which is linked to nothing
	@$(SWIFT) build $(RELEASE_FLAGS) --product rr

tests: resolve
	@$(SWIFT) build --build-tests --scratch-path .build/tests

static: release ## the release without its symbols, to copy to any Linux: .build/rr
	@strip -o .build/rr $(RR)
	@printf '.build/rr: %s bytes\n' "$$(stat -c %s .build/rr)"

format: ## lay out all Swift sources
	@$(SWIFT) format format --in-place --parallel --recursive Sources Tests Package.swift

lint: setup ## check layout and syntax of Swift, PHP, shell and workflows
	@scripts/lint

setup:
	@scripts/setup

clean: ## remove everything that was built
	@rm -rf .build
