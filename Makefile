# The jobs of continuous integration, by name; .ci/run runs them all in a fresh environment.
PYTHON ?= python

.PHONY: faults test-all format lint types test test-data test-browser documents docs wheel tables nightly

format:
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

lint:
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .

types:
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest -n 2

# With the slow tests, which train whole models or start several processes, as continuous integration runs them.
test-all:
	$(PYTHON) -m pytest -n 2 -m "not documents"

# Only the tests on real data, which is in $ELMO_TASKS_DATA or ../shared/data; a missing data set is a failure.
test-data:
	ELMO_TASKS_REQUIRE_DATA=1 $(PYTHON) -m pytest -m data

# Only the tests of the page in a browser; a missing one is a failure (Debian's package is `chromium`).
test-browser:
	ELMO_TASKS_REQUIRE_BROWSER=1 $(PYTHON) -m pytest -m browser

# The shell blocks of README.md and docs/, in folders with small stand-ins, and the built site (extras docs and minilm).
documents:
	$(PYTHON) -m pytest -n 2 -m documents

# Ten thousand damaged inputs and two hundred kills, ten minutes on two cores; the tests try about a thousand and a dozen.
faults:
	$(PYTHON) tests/faults/faulty.py 10000
	$(PYTHON) tests/faults/kills.py 200

# The site, into site/.
docs:
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict

wheel:
	$(PYTHON) -m build --wheel
	$(PYTHON) -m build --wheel --outdir dist distributions/lite

# The tables in the READMEs and in docs/, from results/.
tables:
	$(PYTHON) -m tools.tables

# README's two commands as they are written, in empty environments (torch and all else is downloaded and installed twice), and
# two dozen kills of the verbs whose processes take seconds to start.
nightly:
	.ci/nightly
	$(PYTHON) tests/faults/kills.py 24 0 benchmark tune
