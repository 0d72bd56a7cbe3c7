# `make quickstart` and `make test` set themselves up; nothing else is needed
# than Python >= 3.11 and make.
PYTHON ?= python3
BIN = .venv/bin
QUICKSTART ?= results/quickstart

.PHONY: setup setup-dev quickstart test test-slurm test-all gpu-report lint clean

# --no-compile: what is never imported need not be compiled.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check \
  --no-compile -c constraints.txt

setup: .venv/.ready
setup-dev: .venv/.ready-dev

.venv/.ready: setup.cfg constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'jaxperf needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...'; exit 2; }
	$(PYTHON) -m venv .venv
	$(INSTALL) -e .
	@touch $@

.venv/.ready-dev: .venv/.ready
	$(INSTALL) -e '.[dev]'
	@touch $@

quickstart: setup
	$(BIN)/jaxperf run --config=quickstart --workdir=$(QUICKSTART)
	$(BIN)/jaxperf score $(QUICKSTART)
	$(BIN)/jaxperf report $(QUICKSTART)

# Two files of tests at a time: most of a test's time is one thread compiling.
PYTEST = $(BIN)/python -m pytest -n 2 --dist loadfile

test: setup-dev
	$(PYTEST) -m 'not slow and not gpu and not slurm and not data'

# On a SLURM of their own, which they start; they skip where there can be none.
test-slurm: setup-dev
	$(BIN)/python -m pytest -n 4 --dist loadfile -m 'slurm and not slow' tests/cluster

test-all: setup-dev
	$(PYTEST) -m 'not gpu and not slurm and not data'

# On a machine with a GPU, jaxperf[cuda12] or [cuda13] in .venv.
gpu-report: setup-dev
	$(BIN)/python -m tests.gpu.report results/gpu_report.md

lint: setup-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	rm -rf .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
