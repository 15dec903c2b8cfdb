# Two commands for a newcomer: `make demo` and `make test`. Everything else stands on .venv,
# which is made from the locks alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := schemas connectors streams tests benchmarks docs/theme

.PHONY: install demo test soak bench lint types contracts check docs lock clean

$(STAMP): requirements/dev.lock pyproject.toml
	@echo "installing into $(VENV): about a minute, once"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

install: $(STAMP) ## .venv, and callstreams in it

demo: $(STAMP) ## the whole product on simulated vendors; FOR=60 ends after 60 s
	$(BIN)/callstreams demo $(if $(FOR),--for $(FOR))

test: $(STAMP) ## unit, contract and integration tests
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

check: lint types contracts ## all that .ci/run asks beside the tests

bench: $(STAMP) ## figures into docs/performance.*, in about 25 minutes; QUICK=1 for trying
	$(BIN)/python -m benchmarks.engine $(if $(QUICK),--quick)
	$(BIN)/python -m benchmarks.ingress $(if $(QUICK),--seconds 1 --rounds 1)
	$(BIN)/python -m benchmarks.hooks $(if $(QUICK),--quick)
	$(BIN)/python -m benchmarks.alert_rules $(if $(QUICK),--days 20)
	$(BIN)/python -m benchmarks.board $(if $(QUICK),--seconds 10)

docs: $(STAMP) ## the documentation site into site/; SERVE=1 shows it at http://127.0.0.1:8000
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs $(if $(SERVE),serve,build --quiet)

soak: $(STAMP) ## the kill tests in full: some two hours
	CALLSTREAMS_EXACTNESS_RUNS=100 $(BIN)/python -m pytest tests/engine/test_exactness.py
	CALLSTREAMS_KILLS=30 CALLSTREAMS_RECORDS=20000 $(BIN)/python -m pytest tests/contract/test_kills.py
	CALLSTREAMS_KILLS=full $(BIN)/python -m pytest tests/hooks/test_kills.py

lock: ## write requirements/*.lock anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements/runtime.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links pyproject.toml --group dev -o requirements/dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links benchmarks/requirements-peers.in -o benchmarks/requirements-peers.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
