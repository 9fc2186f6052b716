# Every target builds .venv itself, from the pinned versions, when it is missing or stale.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= demo-output
DATA ?=
JSON ?= perf-output

.DEFAULT_GOAL := help
.PHONY: help venv demo test check format parity docs perf clean

help: ## show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "  make %-8s %s\n", $$1, $$2}'

$(VENV)/.installed: setup.cfg constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, $$($(PYTHON) --version) was found; try make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,check,dicom]'
	@touch $@

$(VENV)/.parity: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch==2.13.0
	@touch $@

$(VENV)/.docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	@touch $@

venv: $(VENV)/.installed ## build .venv from constraints.txt

demo: $(VENV)/.installed ## train a segmentation network on real images; report in demo-output/
	$(BIN)/dhtask demo --out $(OUT) $(if $(DATA),--data $(DATA))

test: $(VENV)/.installed ## run the tests
	$(BIN)/python -m pytest

check: $(VENV)/.installed ## format, lint, types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/architecture

format: $(VENV)/.installed ## rewrite the sources in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

parity: $(VENV)/.parity ## compare with PyTorch
	$(BIN)/python -m pytest -q -m parity tests/parity

docs: $(VENV)/.docs ## build the reference in docs/_build
	$(BIN)/python docs/build.py

perf: $(VENV)/.parity ## run every benchmark beside its peer, quickly
	@mkdir -p $(JSON)
	@for script in perf/bench_*.py; do $(BIN)/python $$script --quick --json $(JSON)/$$(basename $$script .py).json || exit 1; done

clean: ## remove what the other targets made
	rm -rf $(VENV) $(OUT) $(JSON) docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
