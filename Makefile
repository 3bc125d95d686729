# Two commands: `make run` serves, `make test` tests. Both set everything up first.
PORT ?= 8788
HOST ?= 0.0.0.0
DATA ?= ./data
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes
STAMP := $(VENV)/.stamp

.PHONY: help run demo setup dev test check bench lock clean
help: ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

run: setup ## set up and serve on the network, tokens on (HOST=127.0.0.1 needs none)
	@$(BIN)/gaitway serve --host $(HOST) --port $(PORT) --data $(DATA)

demo: setup ## the same with simulated phones
	@$(BIN)/gaitway demo --host $(HOST) --port $(PORT) --data $(DATA)

setup: $(STAMP)-run ## make .venv with .venv/bin/gaitway

dev: $(STAMP)-dev

test: $(STAMP)-dev ## set up and run the tests
	$(BIN)/python -m pytest -q -n auto -m "not slow and not browser and not recordings and not wheel"

check: $(STAMP)-bench ## lint, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)-bench ## measure: throughput, latency, peers (minutes)
	$(BIN)/python -m bench

$(VENV)/bin/uv: requirements/bootstrap.lock
	@$(PYTHON) -c 'import sys; sys.exit("Gaitway needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
	@touch $@

$(STAMP)-run: $(VENV)/bin/uv requirements/run.lock pyproject.toml hatch_build.py web/package-lock.json
	@echo "Setting up $(VENV)"
	@$(UV) -r requirements/run.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(STAMP)-dev: $(STAMP)-run requirements/dev.lock
	@$(UV) -r requirements/dev.lock
	@touch $@

$(STAMP)-bench: $(STAMP)-dev requirements/bench.lock
	@$(UV) -r requirements/bench.lock
	@touch $@

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
lock: ## pin all dependencies again, newest allowed
	$(LOCK) --group bootstrap -o requirements/bootstrap.lock
	$(LOCK) pyproject.toml -o requirements/run.lock
	$(LOCK) pyproject.toml -c requirements/run.lock --group dev -o requirements/dev.lock
	$(LOCK) pyproject.toml -c requirements/run.lock --group bench -o requirements/bench.lock
	cd web && npm install --package-lock-only

clean: ## forget what was set up (never the data)
	rm -rf $(VENV) dist build web/node_modules src/gaitway/web/static/vendor
