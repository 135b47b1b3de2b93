"""What the registry is told, and whether the class is what it says."""

from __future__ import annotations

import inspect
import json
import re
import sys
from contextlib import suppress
from pathlib import Path

from taskzoo import registry
from taskzoo.config import split_settings
from taskzoo.errors import RequestError
from taskzoo.registry import checks as registration
from taskzoo.task import Task

from ..bench import Bench
from .common import NotApplicable, last_output, require, some
from .promise import promise

HEAVY = ("torch", "transformers", "datasets", "numpy", "pandas", "sklearn", "scipy")
SLOW_IMPORT = 2.0
"""Seconds that a plugin's module and its hooks may take, which every ``zoo`` command but ``--help`` waits for."""

_IMPORT = """
import importlib, json, sys, time
from taskzoo.registry.discovery import Candidate, Plugin, PluginRecord, call_hooks
module, name, distribution, *heavy = sys.argv[1:]
plugin = Plugin(PluginRecord(name, distribution, "", "ok"))
began = time.perf_counter()
call_hooks(Candidate(name, distribution, "", lambda: importlib.import_module(module)), plugin)
print(json.dumps([time.perf_counter() - began, [name for name in heavy if name in sys.modules]]))
"""


@promise(
    why="`zoo tasks`, `zoo info` and `zoo run` on the demo set know the task only from its spec.",
    fix="Correct the TaskSpec that the plugin registers: a one-line summary, help for columns and options, a demo set.",
)
def check_spec(bench: Bench) -> None:
    """The registry takes the spec, and what it leaves open is there: words for people, and rows to check with."""
    spec = bench.spec
    try:
        registration.check_spec(spec, bench.entry.distribution, package=bool(bench.entry.distribution))
        registration.check_formats(spec, [reader.name for reader in registry.readers()])
    except registration.RefusedError as error:
        raise AssertionError(str(error)) from None
    require(spec.summary.strip() and "\n" not in spec.summary, "the spec has no one-line summary")
    require(spec.columns, "the spec names no columns; `zoo run` cannot find any in a file")
    for kind, described in (("column", spec.columns), ("option", spec.options)):
        silent = [name for name, entry in described.items() if not entry.help.strip()]
        require(not silent, f"the {kind} {some(silent)} has no help")
    require(spec.demo, "the spec names no demo set; `zoo run` without data and these checks need one")
    require(bench.raw["train"], "the demo set has no training rows")


@promise(
    why="Every command that looks for a task imports every plugin, so one slow import slows all of them down.",
    fix="Import torch, transformers and the like inside the module that entry_point names, not beside or in the hooks.",
)
def check_import(bench: Bench) -> None:
    """The plugin's module and its hooks import nothing heavy: every ``zoo`` command waits for them."""
    module = bench.plugin_module
    if not module:
        raise NotApplicable("the task belongs to no plugin")
    what = f"importing {module} and calling its hooks"
    names = (module, bench.entry.plugin, bench.entry.distribution)
    seconds, heavy = json.loads(last_output(["-c", _IMPORT, *names, *HEAVY], f"{what} failed"))
    require(not heavy, f"{what} imports {', '.join(heavy)}; import them where they are used")
    require(seconds < SLOW_IMPORT, f"{what} takes {seconds:.1f} s; defer what is slow")


@promise(
    why="The engine calls the members by these names and parameters, some of them only hours into a run.",
    fix="Write the members that are missing, with the parameters that taskzoo.Task gives them.",
)
def check_members(bench: Bench) -> None:
    """The class is a :class:`taskzoo.Task`, whole, and its members take parameters of the same names."""
    cls = bench.task_class
    require(isinstance(cls, type) and issubclass(cls, Task), f"{cls!r} is not a subclass of taskzoo.Task")
    missing = sorted(cls.__abstractmethods__)
    require(not missing, f"{cls.__name__} lacks {', '.join(missing)} (see taskzoo.Task)")
    task = bench.new_task()
    require(isinstance(task.primary_metric, str) and task.primary_metric, "primary_metric must be the name of a score")
    parts = task.parameters_without_gradient
    good = not isinstance(parts, str) and all(isinstance(part, str) for part in parts)
    require(good, f"parameters_without_gradient must be a tuple of strings and is {parts!r}")
    written = cls.predict_batch is not Task.predict_batch
    require(written or not cls.generates, "generates=True needs predict_batch(), which generates")
    members = dict(inspect.getmembers(cls))  # not of the task, whose properties may load something
    for name, member in inspect.getmembers(Task, inspect.isfunction):
        if name.startswith("_"):
            continue
        wanted, found = (inspect.signature(function).parameters for function in (member, members[name]))
        any_name = any(p.kind is p.VAR_KEYWORD for p in found.values())
        lacking = [p for p in wanted if p not in found and p != "self" and not any_name]
        require(not lacking, f"{name}() lacks the parameter {', '.join(lacking)}; it has {', '.join(found) or 'none'}")


@promise(
    why="Somebody who sets an option believes that it was used: `--set` takes it, and nothing says otherwise.",
    fix="Read self.options[name] where it counts, let __init__ hand all options to super(), or drop the option.",
    after="members run",
)
def check_options(bench: Bench) -> None:
    """The task keeps the options that it is given, and looks at each of them."""
    given = bench.spec.resolve_options(split_settings(bench.settings, bench.spec)[1])
    given |= {name: option.choices[-1] for name, option in bench.spec.options.items() if option.choices}
    given |= {name: not option.default for name, option in bench.spec.options.items() if type(option.default) is bool}
    if not given:
        raise NotApplicable("the task has no options")
    with suppress(RequestError):  # not all values go together
        kept = bench.task_class(given).options
        lost = [name for name, value in given.items() if name not in kept or kept[name] != value]
        require(not lost, f"an object made with {some([f'{n}={given[n]!r}' for n in lost])} has other options")
    assert bench.run
    unread = [name for name in given if name not in bench.options_read and not _mentioned(bench, name)]
    require(not unread, f"nothing reads the option {some(unread)}")


def _mentioned(bench: Bench, name: str) -> bool:
    """Whether the code of the task names the option more often than its spec does."""
    classes = [cls for cls in bench.task_class.__mro__ if issubclass(cls, Task) and cls is not Task]
    modules = [sys.modules.get(cls.__module__) for cls in classes]
    files = {Path(module.__file__) for module in modules if module is not None and module.__file__}
    texts = [path.read_text(encoding="utf-8") for folder in {f.parent for f in files} for path in folder.glob("*.py")]
    return sum(len(re.findall(rf"""["'.]{name}\b""", text)) for text in texts) > 1
