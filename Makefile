# `make demo`, `make test` and `make run` need Python 3.11 and make, nothing else.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
# Exists while packages are installed, and after an installation that was interrupted.
INSTALLING := $(VENV)/installing
MANAGE := $(BIN)/python manage.py
IMAGE_DIR ?= var/image

.PHONY: image-without-engine demo run test test-all test-faults mutations bench screenshots lint format audit requirements

run: $(VENV)/base
	$(MANAGE) run

# The demo has its own data, so that it never mixes with yours.
demo: export DATA_DIR ?= var/demo
demo: $(VENV)/base
	$(MANAGE) demo

# A few minutes, on any machine. What it leaves out is in `make test-all`.
test: $(VENV)/dev
	$(BIN)/pytest -n 2 -m "not slow and not services" $(ARGS)

# Two processes: one runs the tests that start a whole service, the other everything else. In the
# order of the files, because the longest tests are in groups that would otherwise come last.
test-all: $(VENV)/dev
	$(BIN)/pytest -n 2 --dist loadgroup --no-loadscope-reorder $(ARGS)

# Injects faults into the real service; needs PostgreSQL, RabbitMQ and Redis, root to lose packets,
# and about twenty minutes.
test-faults: $(VENV)/dev
	$(BIN)/pytest tests/faults $(ARGS)

# Builds and tests the image without a Docker engine; needs root and debootstrap, and six minutes.
image-without-engine:
	$(PYTHON) docker/without_engine.py $(IMAGE_DIR)

# Removes each guard and checks that its test fails.
mutations: $(VENV)/dev
	$(BIN)/python tests/mutations/run.py $(ARGS)

# Runs all benchmarks, or one: `make bench ARGS=acknowledge`; needs PostgreSQL, RabbitMQ and Redis.
bench: $(VENV)/dev
	$(BIN)/python -m tests.benchmarks $(ARGS)

# The screenshots in README and docs; needs Chromium.
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
	for name in base s3 telemetry dev; do \
	    $(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements/$$name.txt || exit 1; done

# The glob starts with base.in, to whose versions the others are held.
requirements: $(VENV)/dev
	for source in requirements/*.in; do \
	    $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade --no-header \
	        --no-emit-index-url -o $${source%.in}.txt $$source || exit 1; done

# A half-made environment, or one of a Python that was removed or replaced, is made again.
$(shell test ! -e $(INSTALLING) && $(BIN)/python -c 'import pip' 2>/dev/null || rm -f $(BIN)/pip)

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo 'This needs Python 3.11 or newer; name it with PYTHON=.' >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { \
	    package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	    echo "$(PYTHON) cannot create $(VENV). On Debian or Ubuntu: apt install $$package" >&2; exit 1; }

$(VENV)/base $(VENV)/dev: $(VENV)/%: requirements/%.txt $(BIN)/pip
	touch $(INSTALLING)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	rm $(INSTALLING)
	touch $@
