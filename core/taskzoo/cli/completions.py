"""What a shell offers when Tab is pressed: names from the registry, runs in the folder, settings.

Each function takes what is typed so far; Typer keeps what begins with it. A registry that cannot be read offers
nothing: its message belongs to the command, not between two keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

import typer

from taskzoo.errors import TaskZooError

if TYPE_CHECKING:
    from taskzoo.registry import TaskEntry

Offers = list[tuple[str, str]]
"""A word, and what it means in a few words."""
WIDTH = 50
"""Of the meaning, which stands next to the word."""


def task_names(incomplete: str) -> Offers:
    """Tasks."""
    from taskzoo import registry

    try:
        return _offers((entry.name, entry.summary) for entry in registry.tasks())
    except TaskZooError:
        return []


def model_names(context: typer.Context) -> Offers:
    """Models that suit the task on the command line, or all."""
    from taskzoo import registry

    try:
        return _offers((entry.name, entry.description) for entry in registry.models(task=_task(context)))
    except TaskZooError:
        return []


def dataset_names(context: typer.Context) -> Offers:
    """Data sets for the task on the command line, or all."""
    from taskzoo import registry

    try:
        return _offers((entry.name, entry.description) for entry in registry.datasets(task=_task(context)))
    except TaskZooError:
        return []


def known_names(context: typer.Context, incomplete: str) -> Offers:
    """Tasks, models and data sets."""
    return [*task_names(incomplete), *model_names(context), *dataset_names(context)]


def method_names() -> Offers:
    """Training methods."""
    return _extensions("methods")


def format_names() -> Offers:
    """File formats."""
    return _extensions("readers")


def callback_names() -> Offers:
    """Callbacks."""
    return _extensions("callbacks")


def family_names() -> list[str]:
    """Families of the models that there are."""
    from taskzoo import registry

    try:
        return sorted({entry.family for entry in registry.models()})
    except TaskZooError:
        return []


def kind_names() -> list[str]:
    """Kinds of model."""
    from taskzoo.spec import KINDS

    return list(KINDS)


def setting_names(context: typer.Context) -> Offers:
    """Training settings and the options of the task on the command line, each with ``=``."""
    from taskzoo.config import TRAINING_FIELDS

    task = _task(context)
    helps = {name: field.metadata["help"] for name, field in TRAINING_FIELDS.items()}
    helps |= {name: option.help for name, option in task.spec.options.items()} if task else {}
    return _offers((f"{name}=", help) for name, help in helps.items())


def run_paths(incomplete: str) -> list[str]:
    """Runs in ``runs/``, and wherever the word so far leads."""
    begun = Path(incomplete)
    folder, start = (begun, "") if incomplete.endswith("/") else (begun.parent, begun.name)
    return list(dict.fromkeys([*_runs("runs", ""), *_runs(str(folder), start)]))


def run_or_task(incomplete: str) -> list[tuple[str, str] | str]:
    """Runs and tasks."""
    return [*run_paths(incomplete), *task_names(incomplete)]


def _runs(folder: str, start: str) -> Iterable[str]:
    found = Path(folder).glob("*/manifest.json")
    return sorted(str(file.parent) for file in found if file.parent.name.startswith(start))


def _extensions(kind: str) -> Offers:
    from taskzoo import registry

    try:
        return _offers((entry.name, entry.summary) for entry in getattr(registry, kind)())
    except TaskZooError:
        return []


def _offers(found: Iterable[tuple[str, str]]) -> Offers:
    return [(name, shorten(meaning, WIDTH, placeholder=" …")) for name, meaning in found]


def _task(context: typer.Context) -> TaskEntry | None:
    """The task that is on the command line already, by its name."""
    from taskzoo import registry

    name = context.params.get("task") or next(iter(context.args), None)  # not parsed where an option lacks its value
    try:
        return registry.task_entry(name) if isinstance(name, str) and ":" not in name else None
    except TaskZooError:
        return None
