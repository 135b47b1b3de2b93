"""What a run leaves behind, and whether it comes back the same."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from taskzoo.errors import RequestError
from taskzoo.task import Task
from taskzoo.types import Row, public

from ..bench import Bench
from ..fresh import fresh_predictions, fresh_states, plain_values
from .common import NotApplicable, as_json, difference, plain, require, some
from .promise import promise


@promise(
    why="A finished run is loaded by restore(state()), and training goes on from it by extend().",
    fix="Put all that fit() and tune() learn into state() as plain lists, numbers and texts, sorted where they were in "
    "a set, and read it in restore().",
    after="members fit encoding",
)
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
    _check_new_processes(bench)


def _check_new_processes(bench: Bench) -> None:
    """Some rows teach a task the same in processes in which sets have another order and nothing else was learnt."""
    task, rows = bench.new_task(), bench.unlike_halves()[0]
    try:
        task.fit(task.prepare(rows, "train"))
    except RequestError:  # half of the rows cannot be used alone
        task, rows = bench.new_task(), bench.raw["train"]
        task.fit(task.prepare(rows, "train"))
    here = json.loads(as_json(task.state(), "state()"))
    file = bench.folder / "few_rows.jsonl"
    file.write_text("".join(json.dumps(dict(row.fields)) + "\n" for row in rows), encoding="utf-8")
    for seed, there in fresh_states(bench.run.path, file).items():
        found = difference(here, there)
        hint = "sort what comes from a set, and keep nothing at the class"
        require(not found, f"in a new process (PYTHONHASHSEED={seed}) fit() learns otherwise; {hint}: {found}")


@promise(
    why="Models are shared and served by people who have only transformers.",
    fix="Use a head of transformers, or a class of your own with a model_type of its own, register_for_auto_class() "
    "and no import of taskzoo.",
)
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
    for file in folder.glob("*.py"):
        ours = sorted(_imported(file) & {"taskzoo", bench.task_class.__module__.partition(".")[0]})
        require(not ours, f"{file.name}, which is saved with the model, imports {some(ours)}, which others do not have")
    pickles = [file.name for file in folder.iterdir() if file.suffix in (".bin", ".pt", ".pkl")]
    require(not pickles, f"the model folder holds pickle files: {', '.join(pickles)}")


def _imported(file: Path) -> set[str]:
    """The top-level modules that a file imports."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {name.partition(".")[0] for name in names}


@promise(
    why="A run that predicts differently after it is loaded is worth nothing, however good its scores were.",
    fix="Keep whatever predictions depend on in the model's parameters or in state(); let head() load trained weights.",
    after="fit state predictions plain_transformers",
)
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


@promise(
    why="The model card promises these lines to people who have only transformers; they will believe what comes out.",
    fix="Let plain_use() give lines that bind label, labels, value, tags or output as a run predicts, or say less.",
    after="batching predictions plain_transformers save_and_load",
)
def check_plain_use(bench: Bench) -> None:
    """The Python lines of the model card run without taskzoo, and give for a text what the run predicts for it."""
    run = bench.run
    block = re.search(r"```python\n(.*?)```", (run.path / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    if block is None:
        raise NotApplicable("plain_use() gives no lines")
    rows = _read_at_once(run.task, bench.raw["test"], bench.processor)
    if not rows:
        raise NotApplicable("all of these rows are read in several windows, which plain lines cannot do")
    predicted = run.predict_rows(rows)
    roles = [name for name, column in bench.spec.columns.items() if not column.target]
    roles.sort(key=lambda role: role != bench.spec.input_role)
    for row, prediction in zip(rows, predicted, strict=True):
        texts = [row[role] for role in roles if isinstance(row.get(role), str)]
        given = list(zip(PLACEHOLDERS, map(json.dumps, texts), strict=False))
        lines = block[1].replace(SOME_FILE, PLACEHOLDERS[0])
        code = lines if given and PLACEHOLDERS[0] in lines else ""
        for placeholder, text in given:
            code = code.replace(placeholder, text)
        found = plain_values(code or block[1], run.path.parent, PLAIN_NAMES)
        for name in code and set(PLAIN_NAMES) & set(found):
            expected = public(prediction).get("text" if name == "output" else name)
            wrong = difference(_in_order(expected), _in_order(found[name]), 2e-3)
            require(not wrong, f"for {texts[0]!r:.60} the lines of the card give another {name} than the run: {wrong}")


def _read_at_once(task: Task, rows: Sequence[Row], processor: Any) -> list[Row]:
    """The first few rows that make one feature each."""
    counts = Counter(feature.row for feature in task.encode(task.prepare(rows, "test"), processor).features)
    return [row for i, row in enumerate(rows) if counts[i] == 1][:PLAIN_ROWS]


PLACEHOLDERS = ('"some text"', '"another text"')
"""What stands in the lines for the input."""

SOME_FILE = '"some file"'
"""The same for an input that is a file (:attr:`taskzoo.spec.Column.path`)."""

PLAIN_NAMES = ("label", "labels", "value", "tags", "output")
"""What the lines bind; ``output`` is the ``text`` of a prediction."""

PLAIN_ROWS = 4


def _in_order(value: Any) -> Any:
    return sorted(value) if isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value) else value
