# duskwatch: `make demo` shows what it does, `make test` checks it, `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check format bench mutants lock test-system clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## re-enact North Korea, December 2014: archives, analysis, report in out/demo
	$(BIN)/duskwatch demo --out out/demo
	@echo
	@echo 'To watch it happen: duskwatch live KP --replay out/demo/mrt --geo out/demo/delegated-nro-extended-20141218 \'
	@echo '  --from 2014-12-22T12:00 --until 2014-12-23T06:00 --speed 600'

test: $(VENV)/.dev ## run the tests
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-all: $(VENV)/.dev ## run the tests on every real file, a million mutated records, fifty kills
	DUSKWATCH_ALL_FILES=1 DUSKWATCH_FUZZ_RECORDS=1000000 DUSKWATCH_KILLS=50 $(BIN)/python -m pytest -n 2 --dist worksteal
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n 2 tests/kernels

check: $(VENV)/.dev ## formatting, lint, types, import contracts
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy -p duskwatch
	$(BIN)/lint-imports

format: $(VENV)/.dev ## format and fix what can be fixed
	$(BIN)/ruff format src tests benchmarks
	$(BIN)/ruff check --fix src tests benchmarks

bench: $(VENV)/.bench ## measure speed, beside other programs; results in benchmarks/results
	$(BIN)/python -m benchmarks.run

mutants: $(VENV)/.mutants ## put a sample of small faults into the code: which do the tests notice? (SAMPLE=60 SEED=1)
	$(BIN)/python -m benchmarks.mutants --sample $(SAMPLE) --seed $(SEED)
SAMPLE ?= 60
SEED ?= 1

test-system: ## install the system programs that some tests compare with or need (Debian)
	tools/install-system-packages

lock: $(VENV)/.dev ## renew the locks in requirements/
	$(PIP) install uv
	$(BIN)/uv pip compile $(LOCK) --group build pyproject.toml -o requirements/run.lock
	$(BIN)/uv pip compile $(LOCK) --group build --group dev pyproject.toml -o requirements/dev.lock
	$(BIN)/uv pip compile $(LOCK) --group build --group dev --group bench pyproject.toml -o requirements/bench.lock
	$(BIN)/uv pip compile $(LOCK) --group build --group dev --group mutants pyproject.toml -o requirements/mutants.lock
LOCK := -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade

clean: ## remove the environment and what was built
	rm -rf $(VENV) out build dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "duskwatch needs Python 3.11 or newer; say which: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

define install
	$(PIP) install --require-hashes -r $<
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@
endef

$(VENV)/.run: requirements/run.lock | $(VENV)/bin/python
	$(install)

$(VENV)/.dev: requirements/dev.lock | $(VENV)/bin/python
	$(install)
	@touch $(VENV)/.run

$(VENV)/.bench: requirements/bench.lock | $(VENV)/bin/python
	$(install)
	@touch $(VENV)/.run $(VENV)/.dev

$(VENV)/.mutants: requirements/mutants.lock | $(VENV)/bin/python
	$(install)
	@touch $(VENV)/.run $(VENV)/.dev
