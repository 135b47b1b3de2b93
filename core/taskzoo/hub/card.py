"""The card of a pushed run: that of the run, used by its name on the hub, with the metadata that the hub reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from taskzoo.errors import RequestError
from taskzoo.escapes import markdown, markdown_code
from taskzoo.models.directories import read_config
from taskzoo.runs.card import plugin_needed, requirement
from taskzoo.runs.directory import RunDirectory, read_json
from taskzoo.runs.verdict import split_scores

from .licences import UNKNOWN, Origin
from .names import HubName

HUB_TASKS = {
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "ForCausalLM": "text-generation",
}
"""End of an architecture's name -> what the hub calls its task."""
GENERATING = ("translation", "summarization")
"""Names of the hub for tasks of encoder-decoders."""
_FOLDER = re.compile(r'"(?:[^"\n]*/)?model"')


def hub_card(
    directory: RunDirectory, name: HubName, facts: Mapping[str, Any], origins: tuple[Origin, Origin], licence: str
) -> str:
    """The card with its metadata.

    Args:
        directory: of the run.
        name: of the repository.
        facts: the public part of the manifest.
        origins: of base model and data.
        licence: of the pushed model; ``""``: that of the base model, where it is known.
    """
    metadata = _metadata(directory, name, facts, origins, licence).to_yaml()
    return f"---\n{metadata}\n---\n\n{_text(directory, name, facts['task'], origins)}"


def _metadata(
    directory: RunDirectory, name: HubName, facts: Mapping[str, Any], origins: tuple[Origin, Origin], licence: str
) -> ModelCardData:
    model, data = origins
    licence = licence or (model.licence if model.licence != UNKNOWN else "")
    task = _hub_task(directory, facts)
    metrics = read_json(directory.metrics)
    splits = split_scores(metrics)
    results = []
    if splits:
        split, scores = list(splits.items())[-1]
        results = [
            EvalResult(
                task_type=task or "other",
                dataset_type=data.hub or "custom",
                dataset_name=data.name,
                dataset_split=split,
                metric_type=score,
                metric_value=value,
            )
            for score, value in scores.items()
            if isinstance(value, float) and score != "loss"
        ]
    return ModelCardData(
        language=list(data.languages) or None,
        license=licence or None,
        library_name="transformers",
        base_model=model.hub,
        datasets=[data.hub] if data.hub else None,
        pipeline_tag=task,
        tags=["task-zoo", *([facts["task"]["name"].rpartition("/")[2]] if facts.get("task") else [])],
        model_name=name.folder,
        eval_results=results or None,
    )


def _hub_task(directory: RunDirectory, facts: Mapping[str, Any]) -> str | None:
    """The hub's name of the task, by the model's architecture."""
    known = str(facts["task"]["name"]).rpartition("/")[2]
    if known in GENERATING:
        return known
    architectures = read_config(directory.model).get("architectures") or [""]
    return next((task for end, task in HUB_TASKS.items() if architectures[0].endswith(end)), None)


def _text(directory: RunDirectory, name: HubName, task: Mapping[str, Any], origins: tuple[Origin, Origin]) -> str:
    """The sections of the run's card; the ones on use and limits are written anew."""
    if not directory.card.is_file():
        raise RequestError(f"The run has no card ({directory.card}); copy the whole run.")
    head, *sections = re.split(r"^## ", directory.card.read_text(encoding="utf-8"), flags=re.MULTILINE)
    written = {section.partition("\n")[0].strip(): section.partition("\n")[2].strip() for section in sections}
    plain = written.pop("Use", "").partition("### Without Task Zoo")[2]
    code = _FOLDER.sub(f'"{name.folder}"', plain[plain.find("```") :]) if "```" in plain else ""
    written.pop("Limits", None)
    trusting = "trust_remote_code" in plain
    install = f"pip install taskzoo {requirement(task)}".rstrip()
    parts = [
        re.sub(r"\A# .*", f"# {markdown(name.folder)}", head.strip()),
        *(f"## {title}\n\n{text}" for title, text in written.items()),
        "## Use",
        *plugin_needed(task),
        f'```bash\n{install}\nzoo predict {name.repo} "some text"\n```',
        f'```python\nimport taskzoo\n\nrun = taskzoo.load("{name.repo}")\nprint(run.predict("some text"))\n```',
        "### Without Task Zoo",
        f"```bash\nhf download {name.repo} --local-dir {name.folder}\n```",
        "The folder then loads with plain `transformers`"
        + (" and `trust_remote_code=True`, since the code of its head is in it." if trusting else "."),
        *([code.strip()] if code else []),
        "## Licences and limits",
        *_licence_lines(origins),
        "The model knows only what it was trained on: these labels or targets, and this kind of text.",
    ]
    return "\n\n".join(parts) + "\n"


def _licence_lines(origins: tuple[Origin, Origin]) -> list[str]:
    lines = []
    for what, origin in zip(("base model", "data"), origins, strict=True):
        licence = origin.licence if origin.licence != UNKNOWN else "licence unknown, ask who made it"
        lines.append(f"- {what}: {markdown_code(origin.name)} ({markdown(licence)})")
    return ["\n".join(lines)]
