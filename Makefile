# make demo   speak one sentence: venv, install, demo.wav
# make test   install what the tests need and run the quick ones; make test-all runs the slow too
# make soak   training under a hundred kills, and under other attacks; minutes
# make check  lint and types
# make docs   the API reference, into build/reference

PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python
PYTEST := $(RUN) -m pytest -n logical --maxprocesses 4 --dist loadfile

.PHONY: demo test test-all soak check docs clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed
	$(RUN) infer.py --out demo.wav --prompt-audio examples/clara.wav \
	  --prompt-text-file examples/clara.txt \
	  --seed 27 --text "Three seconds of a voice are enough. Now it reads whatever you write."

test: $(VENV)/.installed-dev
	$(PYTEST) -m "not slow"

test-all: $(VENV)/.installed-dev
	$(PYTEST)

soak: $(VENV)/.installed-dev
	$(RUN) tests/soak.py

check: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

docs: $(VENV)/.installed-docs
	$(RUN) docs/reference.py build/reference

clean:
	rm -rf $(VENV) demo.wav demo.json

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "Python 3.10 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

$(VENV)/.installed-docs: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	@touch $@
