# The daily interface: set up, run, test, check, bench. `make help` lists everything.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup run test coverage test-heavy fuzz check format bench docs reference schema screenshots ui-texts language-data graphiql sbom pins clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: .venv/.done tests/node/.done ## install everything into .venv, pinned by hash; does nothing when nothing changed

.venv/.done: pyproject.toml .ci/pins.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "laurel needs Python 3.11 or newer: make PYTHON=python3.11 setup"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement .ci/pins.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Trophy's library for Node.js, for the test that uses it; without Node.js that test is skipped with a reason.
tests/node/.done: tests/node/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix tests/node --silent --no-progress; fi
	@touch $@

run: .venv/.done ## serve the demo on http://127.0.0.1:8080
	$(BIN)/laurel demo

# The tests of a file share servers and databases, so a file is never split between processes. Many tests wait for what
# they have started, so there are two processes per processor, up to 8.
TEST_PROCESSES ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 4 ? 2 * n : 8)))
test: setup ## run all tests, with two processes per processor
	$(BIN)/pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

coverage: setup ## run the tests that cover the core, and fail below 97 % of its lines and branches
	$(BIN)/pytest -n $(TEST_PROCESSES) --dist loadfile --cov --cov-fail-under=97 tests/core tests/contract tests/http \
		tests/api/xbox tests/api/trophy tests/api/localization tests/api/open_badges tests/outbound \
		$(addprefix tests/api/test_, $(addsuffix .py, erasure limits open_streams refused_writes security_events shares text_fields)) \
		$(addprefix tests/server/test_, incarnation.py jobs.py) $(addprefix tests/cli/test_, catalog.py key.py player.py)

test-heavy: setup ## run the long form of the fault tests, and print their table; then of the tests of waits and memory
	FAULTS=heavy $(BIN)/pytest tests/faults
	ISOLATION=heavy $(BIN)/pytest -s tests/isolation

fuzz: setup ## fuzz the APIs for minutes with random requests by the OpenAPI document
	FUZZ_EXAMPLES=1000 $(BIN)/pytest tests/api/test_fuzz.py

check: setup ## check format, lint, types, imports, SQL, hosted CI, and dependencies for known vulnerabilities
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar sql/queries sql/migrations
	$(BIN)/squawk sql/migrations/*.sql
	$(BIN)/zizmor --quiet --offline .github/workflows
	$(BIN)/python vendor/audit.py

format: setup ## format code and SQL
	$(BIN)/ruff format
	$(BIN)/ruff check --fix --quiet
	$(BIN)/sqlfluff fix --quiet sql/queries

bench: setup ## measure performance as ratios to baselines on this machine
	$(BIN)/python -m tests.benchmarks.bench

docs: setup ## build the documentation site into site/
	$(BIN)/zensical build --clean --strict

schema: setup ## generate sql/schema.sql from the migrations
	$(BIN)/python -m service.db.schema > sql/schema.sql

reference: setup ## generate the parts of docs/ that come from the code
	$(BIN)/python -m tests.docs.generate

screenshots: setup ## take screenshots of the workbench; needs chromium
	$(BIN)/python -m tests.api.workbench.screenshots

ui-texts: setup ## extract the texts of the workbench into ui.pot and update each ui.po
	$(BIN)/pybabel -q extract -F locales/babel.cfg --omit-header --no-location --sort-output --no-wrap -o locales/templates/LC_MESSAGES/ui.pot service/api/workbench
	$(BIN)/pybabel -q update -D ui -i locales/templates/LC_MESSAGES/ui.pot -d locales --no-wrap --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date

language-data: setup ## generate the language matching table from npm's cldr-core
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	npm pack --silent --pack-destination "$$folder" cldr-core@48.2.0 && \
	tar -xzf "$$folder"/cldr-core-48.2.0.tgz -C "$$folder" && \
	$(BIN)/python locales/make_language_data.py "$$folder"/package service/core/languages

graphiql: setup ## generate the files of /graphiql from npm's graphiql and react, in pinned versions
	npm ci --prefix vendor --silent --no-progress --ignore-scripts
	$(BIN)/python vendor/make_graphiql.py vendor/node_modules service/api/graphql/graphiql_files

# What is shipped, without the tools of development: an environment with the wheel alone.
sbom: setup ## write the software bill of materials (CycloneDX) to dist/
	rm -rf .venv.sbom && $(PYTHON) -m venv --without-pip .venv.sbom
	$(BIN)/python -m build --no-isolation --wheel --outdir .venv.sbom . >/dev/null
	sed -e '/--hash=/d' -e 's/ \\$$//' .ci/pins.txt > .venv.sbom/constraints.txt
	$(BIN)/pip --python .venv.sbom install --quiet --disable-pip-version-check --constraint .venv.sbom/constraints.txt "$$(echo .venv.sbom/*.whl)[embedded]"
	mkdir -p dist
	$(BIN)/python vendor/make_sbom.py .venv.sbom/bin/python dist/laurel.cdx.json
	rm -rf .venv.sbom

pins: ## write the newest versions that pyproject.toml allows to .ci/pins.txt, with hashes
	rm -rf .venv.pins && $(PYTHON) -m venv .venv.pins
	.venv.pins/bin/python -m pip install --quiet --disable-pip-version-check uv
	.venv.pins/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras --group dev \
		--generate-hashes --no-annotate --no-emit-index-url --custom-compile-command 'make pins' --output-file .ci/pins.txt pyproject.toml
	rm -rf .venv.pins

clean: ## remove all generated files except .data
	rm -rf .venv dist build site .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
