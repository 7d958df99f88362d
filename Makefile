# Everything sets itself up: a machine with Python 3.11 (or newer) and make is enough.
PYTHON ?= python3
VENV ?= .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
STAMP := $(VENV)/.installed-dev

.PHONY: help setup test check format lint types floors docs bench clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

setup: $(STAMP) ## the environment that everything below runs in
$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(STAMP)

test: $(STAMP) ## all tests
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: format lint types floors test docs ## all that CI does

format: $(STAMP) ## is every file formatted?
	$(BIN)/ruff format --check bridge tests benchmarks

lint: $(STAMP) ## ruff
	$(BIN)/ruff check bridge tests benchmarks

types: $(STAMP) ## mypy --strict
	$(BIN)/mypy

floors: $(STAMP) ## do imports only go down?
	$(BIN)/lint-imports

docs: $(STAMP) ## do the documents say what the code does?
	$(BIN)/python -m pytest -n 0 tests/docs

bench: $(STAMP) ## the benchmarks, ours beside named peers
	$(BIN)/python -m benchmarks

clean: ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
