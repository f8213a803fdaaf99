# make chat [DOCS=folder]   talk to a folder of documents        make test    everything CI checks
# make check                format, lint, types, contracts       make clean   forget it all but libraries
DOCS ?= seeds
PYTHON ?= python3
BIN := .venv/bin

.PHONY: chat test check clean

chat: .venv/installed
	@$(BIN)/python app.py serve "$(DOCS)"

test: check
	$(BIN)/python -m pytest

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info

# Made again only when what is to be installed has changed.
.venv/installed: pyproject.toml requirements.lock
	@echo "Installing Footnote into .venv (once; a few minutes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable .
	@touch $@

.venv/installed-dev: .venv/installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	@touch $@
