# What a developer does daily, each command in one place; .ci/run, the workflows and the pre-commit hooks call
# these. The tests' own command stands in the README, and in `test` only because .venv is there already.
.PHONY: help all test rare thorough mutants lint format types docs docs-check site bench package lowest
BIN := .venv/bin/

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

all: lint types docs-check test ## what to run before a pull request

test: ## the tests, in parallel
	$(BIN)pytest

rare: ## what is slow and seldom the first to fail
	$(BIN)pytest -m rare

thorough: ## properties, with ten times as many examples of each
	$(BIN)pytest -m hypothesis --hypothesis-profile thorough

ROOM ?= core.iam
mutants: ## mutation tests of a room, such as ROOM=core.rotation (minutes)
	$(BIN)mutmut run 'ses_tenant.$(ROOM).*'

lint: ## ruff: rules and format, changing nothing
	$(BIN)ruff check
	$(BIN)ruff format --check

format: ## ruff: put right what it can
	$(BIN)ruff check --fix
	$(BIN)ruff format

types: ## mypy --strict, examples included
	$(BIN)mypy
	$(BIN)mypy examples/send_smtplib.py examples/send_boto3.py examples/impersonate.py examples/library.py docs/generate.py docs/manual.py docs/pictures.py

docs: ## write the generated parts of the documents
	$(BIN)python docs/generate.py
	$(BIN)python docs/pictures.py

docs-check: ## are they up to date?
	$(BIN)python docs/generate.py --check
	$(BIN)python docs/pictures.py --check

site: ## build the documentation site into site/, strictly: every link has to lead somewhere
	[ -x .venv-site/bin/mkdocs ] || python3 -m venv --without-pip .venv-site
	python3 -m pip -q --disable-pip-version-check --python .venv-site/bin/python install -r .ci/site.txt
	NO_MKDOCS_2_WARNING=1 .venv-site/bin/mkdocs -q build --strict --clean

bench: ## measure, beside the other tools that are installed (minutes)
	$(BIN)python -m benchmarks

package: ## build wheel and sdist, install and try them, look at the licences
	.ci/package

# Each version of Typer words its help in its own way; docs/reference.md has that of constraints.txt.
lowest: ## the tests, with the lowest versions that pyproject.toml allows
	python3 -m venv --without-pip .venv-lowest
	python3 -m pip -q --python .venv-lowest/bin/python install -c constraints-lowest.txt -e '.[dev]'
	.venv-lowest/bin/pytest $(foreach test,is_up_to_date would_be_noticed_if_it_were_old,\
	  --deselect tests/docs/test_documents.py::test_the_generated_help_$(test))
