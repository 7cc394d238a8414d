# frontdesk — every target says in a sentence what it does; `make` alone lists them.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
ONCE ?=
ARGS ?=
KIT ?= ../shared/conformance

.DEFAULT_GOAL := help
.PHONY: help setup demo test kill-test faults conformance node-versions foreign-clients lint format lock clean

help:  ## List the targets.
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Make .venv with the pinned dependencies, PostgreSQL and Node included.

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "frontdesk needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Choose another one with make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned dependencies into $(VENV) (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: setup  ## Run the main job against the embedded stand-ins and stay up (ONCE=1: end after the run).
	@$(BIN)/frontdesk demo $(if $(ONCE),--once) $(ARGS)

test: setup  ## Run all tests (ARGS='-k login' passes options to pytest).
	@$(BIN)/python -m pytest -n auto $(ARGS)

kill-test: setup  ## Kill an import 30 times at random moments, and compare with one that was not (ARGS='--kills 100').
	@$(BIN)/python -m pytest -q -s tests/integration/importing/test_kill.py --kills 30 --killed-users 1500 $(ARGS)

faults: setup  ## Make each fault 50 times under load, and prove that nothing acknowledged is lost (ARGS='--faults 10').
	@$(BIN)/python -m pytest -q -s tests/faults --faults 50 $(ARGS)

conformance: setup  ## Ask localhasura the cases of a Hasura conformance kit, strictly (KIT=folder).
	@$(BIN)/python tests/conformance/run_kit.py $(KIT) $(ARGS)

node-versions: setup  ## Fetch Node 18 and 20, under which the Action is tested too.
	@$(BIN)/python tests/node_versions/install.py

foreign-clients: setup  ## Fetch the JavaScript clients for Hasura and Auth0 that the tests drive.
	@$(BIN)/python tests/foreign_clients/install.py

lint: setup  ## Check format, lint rules, types, the direction of imports, and the settings' documents.
	@$(BIN)/ruff format --check backend tests benchmarks
	@$(BIN)/ruff check backend tests benchmarks
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/contract/test_rooms.py tests/contract/test_settings_docs.py

format: setup  ## Rewrite the Python files in the house format.
	@$(BIN)/ruff format backend tests benchmarks
	@$(BIN)/ruff check --fix backend tests benchmarks

lock: setup  ## Compute both lock files anew from pyproject.toml (needs uv).
	@uv pip compile pyproject.toml --extra local --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet -o requirements.lock
	@uv pip compile pyproject.toml --constraint requirements.lock --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet -o requirements-serve.lock

clean:  ## Remove the virtual environment, the demo's data and caches.
	@rm -rf $(VENV) .frontdesk .pytest_cache .mypy_cache .ruff_cache .hypothesis
