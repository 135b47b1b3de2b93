"""The model card, ``RUN/README.md``: what was trained on what, how well, and how to use it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from taskzoo.durable import write_text
from taskzoo.escapes import markdown, markdown_code
from taskzoo.registry.naming import FIRST_PARTY
from taskzoo.types import SavedModel

from .data import UNLABELLED
from .directory import RunDirectory, read_json
from .plan import Plan
from .verdict import VERDICT
from .wording import best_step, method_notes, overlap_notes, result_notes, result_table, score_columns


def write_card(
    directory: RunDirectory, plan: Plan, metrics: dict[str, Any], manifest: dict[str, Any], processor: Any
) -> None:
    """Write the card from facts that the run recorded; it claims nothing else, and no name in it is mark-up.

    ``processor`` is what was saved with the model.
    """
    model, environment = manifest["model"], manifest["environment"]
    training = [
        f"- {plan.method().describe(plan.config.training)}, seed {manifest['seed']}, {manifest['precision']}"
        + ", shortened by the time limit" * bool(manifest.get("shortened")),
        f"- {model['parameters']:,} parameters, {model['trainable']:,} trained",
        f"- {manifest['steps']} steps in {manifest['seconds']['train']:.0f} s on {environment['device']} "
        f"({environment['processor']}){best_step(manifest)}",
        *(f"- {markdown(note)}" for note in method_notes(manifest)),
    ]
    if model["trust_remote_code"]:
        training.append("- with `--trust-remote-code`: Python code that comes with the base model was run")
    paragraphs = [
        f"# {markdown(directory.path.name)}",
        *(f"> {markdown(sentence)}" for sentence in metrics[VERDICT]),
        f"{markdown_code(model['name'])} fine-tuned for **{markdown(plan.entry.name)}** with Task Zoo "
        f"{environment['packages'].get('taskzoo', '')}.",
        "## Results",
        *_results(metrics),
        "## Data",
        "\n".join(_data_lines(plan, manifest)),
        "## Training",
        "\n".join(training),
        "## Use",
        *_use(directory, manifest["task"]),
        "`config.yaml` repeats the run: `zoo run --config config.yaml`.",
        *_plain_use(directory, plan, processor),
        "## Limits",
        "The model knows only what it was trained on: these labels or targets, and this kind of text. The licences of "
        "the base model and of the data apply; neither was checked here.",
    ]
    write_text(directory.card, "\n\n".join(paragraphs) + "\n")


def requirement(task: Mapping[str, Any]) -> str:
    """What ``pip install`` takes for the plugin of a run's task; ``""`` where it is none, or of taskzoo itself."""
    name, version = task["distribution"], task["version"]
    return "" if name in ("", FIRST_PARTY) else shlex.quote(f"{name}=={version}" if version else name)


def plugin_needed(task: Mapping[str, Any]) -> list[str]:
    """The sentence that says which plugin it is, if any."""
    named = markdown_code(task["distribution"])
    return [f"The task comes with the plugin {named}, which must be installed."] if requirement(task) else []


def _use(directory: RunDirectory, task: Mapping[str, Any]) -> list[str]:
    lines = [f'zoo predict {shlex.quote(directory.shown)} "some text"']
    if plugin := requirement(task):
        lines.insert(0, f"pip install taskzoo {plugin}")
    return [*plugin_needed(task), "\n".join(["```bash", *lines, "```"])]


def _results(metrics: dict[str, Any]) -> list[str]:
    if not (columns := score_columns(metrics)):
        return ["There were no rows to evaluate on."]
    return [
        "\n".join(result_table(columns)),
        *map(markdown, result_notes(metrics)),
        "Intervals are 95% bootstrap intervals over rows. They say how far the scores may be off because the test rows "
        "are few, not how well the model does on other kinds of text.",
    ]


def _plain_use(directory: RunDirectory, plan: Plan, processor: Any) -> list[str]:
    """How the model loads with ``transformers`` alone, and the task's lines for the same predictions."""
    config = read_json(directory.model / "config.json")
    own_code = bool(config.get("auto_map"))
    saved = SavedModel(directory.model, f"{directory.shown}/model", processor, own_code)
    loads = "The folder `model/` loads with plain `transformers`"
    if own_code:
        loads += (
            " and `trust_remote_code=True`: its head is not one that the library has, so the code is in the folder. "
            "Without that, loading fails"
        )
    lines = plan.task.plain_use(saved)
    return ["### Without Task Zoo", f"{loads}.", *([lines] if lines else [])]


def _data_lines(plan: Plan, manifest: dict[str, Any]) -> list[str]:
    lines = []
    for split, count in manifest["rows"].items():
        source = manifest["data"].get(split, {}).get("source", "split off the training rows")
        if plan.config.data.name == "demo":
            source = "built-in demo set"
        lines.append(f"- {split}: {count} rows ({markdown(source)})")
    if unlabelled := manifest["splits"].get(UNLABELLED):
        source = manifest["data"].get(UNLABELLED, {}).get("source", "the training rows left out by shots")
        lines.append(f"- unlabelled: {unlabelled['rows']} rows ({markdown(source)})")
    return lines + [f"- {markdown(note)}" for note in overlap_notes(manifest["overlap"])]
