# Everything here runs in `.venv`, which the first target makes by itself; nothing is installed outside this folder.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first Python that is new enough; `make PYTHON=/path/to/python test` names another one.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
WORKERS ?= 4
PYTEST_ARGS ?=

BIN := .venv/bin
STAMP := .venv/.installed
PIP_QUIETLY := python -m pip --quiet --quiet --disable-pip-version-check
PIP := $(BIN)/$(PIP_QUIETLY)
BENCH := build/bench
PEERS := build/peers
BENCH_ARGS ?=
UV_VERSION := 0.13.9
UV ?= build/uv/bin/uv

export PIP_NO_INPUT := 1
export PIP_ROOT_USER_ACTION := ignore

.PHONY: help
help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml requirements/dev.lock
	@$(if $(PYTHON),,echo 'error: no Python 3.11 or newer was found; name one: make PYTHON=/path/to/python3 ...' >&2; exit 2)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'error: lockgate needs Python 3.11 or newer, and `$(PYTHON)` is not; name one: make PYTHON=/path/to/python3 ...' >&2; exit 2; }
	@echo 'making .venv with $(PYTHON): this happens once'
	@$(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes --requirement requirements/dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: demo
demo: $(STAMP) ## A tour on a throw-away PostgreSQL server, in less than a minute
	@$(BIN)/python examples/quickstart/demo.py

.PHONY: mariadb
mariadb: ## Install MariaDB's server for its tests, where this is root on Debian and has none; never an error
	@if ! command -v mariadbd >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 && [ "$$(id -u)" = 0 ]; then \
		echo 'installing mariadb-server-core for the tests of MariaDB'; \
		export DEBIAN_FRONTEND=noninteractive; \
		timeout 60 sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends mariadb-server-core mariadb-client-core' \
			</dev/null >/dev/null 2>&1 || true; \
	fi

.PHONY: chromium
chromium: mariadb ## Install a browser for the test of a plan's page, where this is root on Debian and has none; never an error
	@if ! command -v chromium >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 && [ "$$(id -u)" = 0 ]; then \
		echo "installing chromium for the test of a plan's page"; \
		export DEBIAN_FRONTEND=noninteractive; \
		timeout 90 sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium' </dev/null >/dev/null 2>&1 || true; \
	fi

.PHONY: test
test: lint ## Lint, types and every test, the fast ones first, and those of the examples
	@# What needs one core only runs beside what does not need its result.
	@$(MAKE) --no-print-directory --jobs=2 chromium types test-fast types-combine
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(PYTEST_ARGS) --ignore=tests/house --ignore=tests/thought
	@$(MAKE) --no-print-directory --jobs=2 test-combine test-work_data_hub

.PHONY: test-fast
test-fast: $(STAMP)
	$(BIN)/python -m pytest -q $(PYTEST_ARGS) tests/house tests/thought

# From inside its folder: the example's own settings count, as for somebody who copied it away.
.PHONY: types-combine
types-combine: $(STAMP)
	cd examples/combine && ../../$(BIN)/python -m mypy

# Hypothesis is not for them, and its plugin makes each of their nested sessions import all of it.
test-combine test-work_data_hub: export PYTEST_ADDOPTS := -p no:hypothesispytest

.PHONY: test-combine
test-combine: $(STAMP)
	cd examples/combine && ../../$(BIN)/python -m pytest -q -n 2 $(PYTEST_ARGS)

.PHONY: test-work_data_hub
test-work_data_hub: $(STAMP)
	@$(MAKE) --no-print-directory -C examples/work_data_hub test PY=$(CURDIR)/$(BIN)/python

TRIALS ?= 0
ROWS ?=
MERGE ?=
# Only the whole matrix makes the page: at once, or with MERGE=1 by rows that are run anew or were missing.
FAULTS_PAGE = $(if $(MERGE),--merge --page docs/fault-matrix.md,$(if $(filter-out 0,$(TRIALS))$(ROWS),,--page docs/fault-matrix.md))

.PHONY: faults
faults: $(STAMP) mariadb ## The fault matrix, into docs/fault-matrix.md; ROWS="pg-kill sqlite" TRIALS=10 for a part of it, without the page
	@PYTHONPATH=tests $(BIN)/python -m faults --trials $(TRIALS) --rows "$(ROWS)" --workers $(WORKERS) --raw build/fault-matrix.json $(FAULTS_PAGE)

.PHONY: lint
lint: $(STAMP) ## Style and likely bugs (ruff)
	$(BIN)/ruff check

.PHONY: types
types: $(STAMP) ## Types (mypy, strict)
	$(BIN)/mypy

.PHONY: bench
bench: $(BENCH)/.installed ## How fast lockgate is beside its peers, as ratios; writes docs/performance.md
	@$(BENCH)/bin/python -m benchmarks $(BENCH_ARGS)

$(BENCH)/.installed: pyproject.toml requirements/bench.lock | $(STAMP)
	@echo 'making $(BENCH) with the tools to compare with: this happens once'
	@# The peers have a folder of their own: where lockgate is installed, plain Alembic loads its plugin.
	@for folder in $(BENCH) $(PEERS); do \
		$(BIN)/python -m venv $$folder && \
		$$folder/bin/$(PIP_QUIETLY) install --require-hashes --requirement requirements/bench.lock || exit; \
	done
	@$(BENCH)/bin/$(PIP_QUIETLY) install --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: lock
lock: $(STAMP) $(UV) ## Choose the newest dependencies again and write requirements/*.lock
	@{ printf '# Every dependency of `.[all,dev]` for every platform. Made by `make lock` from pyproject.toml; do not edit.\n'; \
		$(UV) pip compile pyproject.toml --no-config --extra all --extra dev --universal --python-version 3.11 \
			--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade --quiet; } > requirements/dev.lock.new
	@mv requirements/dev.lock.new requirements/dev.lock
	@# What both need is the same release: the benchmarks measure what the tests prove.
	@{ printf '# Every dependency of `.[embedded,bench]` for every platform. Made by `make lock` from pyproject.toml; do not edit.\n'; \
		$(UV) pip compile pyproject.toml --no-config --extra embedded --extra bench --constraint requirements/dev.lock --universal \
			--python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade --quiet; } > requirements/bench.lock.new
	@mv requirements/bench.lock.new requirements/bench.lock

build/uv/bin/uv: | $(STAMP)
	@$(BIN)/python -m venv build/uv
	@build/uv/bin/python -m pip --quiet --quiet --disable-pip-version-check install uv==$(UV_VERSION)

.PHONY: clean
clean: ## Remove .venv and everything else that was made here
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
