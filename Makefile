# make chat [DOCS=folder] [LLM=model@http://host:port/v1]    talk to a folder of documents
# make test    everything CI checks                  make gate    the seeds set against its floors
# make check   format, lint, types, contracts        make benchmark [DATA=folder]   the table of record
# make clean   forget it all but libraries
DOCS ?= seeds
DATA ?= ../shared/data
LLM ?= $(FOOTNOTE_LLM)
PYTHON ?= python3
BIN := .venv/bin

.PHONY: chat test gate benchmark check clean

chat: .venv/installed
	@$(BIN)/python app.py serve "$(DOCS)" --llm "$(LLM)"

test: check
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
	$(MAKE) gate

gate: .venv/installed-dev
	$(BIN)/python -m eval run eval/sets/seeds.jsonl --out runs/gate.jsonl
	$(BIN)/python -m eval gate runs/gate.jsonl --floor eval/gate.toml

benchmark: .venv/installed-dev
	$(BIN)/python -m eval benchmark --data "$(DATA)"

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
