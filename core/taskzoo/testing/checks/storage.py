"""What a run leaves behind, and whether it comes back the same."""

from __future__ import annotations

import json
from typing import Any

from ..bench import Bench
from ..fresh import fresh_predictions
from .common import as_json, difference, plain, require, some


def check_state(bench: Bench) -> None:
    """``state()`` is JSON, ``restore`` brings a new object to the same state and features, ``extend`` to no other."""
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
    fitted, further = bench.new_task(), bench.new_task()
    fitted.fit(fitted.prepare(bench.raw["train"], "train"))
    state = json.loads(as_json(fitted.state(), "state()"))
    further.restore(state)
    further.extend(further.prepare(bench.raw["train"], "train"))
    found = difference(state, json.loads(as_json(further.state(), "state()")))
    require(not found, f"extend() with the rows that fit() had leads to another state: {found}")


def check_plain_transformers(bench: Bench) -> None:
    """``RUN/model`` loads with nothing but ``transformers`` and the code beside the weights; no weight is missing.

    Without that code it does not load at all, instead of as a class of ``transformers`` with random weights.
    """
    import transformers
    from transformers.dynamic_module_utils import get_class_from_dynamic_module
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    folder = bench.run.path / "model"
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    names = config.get("architectures") or []
    require(names, "the saved config.json names no architecture")
    own = next((path for path in (config.get("auto_map") or {}).values() if path.endswith(f".{names[0]}")), None)
    cls: Any = get_class_from_dynamic_module(own, str(folder)) if own else getattr(transformers, names[0], None)
    hint = 'call register_for_auto_class("AutoModel...") on it before it is saved'
    wrong = f"the saved architecture {names[0]!r} is not a class of transformers, and its code is not saved"
    require(cls, f"{wrong}; {hint}")
    require(
        not own or config["model_type"] not in CONFIG_MAPPING_NAMES,
        f"{names[0]!r} is saved under the model type {config['model_type']!r} of transformers, which loads a class of "
        "its own with random weights where trust_remote_code is not set; give the model a configuration class with a "
        "model_type of its own",
    )
    _, report = cls.from_pretrained(folder, output_loading_info=True)
    missing = sorted(report["missing_keys"])
    require(not missing, f"the saved model lacks {some(missing)} when plain transformers loads it")
    if bench.tokenizer is not None:
        transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=own is not None)
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
