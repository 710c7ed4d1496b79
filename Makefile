# `make lab` to read, `make test` to check; the rest keeps the project in order.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help lab test lint notebooks bench lock
help: ## list these commands
	@awk -F ':.*[#]# ' 'NF == 2 { printf "make %-10s %s\n", $$1, $$2 }' Makefile

lab: $(READY) ## open the start notebook in JupyterLab
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) \
	  --ServerApp.root_dir=notebooks --LabApp.default_url=/lab/tree/00-start-here.ipynb

# What one test, notebook or kernel has compiled, the next need not compile again.
test: export JAX_COMPILATION_CACHE_DIR = $(CURDIR)/build/jax
test: export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS = 0
test: export JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES = 0
test: lint ## run every check: lint, unit tests, notebooks, browser tests
	@$(BIN)/python -c 'from tests.browser.lab import find_chromium as find; exit(not find())' || { \
	  printf '\n*** NO CHROMIUM FOUND: THE BROWSER TESTS CANNOT RUN. Install it or set CHROMIUM. ***\n\n' >&2; \
	  [ -z "$$DLCOMPANION_REQUIRE_BROWSER" ] || exit 1; \
	  set -- -m "not browser"; }; \
	$(BIN)/pytest "$$@"

lint: $(READY) ## check style, format and who imports whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

notebooks: $(READY) ## run every notebook and store its outputs
	$(BIN)/python scripts/notebooks.py notebooks/*.ipynb

bench: $(READY) ## run every benchmark
	@set -- benchmarks/[!_]*.py; [ -e "$$1" ] || { echo "There is no benchmark yet."; exit 0; }; \
	for file; do echo "== $$file"; $(BIN)/python "$$file" || exit 1; done

lock: ## write the lock again after a change of pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(PYTHON) -m venv --clear build/lock
	build/lock/bin/pip install --quiet uv
	build/lock/bin/uv pip compile --quiet pyproject.toml --extra notebooks --extra test \
	  --universal --fork-strategy fewest --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate $(UPGRADE) --output-file requirements.lock
	{ sed -e '/--hash=/d' -e 's/ \\$$//' requirements.lock; echo .; } > binder/requirements.txt

# The environment is made anew whenever what it consists of changes.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "dlcompanion needs Python 3.11 or newer; '$(PYTHON)' is older or missing. Try: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; \
	  exit 1; }
	@echo "Setting up .venv from requirements.lock: once, a few minutes."
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@# JupyterLab's question about news: answered, for this environment alone.
	mkdir -p .venv/share/jupyter/lab/settings
	echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}' \
	  > .venv/share/jupyter/lab/settings/overrides.json
	touch $@
