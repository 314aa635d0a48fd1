# Two commands are all a fresh machine needs: make demo, make test.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
SUITE ?= bookworm

.PHONY: help
help: ## Say what each command does
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

.PHONY: setup
setup: .venv/.ready ## Make .venv with the retailpulse command in it

.venv/.ready: requirements-dev.lock pyproject.toml tools/setup.sh
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Say which with: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "The venv module is missing: apt-get install python3-venv"; exit 1; }
	@tools/setup.sh "$(PYTHON)"

.PHONY: demo
demo: setup ## Do the main job on drawn photos, before your eyes (ARGS="--exit" ends by itself)
	@$(BIN)/python -m retailpulse demo $(ARGS)

.PHONY: test
test: setup ## Run the tests but the slowest (ARGS="-k name" picks some)
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not slow" $(ARGS)

.PHONY: bare
bare: ## Run the demo and the tests in a bare Debian, as root (SUITE=trixie takes another one)
	@.ci/bare $(SUITE)

.PHONY: test-slow
test-slow: setup ## Run the slowest tests: long faults, the API held to its description, the built image
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m slow $(ARGS)

.PHONY: flaky
flaky: setup ## Run one test many times under load (TEST=tests/x.py::test_y TIMES=50 LOAD=8)
	@test -n "$(TEST)" || { echo "Say which: make flaky TEST=tests/api/test_docs.py::test_name TIMES=50"; exit 2; }
	@$(BIN)/python -m tests.flaky $(if $(TIMES),--times $(TIMES)) $(if $(LOAD),--load $(LOAD)) "$(TEST)"

.PHONY: fuzz
fuzz: setup ## Fuzz addresses, URLs, photos, answers, submits (ARGS="--cases 100000 --seed 7")
	@$(BIN)/python -m tests.fuzz $(ARGS)

.PHONY: fuzz-api
fuzz-api: setup ## Hold the API to its own description for minutes (ARGS="--minutes 20 --seed 7")
	@$(BIN)/python -m tests.contract $(ARGS)

.PHONY: soak
soak: setup ## Break the running service at random, see every promise kept (ARGS="--minutes 60 --seed 7")
	@$(BIN)/python -m tests.soak $(ARGS)

.PHONY: check
check: setup ## Format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

.PHONY: lint-image
lint-image: setup ## Lint the Dockerfile and check the compose files (ARGS="-k name" picks some)
	@$(BIN)/python -m pytest tests/image/test_lint.py $(ARGS)

.PHONY: format
format: setup ## Put the code in shape
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: bench
bench: setup ## Measure images per second beside their limit (ARGS="--help" says more)
	@$(BIN)/python -m bench $(ARGS)

.PHONY: screenshots
screenshots: setup ## Take the pictures of docs/screenshots again (needs Chromium)
	@$(BIN)/python -m tests.dashboard.screenshots

.PHONY: hostile
hostile: setup ## Play every trick of a bad photo host on loopback (ARGS="--help" says more)
	@$(BIN)/python -m tests.hostile $(ARGS)

.PHONY: site
site: setup ## Build the documents as a site in dist/site, and print its address (ARGS=--serve serves it)
	@$(BIN)/python -m tools.docsite dist/site $(ARGS)

.PHONY: release
release: setup ## Make wheel, sdist, bill of materials, licences, checksums in dist/release (ARGS=FOLDER)
	@$(BIN)/python tools/release.py $(or $(ARGS),dist/release)

.PHONY: audit
audit: setup ## Look the locked packages up among known vulnerabilities (needs the internet)
	@tools/audit.sh

.PHONY: lock
lock: ## Write the lock files anew (needs uv)
	uv pip compile -q pyproject.toml --extra server --extra parquet --extra cloud --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements.lock
	uv pip compile -q pyproject.toml --extra server --extra parquet --extra cloud --extra tracing --extra profile --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c requirements.lock -o requirements-dev.lock
	uv pip compile -q --group build --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c requirements-dev.lock -o requirements-build.lock

.PHONY: clean
clean: ## Remove .venv and caches
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis .import_linter_cache
