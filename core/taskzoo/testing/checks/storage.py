"""What a run leaves behind, and whether it comes back the same."""

from __future__ import annotations

import json
from typing import Any

from ..bench import Bench
from ..fresh import fresh_predictions
from .common import as_json, difference, plain, require, some


def check_state(bench: Bench) -> None:
    """``state()`` is JSON, and ``restore`` brings a new object to the same state and features."""
    task = bench.run.task
    state = json.loads(as_json(task.state(), "state()"))
    twin = bench.new_task()
    twin.restore(state)
    found = difference(state, json.loads(as_json(twin.state(), "state()")))
    require(not found, f"restore(state()) has another state: {found}")
    twin.configure(bench.processor, bench.config)
    examples = task.prepare(bench.raw["test"], "test")
    mine, its = task.encode(examples, bench.processor), twin.encode(examples, bench.processor)
    found = difference(plain(mine.features), plain(its.features))
    require(not found, f"a restored task encodes differently: {found}")


def check_plain_transformers(bench: Bench) -> None:
    """``RUN/model`` loads with nothing but ``transformers`` and the code beside the weights; no weight is missing."""
    import transformers

    folder = bench.run.path / "model"
    config = transformers.AutoConfig.from_pretrained(folder)
    names = config.architectures or []
    require(names, "the saved config.json names no architecture")
    own = getattr(config, "auto_map", None) or {}
    auto = next((auto for auto, path in own.items() if path.endswith(f".{names[0]}")), None)
    cls: Any = getattr(transformers, auto or names[0], None)
    hint = 'call register_for_auto_class("AutoModel...") on it before it is saved'
    wrong = f"the saved architecture {names[0]!r} is not a class of transformers, and its code is not saved"
    require(cls, f"{wrong}; {hint}")
    _, report = cls.from_pretrained(folder, output_loading_info=True, trust_remote_code=auto is not None)
    missing = sorted(report["missing_keys"])
    require(not missing, f"the saved model lacks {some(missing)} when plain transformers loads it")
    if bench.tokenizer is not None:
        transformers.AutoTokenizer.from_pretrained(folder)
    pickles = [file.name for file in folder.iterdir() if file.suffix in (".bin", ".pt", ".pkl")]
    require(not pickles, f"the model folder holds pickle files: {', '.join(pickles)}")


def check_save_and_load(bench: Bench) -> None:
    """The saved run predicts the same in a new process: labels keep their order, nothing is left behind."""
    run = bench.run
    inputs = bench.given
    fresh = fresh_predictions(run.path, run.path / "data" / "test.jsonl", inputs)
    here = {"rows": run.predict_rows(bench.raw["test"]), "inputs": run.predict(inputs), "state": run.task.state()}
    for part, expected in here.items():
        found = difference(json.loads(as_json(expected, part)), fresh[part], 1e-3)
        require(not found, f"after loading, {part} differ: {found}")
    labels = {str(i): label for i, label in run.model.config.id2label.items()}
    require(fresh["id2label"] == labels, f"the saved labels are {fresh['id2label']}, the model's {labels}")
