# `make demo` runs the main job, `make test` the tests; both set up what they need in .venv on the first run.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
SEED ?= 1
WORKERS ?= 3

PACKAGES := pyproject.toml plugins/irc/pyproject.toml plugins/meta/pyproject.toml plugins/xmpp/pyproject.toml
OWN := -e . -e plugins/irc -e plugins/meta -e plugins/xmpp
RUN_READY := $(VENV)/.run-ready
DEV_READY := $(VENV)/.dev-ready

.PHONY: demo test chaos check bench bench-relay screenshot kinds format clean

demo: $(RUN_READY)
	@$(BIN)/gearmesh demo $(ARGS)

# Tests wait more than they compute, so three processes run them on two cores. A file stays in one process, and
# tests/conftest.py says in which order files come, hence no reordering. One after the other: make test WORKERS=0
test: $(DEV_READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# Everything that can break does, for eight minutes: make chaos SEED=7 ARGS="--minutes 2"
chaos: $(DEV_READY)
	@$(BIN)/python -m tests.chaos --seed $(SEED) $(ARGS)

check: $(DEV_READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV_READY)
	@$(BIN)/python tests/benchmarks/bench.py $(ARGS)

# IRC to IRC through a daemon, between two ngIRCd.
bench-relay: $(DEV_READY)
	@$(BIN)/python tests/benchmarks/irc_relay.py $(ARGS)

# The picture in the README, taken by the browser test.
screenshot: $(DEV_READY)
	GEARMESH_SCREENSHOT=plugins/meta/demo.png $(BIN)/python -m pytest tests/browser/test_demo_across.py $(ARGS)

# The table of kinds in the README, filled with what the sandbox's phones show.
kinds: $(DEV_READY)
	$(BIN)/python -m tests.integration.kinds_table

format: $(DEV_READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Gearmesh needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(RUN_READY): requirements.txt $(PACKAGES) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(OWN)
	@touch $@

$(DEV_READY): requirements-dev.txt $(RUN_READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
