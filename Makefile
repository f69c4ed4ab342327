# statdl: everything happens in an environment of its own, .venv, made on first use.
#   make demo    fit lm, glm and multinom to shipped data and print the summaries
#   make test    run every test
#   make vignettes   build the pages of docs/ and vignettes/
#   make help    list the rest

PYTHON ?= python3
VENV   ?= .venv
TESTS  ?=
GPU_PYTHON ?= $(if $(wildcard $(VENV)/bin/python),$(VENV)/bin/python,$(PYTHON))

BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed

# The tests use one process a core, so the linear algebra library gets one thread in each.
ONE_THREAD := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo vignettes check-vignettes test architecture lint format types check bench gpu-check gpu-wheels readme wheel clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' Makefile

demo: $(STAMP)-core ## fit lm, glm and multinom to shipped data and print the summaries
	@$(BIN)/python vignettes/demo.py

vignettes: $(STAMP)-docs ## build docs/ and vignettes/ into build/site/index.html; any warning fails
	$(BIN)/python -m sphinx -c docs -E -W -q -j auto -d build/doctrees . build/site
	@echo "open build/site/index.html"

check-vignettes: vignettes $(STAMP)-test ## build them and open every page in Chromium, as on a desk and on a phone
	$(BIN)/python -m pytest -q tests/vignettes

test: $(STAMP)-test ## run every test, the examples in docstrings included (TESTS=path for some)
	$(ONE_THREAD) $(BIN)/python -m pytest -n auto $(TESTS)

architecture: $(STAMP)-test ## check the direction of imports only
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_public_names.py

lint: $(STAMP)-dev ## ruff: rules and layout
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMP)-dev ## let ruff fix what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(STAMP)-dev ## mypy, strict
	$(BIN)/mypy

check: lint types test ## lint, types and tests

bench: $(STAMP)-bench ## measure speed against floors and other packages
	$(BIN)/python -m benchmarks core
	$(BIN)/python -m benchmarks mlp
	$(BIN)/python -m benchmarks many
	$(BIN)/python -m benchmarks paths

gpu-check: ## compare a card with the CPU and measure it (no environment of its own; GPU_PYTHON)
	$(GPU_PYTHON) -m benchmarks.gpu

gpu-wheels: $(BIN)/python ## fetch what a machine with a card may lack into .gpu-wheels/
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps \
	  --only-binary=:all: --implementation py --abi none --platform any --dest .gpu-wheels \
	  array-api-compat array-api-strict narwhals threadpoolctl tqdm

readme: $(STAMP)-bench ## bring README.md's outputs and benchmark table up to date
	$(BIN)/python -m benchmarks readme
	$(BIN)/python -m tools.readme
	$(BIN)/python -m tools.pictures

wheel: $(BIN)/python ## build dist/*.whl
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## remove the environment and everything built
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "statdl needs Python 3.11 or newer; name one with: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# One stamp for each set of dependencies; a changed pyproject.toml installs again.
$(STAMP)-core: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(STAMP)-%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@
