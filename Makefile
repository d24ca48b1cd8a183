# make run     the app, on the embedded demo        make test    lint, types, all tests, the browser's too
# make check   lint and types only                  make bench   the benchmarks of benchmarks/README.md

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test check format bench

# Kernels are compiled before the app opens, so that nobody's first click waits for them.
run: .venv/installed
	$(BIN)/python -m core.warm_up
	$(BIN)/python -m ui.serve --server.address localhost

test: check
	sh tests/install_chromium.sh
	$(BIN)/python -m core.warm_up
	$(BIN)/python -m pytest -m "not browser" --numprocesses auto --maxprocesses 4 --dist worksteal
	$(BIN)/python -m pytest -m browser tests/browser

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/installed-dev
	$(BIN)/python -m benchmarks

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: requirements.txt requirements-browse.txt | .venv/bin/python
	$(PIP) -r requirements.txt
	touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(PIP) -r requirements-dev.txt
	touch $@
