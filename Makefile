# Every verb a contributor needs. `make run` and `make test` work from a clean clone.

PYTHON ?= $(shell scripts/choose-python)
BIN := .venv/bin
INITDB := /usr/lib/postgresql/*/bin/initdb
PARAMETERS := sync/fieldward_sync/matching/parameters.py
MINUTES ?= 30
DATABASE ?= sqlite
FOLDER ?= /var/tmp/fieldward-national
# A northern and an eastern city, London's east and a county: names of every kind.
PEOPLE := --authority E08000039 --authority E06000016 --authority E09000030 \
	--authority E06000052 --children 80000 --seed 4
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --custom-compile-command 'make lock'

# Tests start programs by the dozen: without its bytecode each compiles every library anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test check crash explore lint types bench bench-national soak weights vectors format lock clean system
.DELETE_ON_ERROR:

help: ## print this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

run: .venv/installed ## install, start the system and play the main job
	$(BIN)/fieldward demo

test: system lint types ## everything: lint, types, import contracts, all tests on both databases
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

check: lint types ## the fast subset: lint, types, import contracts, unit and property tests
	$(BIN)/python -m pytest tests/unit tests/property

lint: .venv/ready ## formatting, lint and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --config setup.cfg

types: .venv/ready ## mypy, strict
	$(BIN)/mypy

crash: .venv/ready ## the device's disk fails at every call, in every way: minutes
	CRASH_AT_EVERY_POINT=1 $(BIN)/python -m pytest --numprocesses auto tests/crash

explore: system .venv/ready ## properties on other examples than `make test` draws, each time new ones: minutes
	$(BIN)/python -m pytest --numprocesses auto --hypothesis-profile explore -m hypothesis

bench: system .venv/ready ## measure what the design promises; see bench/results/latest.json
	$(BIN)/python -m bench

bench-national: system .venv/ready ## the country: records, its day, enquiries; hours, 60 GB in FOLDER
	$(BIN)/python -m bench.country --folder $(FOLDER)/country
	$(BIN)/python -m bench.national_day
	$(BIN)/python -m bench.national --folder $(FOLDER)

soak: system .venv/ready ## play the loop for MINUTES on DATABASE while its processes are killed
	$(BIN)/fieldward soak --minutes $(MINUTES) --database $(DATABASE)

weights: .venv/ready ## estimate anew what agreements are worth in a search
	$(BIN)/fieldward population weights $(PEOPLE) --output $(PARAMETERS)

vectors: .venv/ready ## write the test vectors and the protocol's tables anew
	$(BIN)/python tests/vectors/generate.py
	$(BIN)/python tests/protocol_pages/tables.py

format: .venv/ready ## mend what lint can mend safely, and rewrite the code in the one format
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lock: .venv/created ## bring the locked dependencies up to date
	$(LOCK) requirements/uv.in --output-file requirements/uv.txt
	$(LOCK) setup.cfg --extra server requirements/server.in \
		--output-file requirements/server.txt
	$(LOCK) setup.cfg --extra server requirements/server.in requirements/development.in \
		--constraint requirements/server.txt --output-file requirements/development.txt
	rm -rf *.egg-info # what reading setup.cfg leaves behind would hide the installed metadata

clean: ## remove the environment and everything generated
	rm -rf .venv build dist *.egg-info .hypothesis .*_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What tests need of the system: a real database server, and a tracer that sees every write.
system:
	@ls $(INITDB) >/dev/null 2>&1 || scripts/apt-install postgresql
	@ls $(INITDB) >/dev/null
	@command -v strace >/dev/null || scripts/apt-install strace

# The environment, in three steps; each is repeated only when a lock or the metadata changes.

.venv/created: requirements/uv.txt
	scripts/new-environment $(PYTHON)
	@touch $@

.venv/installed: .venv/created requirements/server.txt setup.cfg pyproject.toml
	$(INSTALL) --require-hashes --requirement requirements/server.txt
	$(INSTALL) --offline --no-deps --no-build-isolation --editable .
	@touch $@

.venv/ready: .venv/installed requirements/development.txt
	$(INSTALL) --require-hashes --requirement requirements/development.txt
	@touch $@
