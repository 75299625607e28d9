# `make demo`, `make test` and `make run` need Python 3.11 or newer and make, nothing else.

# Prefer the system's python3, whose venv package is the one installed; if it is too old, try others.
IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
    $$python -c '$(IS_NEW_ENOUGH)' 2>/dev/null && echo $$python && exit; done; echo python3)
VENV := .venv
# More packages, by file name in requirements/: `make test EXTRAS=django61 VENV=.venv-django61`.
EXTRAS :=
BIN := $(VENV)/bin
# Exists while packages are being installed, and after an interrupted installation.
INSTALLING := $(VENV)/installing
MANAGE := $(BIN)/python manage.py
# Where the targets that need root and debootstrap keep their minimal Debian.
DEBIAN_DIR ?= var/debian

.PHONY: image-without-engine demo run test test-newest test-all test-faults mutations bench screenshots lint format audit requirements

run: $(VENV)/base
	$(MANAGE) run

# The demo has its own data, so that it never mixes with yours.
demo: export DATA_DIR ?= var/demo
demo: $(VENV)/base
	$(MANAGE) demo

# A few minutes, on any machine. What it leaves out is in `make test-all`.
test: $(VENV)/dev
	$(BIN)/pytest -n 2 -m "not slow and not services" $(ARGS)

# Two processes: one begins with the tests that start a whole service, the other with the rest. In
# the order of collection: xdist would otherwise start the groups with the most tests first, whatever
# they take.
test-all: $(VENV)/dev
	$(BIN)/pytest -n 2 --dist loadgroup --no-loadscope-reorder $(ARGS)

# Injects faults into the real service; needs PostgreSQL, RabbitMQ and Redis, and root to drop packets.
# Two at a time, one on each broker: each service has its own database, vhost or Redis database.
test-faults: $(VENV)/dev
	$(BIN)/pytest tests/faults -n 2 --dist loadgroup $(ARGS)

# `make test` with Python 3.14 and Django 6.1; needs root and debootstrap.
test-newest:
	$(PYTHON) docker/newest_python.py $(DEBIAN_DIR)

# Builds and tests the image without a Docker engine; needs root and debootstrap, and takes six minutes.
image-without-engine:
	$(PYTHON) docker/without_engine.py $(DEBIAN_DIR)

# Removes each guard and checks that its test fails.
mutations: $(VENV)/dev
	$(BIN)/python tests/mutations/run.py $(ARGS)

# Runs all benchmarks, or one: `make bench ARGS=acknowledge`; needs PostgreSQL, RabbitMQ and Redis.
bench: $(VENV)/dev
	$(BIN)/python -m tests.benchmarks $(ARGS)

# The screenshots in README and docs, and those of every page in var/screenshots; needs Chromium.
screenshots: $(VENV)/dev
	DJANGO_SETTINGS_MODULE=mediapipe.settings $(BIN)/python -m tests.browser

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy .

format: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Known vulnerabilities in the locked requirements; needs pypi.org. Not in CI: an advisory that is
# published today would fail a change that has nothing to do with it.
audit: $(VENV)/dev
	for locked in requirements/*.txt; do \
	    $(BIN)/pip-audit --strict --require-hashes --disable-pip -r $$locked || exit 1; done

# base.in comes first in the glob: its versions constrain the others.
requirements: $(VENV)/dev
	for source in requirements/*.in; do \
	    $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade --no-header \
	        --no-emit-index-url -o $${source%.in}.txt $$source || exit 1; done

# Recreates an incomplete environment, or one whose Python was removed or replaced.
$(shell test ! -e $(INSTALLING) && $(BIN)/python -c 'import pip' 2>/dev/null || rm -f $(BIN)/pip)

$(BIN)/pip:
	@$(PYTHON) -c '$(IS_NEW_ENOUGH)' || \
	    { echo 'This needs Python 3.11 or newer; name it with PYTHON=.' >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { \
	    package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	    echo "$(PYTHON) cannot create $(VENV). On Debian or Ubuntu: apt install $$package" >&2; exit 1; }

$(VENV)/base $(VENV)/dev: $(VENV)/%: requirements/%.txt $(EXTRAS:%=requirements/%.txt) $(BIN)/pip
	touch $(INSTALLING)
	for locked in $(filter %.txt,$^); do \
	    $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $$locked || exit 1; done
	rm $(INSTALLING)
	touch $@
