# Every target sets up what it needs. The locks are hash-pinned; nothing outside this folder is changed except system packages (a browser).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export UV_PYTHON_DOWNLOADS := never
# Compiled modules are kept: where a surrounding forbids that, each of hundreds of processes would compile all of them again.
export PYTHONDONTWRITEBYTECODE :=
# Playwright's and npm's notices are not for whoever reads a verdict.
export NPM_CONFIG_UPDATE_NOTIFIER := false
# What is typed after make's name reaches a command in its environment ($$STORY), so that no shell reads it as a command.

.DEFAULT_GOAL := help
.PHONY: help drill drills connect begins quick test test-all mutants check sandbox game report alerts incident incidents forget lint bench audit matrix reference lock browser prometheus netlify-cli unleash clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

drill: begins $(READY) browser ## one rollback drill with all checks and a report: the plan's preferred strategy (STORY=frontend-restore)
	@story=$$($(BIN)/python -m pam_rollback.ops.drills --which $${STORY:+"$$STORY"}) || exit $$?; \
	  $(BIN)/pytest $$story; verdict=$$?; $(BIN)/python -m pam_rollback.report; exit $$verdict

drills: begins $(READY) browser ## all ten drills, several at once on a sandbox each, with their reports
	@$(BIN)/python -m pam_rollback.ops.drills --report

# The first sign of life: what a drill needs is looked for first, which takes seconds on a busy machine.
begins:
	@echo "looking for what is needed: environment, browser, report tools …"

check: $(READY) browser ## all checks as it is now (ENV=staging for another environment)
	@$(BIN)/pytest checks --env "$${ENV:-sandbox}"

# Tests mostly wait for something, so there are more workers than cores; with one more, tests met their own limits of time.
# Who takes what when: tests/scheduling.py.
WORKERS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 3 )))
PYTEST = $(BIN)/pytest tests -n $(WORKERS) -p timeout --timeout 300

quick: $(READY) ## lint, types, rules and docs: the answer within 30 s
	@said=$$(mktemp); $(MAKE) --no-print-directory lint >$$said 2>&1 & lint=$$!; \
	  $(BIN)/pytest tests --part=quick -q -n 2 --dist=worksteal -p timeout --timeout 120; tests=$$?; \
	  wait $$lint; lint=$$?; cat $$said; rm -f $$said; \
	  [ $$lint -eq 0 ] || echo "quick: lint or types found something" >&2; [ $$tests -eq 0 ] || echo "quick: tests failed" >&2; \
	  [ $$lint -eq 0 ] && [ $$tests -eq 0 ]

test: $(READY) quick browser prometheus ## quick, then all other tests: the first cases of each long matrix
	@$(PYTEST) --part=rest

test-all: $(READY) quick browser prometheus netlify-cli unleash ## everything: every fault row, kill, repetition, official client
	@PAM_WHOLE_MATRIX=1 $(PYTEST) --part=rest

mutants: $(READY) ## change each line of the rules that decide: does a test notice? (ONLY=guard for one module)
	@$(BIN)/python -m tests.mutants $${ONLY:+"$$ONLY"}

sandbox: $(READY) ## the sandbox alone, to click through; Ctrl-C ends it (FAULT=surprise to practise)
	@$(BIN)/python -m pam_sandbox --product "$${PRODUCT:-pam-plan}" --state-file "$${STATE:-sandbox.env.toml}" --print \
	  $${FAULT:+--fault "$$FAULT"}

game:
	@echo "there is no make game any more: type \`make sandbox FAULT=surprise\`, and see docs/how-to/run-a-drill.md#practise-on-a-surprise" >&2; exit 2

report: $(READY) ## the HTML report of the newest run (RUN=folder for another)
	@$(BIN)/python -m pam_rollback.report $${RUN:+"$$RUN"} $${SINGLE:+--single "$$SINGLE"}

connect: export PAM_CONNECT_FRONTEND = $(FRONTEND)
connect: export PAM_CONNECT_API = $(API)
connect: export PAM_CONNECT_NAME = $(NAME)
connect: $(READY) ## look at a product, write its environment, say what can be judged (FRONTEND=URL API=URL NAME=staging)
	@$(BIN)/python -m pam_rollback.ops.connect $$OPTIONS

alerts: $(READY) ## Prometheus alerting rules from the plan (ENV=production, BASELINE=file)
	@$(BIN)/python -m pam_rollback.ops.alerts $${ENV:+--env "$$ENV"} $${BASELINE:+--baseline "$$BASELINE"} $${OUT:+--out "$$OUT"}

incident: $(READY) ## post-mortem draft of the newest run with an action (RUN=folder)
	@$(BIN)/python -m pam_rollback.ops.postmortem $${RUN:+"$$RUN"} $${ENV:+--env "$$ENV"} $${OUT:+--out "$$OUT"}

incidents:
	@echo "there is no make incidents any more: look at the tracker's issues; pytest -m readiness asks for post-mortems" >&2; exit 2

forget: $(READY) ## list runs older than AGE (AGE=30d) that nobody needs; YES=1 removes them
	@$(BIN)/python -m pam_rollback.ops.state --older-than "$${AGE:-30d}" $(if $(filter 1,$(YES)),--yes)

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(READY) ## side-by-side measurements
	@missed=; for bench in benchmarks/*.py; do $(BIN)/python $$bench || missed="$$missed $$bench"; done; \
	  if [ -n "$$missed" ]; then echo "an aim was missed, or could not be measured:$$missed" >&2; exit 1; fi

# --strict: a package that could not be looked up was not audited.
audit: $(READY) ## known vulnerabilities and licences of the pinned packages; asks the registries
	@$(BIN)/uv tool run --quiet pip-audit@2.10.1 --strict --disable-pip --require-hashes -r requirements.lock
	@cd reports && npm audit --package-lock-only --audit-level=high
	@$(BIN)/python -m tests.licences

browser: $(READY)
	@$(BIN)/python -m pam_rollback.browser.browser
	@$(BIN)/python -m pam_rollback.report --packages

prometheus: $(READY)
	@$(BIN)/python -m tests.prometheus_server

netlify-cli: $(READY)
	@$(BIN)/python -m tests.netlify_cli

unleash: $(READY)
	@$(BIN)/python -m tests.unleash_server

matrix: $(READY) ## every check and the faults that turn it red: reports/reference/fault-matrix.md
	@$(BIN)/python -m tests.fault_rows.matrix

reference: $(READY) ## options, markers and keys in docs/reference; reports/reference/plan-items.md
	@$(BIN)/python -m tests.reference

lock: ## renew requirements.lock from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-annotate --no-header -q -p 3.11 -o requirements.lock
	@echo 'uv' | $(BIN)/uv pip compile - --generate-hashes --no-annotate --no-header -q -p 3.11 -o bootstrap.lock

clean: ## remove the virtual environment and all runs
	rm -rf $(VENV) reports/out reports/reference reports/node_modules

$(READY): requirements.lock bootstrap.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is $$($(PYTHON) --version); Python 3.11 or newer is needed: make PYTHON=python3.11 …" >&2; exit 1; }
	@echo "setting up $(VENV) (once)…"
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "$(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r bootstrap.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $(READY)
