# Needs Python 3.11 or newer and pip, nothing else. `make` lists what can be made.
#
#   VENV    the virtual environment (default .venv)
#   PYTHON  the Python that makes it
#   ARGS    passed on, e.g.  make test ARGS="-m 'not slow'"   make run ARGS="--port 8000"

VENV ?= .venv
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
ARGS ?=

PY := $(VENV)/bin/python
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help run test test-quick lint types format build-fieldguide measure screenshots setup setup-test setup-dev \
	hooks constraints

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup ## start the app on the bundled profile
	$(PY) app.py $(ARGS)

test: setup-test ## run all tests
	$(PY) -m pytest $(ARGS)

test-quick: setup-test ## run the tests that take seconds
	$(PY) -m pytest -m "not slow and not browser" $(ARGS)

lint: setup-dev ## check style and format with ruff
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: setup-dev ## check types with mypy
	rm -f raven_core/ui/*.pyi # gradio writes stubs beside its subclasses, and they would hide the sources
	$(PY) -m mypy

format: setup-dev ## mend what ruff can mend
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

build-fieldguide: setup ## rebuild assets/fieldguide (about two hours on two cores, resumable)
	$(PY) -m finetune.build_fieldguide $(ARGS)

measure: setup ## print the figures of docs/results.md as JSON
	$(PY) -m finetune.measure_fieldguide --json $(ARGS)

screenshots: setup-test ## take the pictures of the page in docs/images again (needs Chromium)
	$(PY) scripts/screenshots.py $(ARGS)

setup: $(VENV)/.ready ## make the virtual environment with what the app needs
setup-test: $(VENV)/.ready-test ## ... and what the tests need
setup-dev: $(VENV)/.ready-dev ## ... and ruff and mypy

hooks: setup-dev ## check style and types before every commit
	$(PY) -m pip install --quiet pre-commit
	$(VENV)/bin/pre-commit install

constraints: setup-dev ## write the versions now installed to constraints.txt
	@{ sed -n '/^#/p' constraints.txt; $(PY) -m pip freeze --all --exclude-editable \
		| grep -Ev '^(pip|wheel)==' | sed 's/+cpu$$//'; } > constraints.new
	@! grep -E '@|://' constraints.new || { echo "a package has no plain version" >&2; exit 1; }
	mv constraints.new constraints.txt

$(PY):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready: requirements.txt constraints.txt | $(PY)
	$(INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.ready-test: $(VENV)/.ready pyproject.toml
	$(INSTALL) -e ".[test]"
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready-test
	$(INSTALL) -e ".[dev]"
	@touch $@
