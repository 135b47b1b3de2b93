# Everything a person or CI does here. Each target makes what it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip install -q -c constraints.txt
# One worker per processor, up to four; the tests of a file share its fixtures, so they stay together.
PYTEST := $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

CASES ?= ../shared/cases

.PHONY: demo test test-slow test-extras cases faults cuda-check lint docs directory site benchmark benchmark-classification benchmark-few-shot benchmark-translation results clean

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e ".[starter]"
	touch $@

$(VENV)/test-installed: $(VENV)/installed
	$(PIP) pytest pytest-timeout pytest-xdist hypothesis seqeval build hatchling mapie starlette uvicorn prometheus-client httpx2 onnx onnxruntime onnxscript ctranslate2 jsonschema fairlearn opencc schedulefree optuna tensorboard nbclient ipykernel
	touch $@

$(VENV)/lint-installed: $(VENV)/installed
	$(PIP) ruff mypy import-linter types-PyYAML pytest starlette uvicorn prometheus-client
	touch $@

$(VENV)/docs-installed: $(VENV)/installed
	$(PIP) sphinx furo myst-parser myst-nb
	touch $@

demo: $(VENV)/installed        ## install into .venv and train on the built-in demo set
	$(BIN)/zoo run ner --model minilm

test: $(VENV)/test-installed   ## what CI runs
	$(PYTEST)

test-slow: $(VENV)/test-installed  ## everything, also what takes minutes
	$(PYTEST) -m "slow or browser or not slow"

test-extras: $(VENV)/test-installed  ## trackers, Ray and QLoRA; the first two need other versions than constraints.txt has, so give VENV= a folder of its own
	$(BIN)/pip install -q -e ".[wandb,mlflow,trackio,swanlab,ray,qlora]"
	$(PYTEST) -m "slow or not slow" tests/core/runs/test_trackers.py tests/core/runs/test_on_ray.py
	$(PYTEST) tests/core/engine/test_lora.py tests/core/runs/test_strategies_of_runs.py

cases: $(VENV)/test-installed     ## inputs that once failed, in the folder CASES=, if it is there
	$(BIN)/python tools/cases.py --cases $(CASES)

faults: $(VENV)/test-installed    ## kill runs, break disks, checkpoints and processes; about 20 minutes; writes the tables of docs/reliability.md
	$(BIN)/python tools/faults --kills 60 --table docs/reliability.md

cuda-check: $(VENV)/test-installed  ## tests, speed and memory on one GPU, in under 8 minutes; OUT= is the file of results
	$(BIN)/python benchmarks/cuda_check.py --out $(or $(OUT),cuda-check.jsonl)

lint: $(VENV)/lint-installed   ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/installed        ## regenerate the references: command line, contract, directory of plugins
	$(BIN)/python docs/generate_cli.py
	$(BIN)/python docs/generate_contract.py
	$(BIN)/python docs/generate_directory.py

directory: $(VENV)/installed   ## install every plugin of docs/directory.yaml in turn, check it and write the results there; takes an hour
	$(BIN)/python tools/check_directory.py

site: $(VENV)/docs-installed   ## the documentation as a web site in build/site; a warning is an error
	$(BIN)/python -m sphinx -c docs/site -b html -W --keep-going -n -d build/site-cache . build/site

benchmark: $(VENV)/test-installed  ## NER, zoo against transformers.Trainer; needs DATA=folder with the WNUT-17 files
	$(BIN)/python benchmarks/ner.py --data $(DATA)

benchmark-classification: $(VENV)/test-installed  ## the same; needs DATA=folder of BANKING77 or sentence polarity
	$(BIN)/python benchmarks/classification.py --data $(DATA)

benchmark-few-shot: $(VENV)/test-installed  ## all methods on few rows per class; needs DATA as above
	$(BIN)/python benchmarks/few_shot.py --data $(DATA)

benchmark-translation: $(VENV)/test-installed  ## zoo against Seq2SeqTrainer; needs DATA=file of pairs without header
	$(BIN)/python benchmarks/translation.py --data $(DATA)

results: $(VENV)/test-installed  ## docs/results.csv and docs/results.md; needs DATA=folder of the data sets; takes hours, can be stopped
	$(BIN)/python benchmarks/results.py run --out docs/results.csv --data $(DATA)
	$(BIN)/python benchmarks/results.py page --out docs/results.csv --page docs/results.md

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
