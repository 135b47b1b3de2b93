"""Tasks without a package: ``path/to/task.py:Class``, ``module:Class``, or a class in memory."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from taskzoo.errors import RequestError, UnknownNameError

from .checks import RefusedError, check_spec
from .naming import TaskEntry
from .strangers import INTERRUPTS, describe, off_stdout

if TYPE_CHECKING:
    from taskzoo.task import Task


def entry_of_class(task_class: type[Task], name: str = "") -> TaskEntry:
    """The entry of a class that has a ``spec``; it is named by where it is: ``"/path/task.py:Class"``.

    Raises RequestError where its spec is missing or breaks a rule.
    """
    try:
        spec = task_class.spec
    except AttributeError:
        raise RequestError(
            f"The task {task_class.__qualname__} has no spec; write `spec = TaskSpec(id=..., contract=2, ...)` in it."
        ) from None
    try:
        check_spec(spec, "", package=False)
    except RefusedError as error:
        raise RequestError(f"The task {task_class.__qualname__} cannot be used: {error}.") from None
    return TaskEntry(name or _place(task_class), spec, "", "", task_class=task_class)


def entry_of_reference(reference: str) -> TaskEntry:
    """The entry of a class given as ``path/to/task.py:Class`` or ``module:Class``.

    Raises RequestError where the file or module cannot be loaded or holds no such task.
    """
    from taskzoo.task import Task

    place, _, name = reference.rpartition(":")
    if place.endswith(".py"):
        path = Path(place).expanduser().resolve()
        module, full = _load_file(path), f"{path}:{name}"
    else:
        module, full = _load_module(place, reference), reference
    found = getattr(module, name, None)
    if not (isinstance(found, type) and issubclass(found, Task)):
        own = {n: v for n, v in vars(module).items() if isinstance(v, type) and "spec" in vars(v)}
        tasks = [n for n, v in own.items() if issubclass(v, Task)]
        raise UnknownNameError(f"task in {place}", name, tasks, f"It has {', '.join(tasks)}." if tasks else "")
    return entry_of_class(found, full)


def _place(task_class: type[Task]) -> str:
    """Where a class is, in a form that finds it again where that is possible."""
    module = sys.modules.get(task_class.__module__)
    file = getattr(module, "__file__", None)
    script = file is not None and file.endswith(".py") and "." not in task_class.__qualname__
    return f"{Path(file).resolve() if script and file else task_class.__module__}:{task_class.__qualname__}"


def _load_file(path: Path) -> ModuleType:
    """The module in a file, under a private name; loaded anew when the file has changed."""
    if not path.is_file():
        raise RequestError(f"There is no file {path}; a task in a file is given as path/to/task.py:Class.")
    main = sys.modules.get("__main__")
    if main is not None and getattr(main, "__file__", None) and Path(str(main.__file__)).resolve() == path:
        return main  # the script that is running; loading it again would run it again
    content = path.read_bytes()
    digest = hashlib.sha256(str(path).encode() + b"\0" + content).hexdigest()[:12]
    name = f"task_file_{path.stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RequestError(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with off_stdout():
            spec.loader.exec_module(module)
    except BaseException as error:  # whatever a person's file may raise
        del sys.modules[name]
        if isinstance(error, INTERRUPTS):
            raise
        hint = ""
        if isinstance(error, ImportError) and error.name and path.with_name(f"{error.name}.py").is_file():
            hint = " A task in one file cannot import the files beside it; `zoo new` makes a package."
        raise RequestError(f"{path} cannot be loaded ({describe(error)}).{hint}") from error
    return module


def _load_module(name: str, reference: str) -> ModuleType:
    try:
        with off_stdout():
            return sys.modules.get(name) or importlib.import_module(name)
    except INTERRUPTS:
        raise
    except BaseException as error:
        hint = " A class of a notebook is found only there; pass the class itself." if name == "__main__" else ""
        raise RequestError(f"The task {reference!r} cannot be loaded ({describe(error)}).{hint}") from error
