"""A new plugin package from the files in ``template/``."""

from __future__ import annotations

import importlib.util
import json
import keyword
import re
import shutil
import tempfile
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from taskzoo import __version__, registry
from taskzoo.errors import RequestError, TaskZooError, UnknownNameError
from taskzoo.registry.json_schema import FILE as SCHEMA_FILE
from taskzoo.registry.json_schema import catalogue_schema
from taskzoo.spec import CONTRACT_VERSION

from .package_kinds import ALIASES, KINDS

SUFFIX = ".tmpl"
DISTRIBUTION = "taskzoo-"
"""What the names of distributions begin with, and what a task's name may be given with."""


def task_name(name: str) -> str:
    """The name of the task, which people may give as that of its distribution."""
    return name.removeprefix(DISTRIBUTION)


def package_name(name: str) -> str:
    """The import name of the task ``name``: ``taskzoo_`` and the name with ``_`` for ``-``."""
    return f"taskzoo_{name.replace('-', '_')}"


def write_package(name: str, output: str | Path | None = None, kind: str = "classification") -> Path:
    """Write a package for a task called ``name`` that keeps the contract as it is.

    Args:
        name: the task's id: words of lower-case letters and digits joined by ``-`` or ``_``, beginning with a letter;
            or the same after ``taskzoo-``.
        output: the folder to make (default: ``taskzoo-NAME`` in the working directory).
        kind: one of :data:`~taskzoo.testing.package_kinds.KINDS`.

    Returns:
        The folder.

    Raises:
        UnknownNameError: there is no such kind.
        RequestError: the name cannot be used, or the folder exists or cannot be made; nothing is written then.
    """
    kind = ALIASES.get(kind, kind)
    if kind not in KINDS:
        raise UnknownNameError("kind of package", kind, KINDS, f"There are {', '.join(KINDS)}.")
    name = task_name(name)
    _check_name(name)
    folder = Path(output) if output is not None else Path(f"{DISTRIBUTION}{name}")
    if folder.exists():
        raise RequestError(f"{str(folder)!r} exists already; choose another --output or remove it.")
    parent = folder.resolve().parent
    if not parent.is_dir():
        raise RequestError(f"The folder {str(parent)!r}, in which {folder.name!r} would go, does not exist.")
    words = _words(name, kind)
    try:
        with tempfile.TemporaryDirectory(dir=parent, prefix=f".{folder.name}-") as scratch:
            draft = Path(scratch) / "draft"
            for part in ("shared", *KINDS[kind].parts, kind):
                _copy(files("taskzoo.testing") / "template" / part, draft, words)
            (draft / "LICENSE").write_text(_license(), encoding="utf-8")
            schema = json.dumps(catalogue_schema(), indent=1) + "\n"
            (draft / words["@PACKAGE@"] / SCHEMA_FILE).write_text(schema, encoding="utf-8")
            shutil.move(draft, folder)
    except OSError as error:
        raise RequestError(f"{str(folder)!r} cannot be written: {error.strerror or error}.") from None
    return folder


def _words(name: str, kind: str) -> dict[str, str]:
    """What the marks in the template stand for."""
    package, about = package_name(name), KINDS[kind]
    return {
        "@ABOUT@": about.about,
        "@FILES@": "\n".join(f"| `{package}/{file}` | {what} |" for file, what in about.files.items()),
        "@RECIPE@": about.recipe,
        "@REQUIRES@": about.requires,
        "@NAME@": name,
        "@PACKAGE@": package,
        "@CLASS@": "".join(part.capitalize() for part in re.split("[-_]", name)),
        "@VERSION@": __version__,
        "@CONTRACT@": str(CONTRACT_VERSION),
    }


def _license() -> str:
    """Apache-2.0, as it stands beside the installed package or at the root of a checkout."""
    package = Path(__file__).resolve().parents[1]
    for path in (package / "LICENSE", package.parents[1] / "LICENSE"):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise TaskZooError(f"The text of the licence is missing in {package}; reinstall taskzoo.")


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", name):
        raise RequestError(
            f"The name {name!r} cannot be used: take lower-case letters, digits and single '-' or '_' between them, "
            "beginning with a letter, as in 'rhyme-scheme'."
        )
    if keyword.iskeyword(name) or len(name) > 50:
        raise RequestError(f"The name {name!r} cannot be used: it is {'too long' if len(name) > 50 else 'a keyword'}.")
    taken = next((entry for entry in registry.tasks() if entry.spec.id == name), None)
    if taken is not None:
        raise RequestError(f"There is a task {name!r} already, installed by {taken.distribution}; choose another name.")
    if importlib.util.find_spec(package_name(name)) is not None:
        raise RequestError(f"A package {package_name(name)!r} is installed already; choose another name.")


def _copy(source: Traversable, target: Path, words: dict[str, str]) -> None:
    target.mkdir(exist_ok=True)
    for item in source.iterdir():
        if item.is_dir():
            _copy(item, target / (words["@PACKAGE@"] if item.name == "package" else item.name), words)
        elif item.name.endswith(SUFFIX):
            text = item.read_text(encoding="utf-8")
            for mark, word in words.items():
                text = text.replace(mark, word)
            (target / item.name.removesuffix(SUFFIX)).write_text(text, encoding="utf-8")
