# What can be done here. Every target sets up what it needs first; the work is in tools/ and demo/.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup tools demo test test-rust test-python test-long lint format wheel sdist lambda mwaa matrix bench docs lock clean clean-all

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## check Rust, Python and Java; install the build tools into ~/.cache/mwaalib
	@tools/setup.sh --java

tools:
	@tools/setup.sh

demo: setup ## the whole MovieLens pipeline on this machine (DATASET=<zip or address> selects the data)
	@tools/demo.sh

test: setup ## all tests, Rust and Python, against moto
	@tools/test.sh

test-rust: tools ## the Rust tests
	@tools/test.sh rust

test-python: setup ## the Python tests, on the installed wheel (PYTEST="..." adds arguments)
	@tools/test.sh python

test-long: setup ## the long forms of the tests: 1,000 seeds, a hundred forks of each kind
	@tools/test.sh long

lint: tools ## formatting, clippy, ruff, mypy, stubs against the binary, shell scripts, CloudFormation
	@tools/lint.sh

format: tools ## format Rust and Python
	@tools/format.sh

wheel: tools ## the wheel for Amazon MWAA (manylinux_2_28) into dist/; aarch64 too where Rust has it
	@tools/wheel.sh all

sdist: tools ## the source distribution into dist/
	@tools/run.sh maturin sdist --out dist

mwaa: wheel ## requirements.txt and plugins.zip for Amazon MWAA (MWAA_VERSION=3.3.1; MWAA_OFFLINE=1: without internet)
	@tools/mwaa.sh

matrix: wheel ## install and run the wheel as in each Amazon MWAA image (MATRIX="3.3.1 --jobs 1" chooses)
	@tools/matrix.sh

bench: setup ## measure waits beside apache-airflow-providers-amazon's (BENCH="--quick" for a short look)
	@tools/bench.sh

docs: tools ## build the documentation into dist/docs and check its links
	@tools/docs.sh

lambda: tools ## the Lambda functions, packed for deploy.sh
	@tools/lambda.sh

lock: tools ## write requirements/*.txt and requirements.txt anew
	@tools/lock.sh

clean: ## remove what was made in this checkout
	rm -rf dist .demo .venv-test .venv-docs .venv-bench .mypy_cache .ruff_cache .pytest_cache

clean-all: clean ## remove the build tools, compiled crates and environments too
	rm -rf "$${MWAALIB_CACHE:-$$HOME/.cache/mwaalib}"
