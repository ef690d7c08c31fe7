# What a developer types. Each target makes .venv and installs what it needs; GNU make 3.81 will do.
#
#   make demo               the whole thing at work, until Ctrl-C; ARGS=--once ends by itself
#   make test               the test suite, with no server; ARGS="-k retry -x" goes to pytest
#   make faults             errors and deaths at every fault point, with real workers
#   make recovery           kills workers of every pool with default settings, and prints how many
#                           seconds their steps waited; ARGS=--quick takes three and a half minutes
#   make outages            servers that go away and come back, wrong clocks, deploys, shutdowns: with
#                           real workers and servers of its own; ARGS="-m 'outage and not long'" is
#                           what CI runs
#   make browser            the admin in a real Chromium: apt-get install chromium
#   make screenshots        pictures of the demo's admin, in var/screenshots; ARGS=--docs renews those
#                           of the docs
#   make lint               ruff, mypy, import-linter, missing migrations
#   make contract           sends 200 requests of every kind to each operation of the API, where the
#                           test suite sends ten
#   make openapi            writes docs/openapi.yaml anew, which a test compares with the code
#   make format             ruff format, and what ruff can mend by itself
#   make coverage           the test suite with branch coverage
#   make bench              measures beside Celery and DBOS; ARGS=--quick takes two minutes
#   make load               asks the API under gunicorn, with a million runs in PostgreSQL;
#                           ARGS=--quick takes a quarter of a minute
#   make prune-trial        deletes 100 000 runs while workers work; ARGS=--quick deletes 2 000
#   make chaos              kills workers and servers under load; ARGS=--short takes a minute and a half
#   make build              the wheel and the source distribution, in dist/
#   make clean              removes what was made, .venv too; the demo's data in var/ stay
#
# PYTHON chooses the interpreter (3.11 or newer) and VENV its place:
#   make test PYTHON=python3.13 VENV=var/venv/3.13
# DATABASE_URL and CELERY_BROKER_URL, where they are set, are what demo and test run on.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.PHONY: demo test faults recovery outages browser screenshots lint lint-ruff lint-types lint-imports lint-migrations openapi contract format coverage bench load prune-trial chaos build clean
.DELETE_ON_ERROR:

demo: $(VENV)/.demo
	$(BIN)/python manage.py demo $(ARGS)

test: $(VENV)/.test
	$(BIN)/python -m pytest $(ARGS)

faults: $(VENV)/.test
	$(BIN)/python -m pytest -m 'faults or not faults' tests/faults $(ARGS)

recovery: $(VENV)/.demo
	$(BIN)/python -m recovery $(ARGS)

outages: $(VENV)/.test
	$(BIN)/python -m pytest -m outage tests/outages $(ARGS)

browser: $(VENV)/.browser
	$(BIN)/python -m pytest -m e2e tests/browser $(ARGS)

screenshots: $(VENV)/.browser
	$(BIN)/python -m screenshots $(ARGS)

lint: lint-ruff lint-types lint-imports lint-migrations

lint-ruff: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lint-types: $(VENV)/.lint
	$(BIN)/mypy

lint-imports: $(VENV)/.lint
	$(BIN)/lint-imports --no-logo

lint-migrations: $(VENV)/.lint
	$(BIN)/python manage.py makemigrations --check --dry-run

contract: $(VENV)/.test
	CONTRACT_EXAMPLES=200 $(BIN)/python -m pytest tests/api/test_contract.py $(ARGS)

openapi: $(VENV)/.demo
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

format: $(VENV)/.lint
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

coverage: $(VENV)/.test
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks $(ARGS)

load: $(VENV)/.bench
	$(BIN)/python -m benchmarks.load $(ARGS)

prune-trial: $(VENV)/.demo
	$(BIN)/python -m benchmarks.pruning $(ARGS)

chaos: $(VENV)/.demo
	$(BIN)/python -m chaos $(ARGS)

build: $(VENV)/.build
	rm -rf dist
	$(BIN)/python -m build --outdir dist .

clean:
	rm -rf $(VENV) var/venv var/tests var/coverage var/benchmarks build dist htmlcov
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp per dependency group, newer than pyproject.toml once the group is installed.

$(VENV)/.demo $(VENV)/.test $(VENV)/.browser $(VENV)/.lint $(VENV)/.bench: $(VENV)/.%: $(VENV)/.pip pyproject.toml
	@echo "Installing django-gorkflow and what '$*' needs into $(VENV) ..."
	@$(PIP) install --group $* --editable .
	@touch $@

$(VENV)/.build: $(VENV)/.pip pyproject.toml
	@$(PIP) install --group build
	@touch $@

$(VENV)/.pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@# Dependency groups need pip 25.1; what the system has may be older.
	@$(PIP) install --upgrade "pip>=25.1"
	@touch $@
