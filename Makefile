# Everything a person or CI does here. Each target makes what it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip install -q -c constraints.txt
# One worker per processor, up to four; the tests of a file share its fixtures, so they stay together.
PYTEST := $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

CASES ?= ../shared/cases

.PHONY: demo test test-slow cases lint docs benchmark benchmark-classification benchmark-few-shot benchmark-translation results clean

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e ".[starter]"
	touch $@

$(VENV)/test-installed: $(VENV)/installed
	$(PIP) pytest pytest-timeout pytest-xdist hypothesis seqeval build hatchling mapie starlette uvicorn prometheus-client httpx2 onnx onnxruntime onnxscript ctranslate2 jsonschema fairlearn opencc
	touch $@

$(VENV)/lint-installed: $(VENV)/installed
	$(PIP) ruff mypy import-linter types-PyYAML pytest starlette uvicorn prometheus-client
	touch $@

demo: $(VENV)/installed        ## install into .venv and train on the built-in demo set
	$(BIN)/zoo run ner --model minilm

test: $(VENV)/test-installed   ## what CI runs
	$(PYTEST)

test-slow: $(VENV)/test-installed  ## everything, also what takes minutes
	$(PYTEST) -m "slow or browser or not slow"

cases: $(VENV)/test-installed     ## inputs that once failed, in the folder CASES=, if it is there
	$(BIN)/python tools/cases.py --cases $(CASES)

lint: $(VENV)/lint-installed   ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/installed        ## regenerate the command-line reference
	$(BIN)/python docs/generate_cli.py

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
