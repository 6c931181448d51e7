# The interpreter that makes the environment: the first of these that is new enough, or `make setup PYTHON=…`.
PYTHON     ?=
PYTHONS    := $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.14 python)
VENV       ?= .venv
EXTRAS     ?= demo,postgres,fast,pandas,storage,formats,docs,dev
WORKERS    ?= 4
RUNS       ?= 10

BIN        := $(VENV)/bin
STAMP      := $(VENV)/.installed
PYTEST     := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
IS_USABLE  := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

# Without compiled modules every start of the sandbox is three times as slow.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-busy test-ray contract test-full bench rehearsal structure fuzz mutate docs reference typed fmt lint types check release constraints matrix audit clean

help:  ## List what can be made
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Create .venv with everything, from the pinned versions (PYTHON=… chooses the interpreter)

demo: $(STAMP)  ## Do the main job on real pictures against a local backend
	@$(BIN)/synapse demo

test: $(STAMP)  ## Run the checks beside the tests, with pairs and parts of the large tables (ARGS="-k save": some)
	@mkdir -p .cache
	@$(MAKE) --no-print-directory check >.cache/check.log 2>&1 & checks=$$!; \
	$(PYTEST) $(ARGS); tests=$$?; \
	wait $$checks || { cat .cache/check.log; echo "make check failed: see above" >&2; exit 1; }; \
	exit $$tests

test-busy: $(STAMP)  ## Run the tests RUNS=10 times beside two processes that compute, with requests that overtake one another (ARGS=…: some)
	@$(BIN)/python -m tools.busy --runs $(RUNS) -- $(MAKE) --no-print-directory test ARGS='--jitter $(ARGS)'

# Ray starts slowly, and takes half a gigabyte: it is installed when it is needed.
$(VENV)/.ray: $(STAMP)
	@echo "Installing Ray"
	@$(BIN)/python -m pip install -qq --constraint constraints.txt --no-build-isolation --editable '.[ray]'
	@touch $@

test-ray: $(VENV)/.ray  ## Install Ray, and run the tests of clusters on two cores
	$(BIN)/python -m pytest -n 0 --full tests/clusters $(ARGS)

contract: $(STAMP)  ## Hold the sandbox and the SDK against the vendor's document of API v2, a mock of it, and the vendor's client
	@$(BIN)/python -m tests.openapi
	@$(BIN)/python -m pytest -n 0 -q -rPs --full tests/openapi/test_prism.py tests/interop/test_vendor_second.py

test-full: $(STAMP) $(VENV)/.ray  ## Run every combination of parameters, with branch coverage; clusters first
	@mkdir -p .cache/coverage
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 0 --full tests/clusters
	$(BIN)/coverage run -m $(subst $(BIN)/python -m ,,$(PYTEST)) --full --ignore tests/clusters $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

bench: $(STAMP)  ## Measure the SDK beside bare requests and the vendor's client, as ratios (ARGS=reading: one part)
	@$(BIN)/python -m benchmarks $(ARGS)

rehearsal: $(STAMP)  ## Read and create many rows on PostgreSQL, and count what arrived (ARGS="--rows 1000000 --created 20000")
	@$(BIN)/python -m benchmarks.rehearsal $(ARGS)

structure: $(STAMP)  ## Print the figures of the structure: import cycles, private reads, words of the wire, sizes
	@$(BIN)/python -m tests.structure

fuzz: $(STAMP)  ## Try random answers and arguments: 100,000 examples, then the decoder under atheris (ARGS="--runs 0")
	@$(BIN)/python -m pip install --quiet 'atheris>=3.0' || echo "atheris does not install here: without it"
	@$(BIN)/python -m tests.fuzz $(ARGS)

mutate: $(STAMP)  ## Break each promise of SECURITY.md in a copy of the tree, and see that its test notices (ARGS=netrc: some)
	@$(BIN)/python -m tests.mutation $(ARGS)

docs: $(STAMP)  ## Build the site in English and Korean into site/: nothing is fetched, a broken link or name is an error
	@$(BIN)/python -m tools.site

reference: $(STAMP)  ## Renew the tables of the reference pages from the entities
	@$(BIN)/python docs/build_reference.py

typed: $(STAMP)  ## Renew the types that editors and type checkers know of each entity's queries
	@$(BIN)/python -m tools.build_typed

fmt: $(STAMP)  ## Format, and mend what ruff can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lint: $(STAMP)  ## Check style, format, layers, reference pages, generated types and the workflow of CI
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/python docs/build_reference.py --check
	$(BIN)/python -m tools.build_typed --check
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

types: $(STAMP) .cache/pyright  ## Check types with mypy, and with pyright if anything changed since it was last content
	$(BIN)/mypy

# Unlike mypy, pyright keeps nothing: each run takes it 20 s of processor time. A folder is newer when a file is gone.
.cache/pyright: $(STAMP) $(shell find synapse tests/typing -name __pycache__ -prune -o -print)
	$(BIN)/pyright --pythonpath $(BIN)/python
	@mkdir -p $(@D) && touch $@

check: lint types  ## Everything but the tests

release: $(STAMP)  ## Build the wheel and the source archive into dist/
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation
	@ls -l dist

constraints: $(STAMP)  ## Pin the newest versions that fit pyproject.toml, for every supported Python
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 \
		--no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make constraints" \
		$(foreach extra,all docs dev,--extra $(extra)) pyproject.toml --output-file constraints.txt

matrix: $(STAMP)  ## Run the tests on the lowest and the newest versions of everything, and on every Python (ARGS=floors: one leg)
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/python -m tests.matrix $(ARGS)

audit: $(STAMP)  ## Ask for known weaknesses in what is pinned and in every extra; what cannot be looked up is a failure
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv venv --quiet --clear .cache/audit
	@$(BIN)/uv pip install --quiet --python .cache/audit pip-audit
	@$(BIN)/uv pip compile --quiet --all-extras --no-annotate --no-emit-index-url --no-emit-find-links \
		pyproject.toml --output-file .cache/audit/every-extra.txt
	@.cache/audit/bin/pip-audit --strict --no-deps --disable-pip \
		--requirement constraints.txt --requirement .cache/audit/every-extra.txt

clean:  ## Remove the environment and all that the tools left behind
	@rm -rf $(VENV) .cache dist build site

$(STAMP): pyproject.toml constraints.txt
	@$(BIN)/python -c '$(IS_USABLE)' 2>/dev/null || { \
		for python in $(PYTHONS); do \
			"$$python" -c '$(IS_USABLE)' 2>/dev/null && found="$$python" && break; \
		done; \
		if [ -z "$$found" ]; then \
			echo "No usable Python among: $(PYTHONS)." >&2; \
			echo "Install Python 3.11 or newer with its venv module (Debian: python3-venv)," >&2; \
			echo "or name one: make setup PYTHON=/path/to/python3.12" >&2; \
			exit 1; \
		fi; \
		echo "Creating $(VENV) with $$("$$found" --version)"; \
		"$$found" -m venv --clear $(VENV); }
	@echo "Installing what constraints.txt pins"
	@$(BIN)/python -m pip install -qq --constraint constraints.txt hatchling editables setuptools
	@$(BIN)/python -m pip install -qq --constraint constraints.txt --no-build-isolation --editable '.[$(EXTRAS)]'
	@touch $@
