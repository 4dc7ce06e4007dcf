# The jobs of continuous integration, by name; .ci/run runs them all in fresh environments.
PYTHON ?= python

.PHONY: format lint types test test-data test-browser wheel tables

format:
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

lint:
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .

types:
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest

# The tests on real data alone, which is in $ELMO_TASKS_DATA or ../shared/data; a missing data set is a failure.
test-data:
	ELMO_TASKS_REQUIRE_DATA=1 $(PYTHON) -m pytest -m data

# The tests of the page in a browser alone; a missing one is a failure (Debian's package is `chromium`).
test-browser:
	ELMO_TASKS_REQUIRE_BROWSER=1 $(PYTHON) -m pytest -m browser

wheel:
	$(PYTHON) -m build --wheel

# The tables in the READMEs, from results/.
tables:
	$(PYTHON) -m elmo_tasks.report.tables
