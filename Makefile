# Everything starts here: `make run` and `make test` need Python 3.11 and git, and install the rest.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: help run setup studio chromium test lint types contracts unit browser openapi lock bench torture clean

help:
	@echo "make run      start the studio at http://127.0.0.1:8000"
	@echo "make test     lint, types, contracts and every test"
	@echo "make setup    only prepare; leaves .venv/bin/safelight"
	@echo "make bench    measure (minutes)"
	@echo "make torture  kill, cut and race it for hours, and plant bugs the tests must notice"

run: setup
	@exec $(BIN)/safelight serve

setup: .venv/.ready studio

# The lock file holds every package with its digest; uv installs it in seconds.
.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Safelight needs Python 3.11 or newer; $$($(PYTHON) --version) is too old. Try: make PYTHON=python3.12 run"; exit 1; }
	@echo "Preparing .venv …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { echo "Python's venv is missing; on Debian: apt-get install python3-venv"; rm -rf .venv; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.8
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@SAFELIGHT_SKIP_STUDIO=1 $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

studio: .venv/.ready
	@$(BIN)/python hatch_build.py

# The one without windows needs a third less of the processor; any other will do.
chromium:
	@command -v chromium-headless-shell >/dev/null || test -n "$$SAFELIGHT_CHROMIUM" || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing chromium for the browser tests …"; \
	    { apt-get update -qq && { apt-get install -y -qq --no-install-recommends chromium-headless-shell || \
	      command -v chromium || apt-get install -y -qq --no-install-recommends chromium; }; } >/dev/null 2>&1 || \
	      command -v chromium >/dev/null || \
	      echo "chromium could not be installed: without one the browser tests are skipped"; \
	  elif ! command -v chromium >/dev/null; then \
	    echo "No chromium: without one the browser tests are skipped (docs/testing.md says how to get it)"; fi

# The checks go two at a time, beside chromium's download; the tests come after them.
test: setup
	@$(MAKE) --no-print-directory -j 2 chromium lint types contracts
	@$(MAKE) --no-print-directory unit

lint:
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python hatch_build.py --lint

types:
	@$(BIN)/mypy

contracts:
	@$(BIN)/lint-imports

# The hundreds of processes that tests start take half as long with compiled modules, so a wish for none is passed over.
PYTEST = env -u PYTHONDONTWRITEBYTECODE VIPS_CONCURRENCY=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q

# Tests that measure time come last, with the machine to themselves: a neighbour's work is not the product's fault. (Three at a time
# instead of two saved 4 % on two cores, and three tests had not reckoned with it.)
unit:
	@$(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder -m "not timing"
	@$(PYTEST) -n 0 -m timing

openapi:
	@$(BIN)/safelight openapi > studio/openapi.json

lock:
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --quiet -o requirements.lock

# The fault tests in their long size, and planted bugs that the tests must notice: three hours and more on 2 cores.
torture: setup
	@TORTURE=1 $(PYTEST) -n 0 tests/faults tests/isolation tests/images/test_hostile.py tests/browser/test_polyglots.py \
	  tests/http/test_contract.py tests/http/test_export.py tests/http/test_login_limits.py tests/http/test_limits.py \
	  tests/accounts/test_limits.py tests/jobs/test_inventory.py
	@LEDGER_TURNS=25 $(PYTEST) -n 2 --dist load tests/credits/test_ledger_machine.py
	@$(BIN)/python -m tests.faults.bugs

bench: setup
	@$(BIN)/python -m bench

clean:
	rm -rf .venv studio/node_modules studio/gen src/safelight/static
