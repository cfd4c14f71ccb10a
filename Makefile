# make run    shows the whole of it on this machine: a mesh of real proxies that obeys commits, drift, the audit trail
# make test   all tests, on a real kube-apiserver where it can be built
# make check  format, types and the fast tests, under a minute
.DEFAULT_GOAL := help
.NOTPARALLEL:
SHELL := /bin/bash
PY := .venv/bin/python

.PHONY: help run test crash check bench setup setup-run docs format clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 14

run: setup-run ## the demo: about a minute, no cluster needed (KEEP=1 leaves its mesh running)
	@examples/demo.sh

test: setup ## all tests
	@scripts/test.sh

crash: setup ## kills an apply of 500 objects at 200 random moments and more (about half an hour; SEED= repeats one)
	@CRASH_POINTS=$${POINTS:-200} CRASH_OBJECTS=500 SEED=$(SEED) $(PY) -m pytest -q -s -n 2 tests/crash

check: setup ## ruff, mypy, the tests that need no server
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@$(PY) -m pytest -q -n 2 -m "not kube and not slow"

bench: setup ## commit to traffic; side by side with kubectl and Ansible on a real API server: ARGS="--only thousand -o json"
	@scripts/bench.sh $(ARGS)

docs: setup-run ## write the generated pages of docs/ anew
	@$(PY) scripts/docs.py

format: setup ## let ruff rewrite what it can
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

setup: ## packages and .venv with everything for development
	@scripts/packages.sh git gnupg openssh-client openssh-server ca-certificates || echo "setup: going on; the tests that need them will say so"
	@scripts/setup.sh dev

setup-run:
	@scripts/packages.sh git curl procps
	@scripts/setup.sh run

clean: ## remove what was made here
	rm -rf .venv .work .clusters .mypy_cache .ruff_cache .pytest_cache .hypothesis
