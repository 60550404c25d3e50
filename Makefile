# Every command of this repository: `make help` lists them. Needs Python 3.11 or newer, pip, make and git.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
CATALOGUES := $(shell find shelter/translations -name '*.po' 2>/dev/null)

export PYTHONUNBUFFERED := 1

.PHONY: help run start test lint prove contract bench pictures install lock vendor translations migration postgres clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(VENV)/.runtime $(VENV)/.translations ## The demonstration on http://localhost:8000 (PORT overrides): example data, kept between calls
	@$(BIN)/python -m shelter.cli serve --demo

start: $(VENV)/.runtime $(VENV)/.translations ## The real thing on loopback: empty database, own keys, first administrator by a one-time link
	@$(BIN)/python -m shelter.cli serve

test: install browser lint ## Everything: checks, then all tests on SQLite and PostgreSQL, browser journeys included
	$(BIN)/pytest -n 2 --dist worksteal

lint: install ## Style, types, import contracts, templates, translations, lock files
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/python tools/translations.py check

prove: install browser ## The long campaigns: races, crashes and life cycles at full size, each with its control; prints their figures
	$(BIN)/pytest -n 2 --dist worksteal -m slow --prove

contract: install ## Our Twilio client against Twilio's published specification (needs Node)
	sh tools/contract.sh

pictures: install browser ## The pictures of the README, from the demonstration's own pages
	$(BIN)/python -m tools.pictures

bench: install ## How fast, on both databases, beside the bare statements; BENCH="--quick" or other options
	$(BIN)/python -m tools.bench $(BENCH)

install: $(VENV)/.development $(VENV)/.translations ## The virtual environment with everything for development, exactly as locked

$(VENV)/.runtime: requirements.txt
	@$(MAKE) -s --no-print-directory $(BIN)/python
	$(PIP) install --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.development: requirements-dev.txt pyproject.toml
	@$(MAKE) -s --no-print-directory $(BIN)/python
	$(PIP) install --require-hashes -r requirements-dev.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.runtime

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name it with PYTHON=…" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.translations: $(CATALOGUES) | $(VENV)/.runtime
	$(BIN)/python tools/translations.py compile
	@touch $@

.PHONY: browser
browser: # Chromium and Korean fonts, for the journeys
	@sh tools/system_packages.sh

lock: ## Resolve the dependencies again, with hashes and without addresses
	@test -x .venv-tools/bin/uv || { $(PYTHON) -m venv .venv-tools && .venv-tools/bin/python -m pip -q install uv; }
	.venv-tools/bin/uv pip compile pyproject.toml --universal --generate-hashes --no-annotate --no-header -q -o requirements.txt
	.venv-tools/bin/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-annotate --no-header -q -o requirements-dev.txt
	@! grep -nE '(https?|file)://' requirements.txt requirements-dev.txt

vendor: install ## Copy the pinned front-end files from their packages (needs npm)
	$(BIN)/python tools/vendor_assets.py

translations: install ## Compile the catalogues and check that nothing is untranslated
	$(BIN)/python tools/translations.py compile
	$(BIN)/python tools/translations.py check

migration: install ## Draft a migration from the models: make migration m="what it is about"
	@test -n "$(m)" || { echo 'Say what it is about: make migration m="stay policies"'; exit 2; }
	$(BIN)/shelter --demo db revision --autogenerate -m "$(m)"

postgres: install ## A PostgreSQL for development, data kept in instance/postgres; prints its DATABASE_URL
	@$(BIN)/python -m tests.support.postgres --data instance/postgres

clean: ## Remove what can be made again; instance/ (databases, keys) stays
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis $(VENV) .venv-tools
	find . -name __pycache__ -prune -exec rm -rf {} +
	find shelter/translations -name '*.mo' -delete
