# Everything here works in .venv and needs only make, Python 3.11 or later with venv, and a way to install packages.

VENV ?= .venv
# The first Python that is new enough and can make a virtual environment; PYTHON=... on the command line overrides it.
FIT := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
TRIED := python3 python3.14 python3.13 python3.12 python3.11 python
PYTHON ?= $(shell for p in $(TRIED); do \
	"$$p" -c '$(FIT)' 2>/dev/null && { echo "$$p"; break; }; done)
BIN := $(VENV)/bin
WORKERS ?= 2

# A stamp says which lock file the environment holds. The one for development holds the runtime too.
RUNTIME := $(VENV)/.installed-runtime
DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test check bench wheel lock clean

help: ## print this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 14

demo: $(RUNTIME) ## see it work: a simulated organization, no keys needed
	$(BIN)/accesssync demo

test: $(DEV) ## run all tests
	$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

check: $(DEV) ## style, formatting, types and the layers of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV) ## measure against the bundled sandbox
	$(BIN)/python -m benchmarks

wheel: $(DEV) ## build the wheel and the source archive into dist/
	$(BIN)/hatchling build

lock: ## renew both lock files from pyproject.toml
	@$(NEED_PYTHON)
	set -e; tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT; \
	$(PYTHON) -m venv "$$tmp/venv"; "$$tmp/venv/bin/pip" install --quiet uv; \
	"$$tmp/venv/bin/uv" $(COMPILE) --extra dev >"$$tmp/dev"; \
	"$$tmp/venv/bin/uv" $(COMPILE) --constraint "$$tmp/dev" >"$$tmp/runtime"; \
	if grep -n '://' "$$tmp/dev" "$$tmp/runtime"; then echo "lock files must not name addresses" >&2; exit 1; fi; \
	cp "$$tmp/dev" requirements-dev.lock; cp "$$tmp/runtime" requirements.lock

clean: ## remove what builds, tests and the demo leave behind (the environment stays)
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* \
		accesssync-demo
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(RUNTIME): requirements.lock pyproject.toml
	$(call install,requirements.lock)
	touch $@

$(DEV): requirements-dev.lock requirements.lock pyproject.toml
	$(call install,requirements-dev.lock)
	touch $(RUNTIME) $@

# Hashes instead of addresses, so that the files say what to install and not from where.
COMPILE = pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate --quiet

define NEED_PYTHON
[ -n "$(PYTHON)" ] && "$(PYTHON)" -c '$(FIT)' 2>/dev/null || { \
	echo "accesssync needs Python 3.11 or later with the modules venv and ensurepip; tried: $(or $(PYTHON),$(TRIED))." \
		"Install one (Debian, Ubuntu: apt install python3 python3-venv) or name it: make PYTHON=/path/to/python3.11" >&2; \
	exit 1; }
endef

# Adds to an environment that is there; makes a new one only where none works. An environment that is older
# than we support is left to its owner.
define install
@$(NEED_PYTHON)
@[ -x $(BIN)/python ] || "$(PYTHON)" -m venv --clear $(VENV)
@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "$(VENV) holds $$($(BIN)/python -V), which is too old: remove it and try again" >&2; exit 1; }
@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endef
