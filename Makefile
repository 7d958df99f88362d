# Everything sets itself up: a machine with Python 3.11 (or newer) and make is enough.
PYTHON ?= python3
VENV ?= .venv
COLAB_VENV ?= .venv-colab
COLAB_PYTHON ?= $(shell python3.11 -c "" 2>/dev/null && echo python3.11 || echo $(PYTHON))
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
COLAB_BIN := $(COLAB_VENV)/Scripts
else
BIN := $(VENV)/bin
COLAB_BIN := $(COLAB_VENV)/bin
endif
STAMP := $(VENV)/.installed-dev
COLAB_STAMP := $(COLAB_VENV)/.installed


# The demo needs less than the tests: an environment of its own, unless that of the tests is there.
DEMO_VENV ?= $(if $(wildcard $(STAMP)),$(VENV),.venv-demo)
DEMO_BIN ?= $(DEMO_VENV)/$(notdir $(BIN))
DEMO_STAMP ?= $(if $(wildcard $(STAMP)),$(STAMP),$(DEMO_VENV)/.installed-demo)

.PHONY: ollama test-ollama attack audit fuzz mutations help demo setup programs test test-colab coverage check format lint types layers docs dist bench soak clean-room clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: $(DEMO_STAMP) ## the first run: everything once, in a new folder; ARGS="--download 1.5b" for a real model
	@$(DEMO_BIN)/bridge demo $(ARGS)

.venv-demo/.installed-demo: pyproject.toml
	@echo "installing into .venv-demo: once, about a minute"
	@$(PYTHON) -m venv .venv-demo
	@$(DEMO_BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[lint,embedded]'
	@touch $@

setup: $(STAMP) ## the environment that everything below runs in
$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(STAMP)

programs: ## Chromium and bubblewrap, for the tests that need them: installed where there is apt-get and root, else those skip
	@{ command -v bwrap && { command -v chromium || command -v chromium-browser || command -v google-chrome; }; } >/dev/null || \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  install="apt-get install -y -qq --no-install-recommends chromium bubblewrap"; export DEBIAN_FRONTEND=noninteractive; \
	  { apt-get update -qq && $$install >/dev/null; } || { apt-get update -qq; $$install >/dev/null; } \
	  || echo "chromium and bubblewrap could not be installed: the tests that need them skip"; \
	else echo "no chromium or bubblewrap here, and no apt-get with root to install them: the tests that need them skip"; fi

ollama: $(STAMP) ## a real Ollama for the tests, built from its source into .ollama (Go 1.24+, a C++ compiler; once, minutes)
	@$(BIN)/python -m tests.ollama_real

test-ollama: $(STAMP) ollama ## the engine contract, pulls, Run all, `bridge work` and the gateway on that Ollama
	$(BIN)/python -m pytest -n 0 tests/ollama_real

test: $(STAMP) programs ## all tests; those of a real Ollama where it can be built, else they skip
	@$(BIN)/python -m tests.ollama_real || true
	$(BIN)/python -m pytest -n 2 --dist worksteal
	$(MAKE) test-colab

test-colab: $(COLAB_STAMP) ## what runs in a kernel, under Colab's own IPython (7.34)
	$(COLAB_BIN)/python -m pytest tests/kernel

$(COLAB_STAMP): tests/kernel/colab-requirements.txt
	$(COLAB_PYTHON) -m venv $(COLAB_VENV)
	$(COLAB_BIN)/python -m pip install --quiet --requirement tests/kernel/colab-requirements.txt
	@touch $(COLAB_STAMP)

coverage: $(STAMP) programs ## all tests again, slower: how much of the package they run, the processes that they start included
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --dist worksteal
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered

check: format lint types layers test ## all that CI does

format: $(STAMP) ## is every file formatted?
	$(BIN)/ruff format --check bridge tests benchmarks training .ci

lint: $(STAMP) ## ruff
	$(BIN)/ruff check bridge tests benchmarks training .ci

types: $(STAMP) ## mypy --strict
	$(BIN)/mypy

layers: $(STAMP) ## do imports only go down?
	$(BIN)/lint-imports

docs: $(STAMP) ## do the documents say what the code does?
	$(BIN)/python -m pytest -n 0 tests/docs

dist: $(STAMP) ## wheel and source archive, in dist/, with SBOM (CycloneDX) and provenance (in-toto)
	$(BIN)/python -m hatchling build
	$(BIN)/python .ci/supply_chain.py dist

audit: $(STAMP) ## known faults of what CI installs; asks the index's advisory service
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet pip-audit
	.venv-audit/bin/pip-audit --require-hashes --disable-pip -r .ci/requirements.txt

bench: $(STAMP) ## the benchmarks, ours beside named peers
	$(BIN)/python -m benchmarks

mutations: $(STAMP) ## faults in real answers that compilers refuse: how many are called clean; ARGS="--only python --misses"
	$(BIN)/python -m benchmarks.mutations_report $(ARGS)
	$(BIN)/python -m benchmarks.standalone_report

attack: $(STAMP) ## 20,000 hostile mutations of a notebook, given to commands; prints its seed and peak memory; ARGS="--seed 7"
	$(BIN)/python -m tests.security $(ARGS)

fuzz: $(STAMP) ## ten minutes of random input into every reader of something from outside; ARGS="--minutes 60 --seed 7"
	$(BIN)/python -m tests.fuzz --minutes 10 $(ARGS)

SEED ?= 1
MINUTES ?= 10
clients: $(STAMP) ## real coding agents edit a file through the gateway; 2 GB into .clients the first time; ARGS="codex" for one
	$(BIN)/python -m tests.clients $(ARGS)

soak: $(STAMP) ## kills, faults and stale saves, and 1,000 rounds of two writers; SEED="2 7 11" MINUTES=10 ARGS="--draw 2"
	BRIDGE_TEST_PROFILE=long $(BIN)/python -m pytest -n 0 tests/drive/test_races.py
	$(BIN)/python -m tests.soak --minutes $(MINUTES) --seed $(SEED) $(ARGS)

# As a person meets it: nothing of this machine but the programs on the path and where pip looks for packages.
clean-room: ## `make demo` and `make test` of the last commit, in a clean clone with a new home and no caches
	@set -e; room=$$(mktemp -d); git clone -q . "$$room/clone"; mkdir "$$room/home"; cd "$$room/clone"; \
	env -i PATH="$$PATH" HOME="$$room/home" LANG=C.UTF-8 PIP_NO_CACHE_DIR=1 $$(env | grep -E '^(PIP_|https?_proxy|no_proxy|SSL_CERT)' || true) \
	  sh -c 'time make demo && time make test'; rm -rf "$$room"

clean: ## remove the environment and caches
	rm -rf $(VENV) $(COLAB_VENV) .venv-demo .venv-audit .ollama .coverage* .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
