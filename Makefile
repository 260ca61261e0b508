# Every verb sets up what it needs in .venv; PYTHON=python3.12 picks another interpreter.
PYTHON ?= python3
VENV   ?= .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
STAMP := $(VENV)/.installed-dev
DEMO  := $(VENV)/.installed-demo

.PHONY: demo test test-long check format docs bench clean

demo: $(DEMO)
	@$(BIN)/python -m qqbot_sync demo

test: $(STAMP)
	$(BIN)/python -m pytest -m "not long" -n auto --dist loadfile

test-long: $(STAMP)
	$(BIN)/python -m pytest -m long --timeout 900

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP)
	$(BIN)/python docs/generate_events.py
	$(BIN)/python docs/generate_api.py
	$(BIN)/python docs/generate_configuration.py

bench: $(STAMP)
	$(BIN)/python benchmarks/throughput.py

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(STAMP): setup.cfg pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $(STAMP) $(DEMO)

$(DEMO): setup.cfg pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[simulator]"
	@touch $(DEMO)
