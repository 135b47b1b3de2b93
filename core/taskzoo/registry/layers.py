"""Reading one layer of the catalogue, with errors that say the file, the line and the entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from taskzoo.errors import DataError, nearest

from .schema import SCHEMA_VERSION, CatalogueFile, known_keys

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):
    """The safe loader, but a key given twice in one mapping is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = str(key.value)  # of a list as a key, which the loader refuses, nothing can be hashed
            if key.tag != "tag:yaml.org,2002:merge" and name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {name!r} twice", key.start_mark)
            seen.add(name)
        result: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return result


@dataclass(frozen=True, slots=True)
class Layer:
    """One catalogue that was read; ``file`` is its path, or its origin where it has none, and ``text`` that of it."""

    content: CatalogueFile
    file: str
    text: str = ""

    def error(self, location: tuple[str | int, ...], message: str) -> DataError:
        """An error that names the file and line of ``location``."""
        return DataError(message, file=self.file, line=_line(self.text, location))


def read_file(path: Path, origin: str | None = None) -> Layer:
    """A catalogue file as a layer; its path is the origin unless another is given.

    Raises:
        DataError: the file cannot be read, is not YAML, or is not in the form of a registry.yaml.
    """
    file = str(path)
    try:
        text = path.read_text(encoding="utf-8")
        raw = yaml.load(text, _Loader)
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise DataError(f"this catalogue cannot be read ({what}).", file=file) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = (getattr(error, "problem", None) or " ".join(str(error).split())).removeprefix("found ")
        line = mark.line + 1 if mark else 0
        raise DataError(f"this is not YAML for a catalogue (found {problem}).", file=file, line=line) from None
    return _check({} if raw is None else raw, origin or file, path.parent.resolve(), file, text)


def read_mapping(raw: Mapping[str, Any], origin: str, folder: Path | None = None) -> Layer:
    """A mapping in the form of a registry.yaml as a layer; relative paths count from ``folder``. Raises DataError."""
    return _check(dict(raw), origin, folder or Path(), origin)


def _check(raw: object, origin: str, folder: Path, file: str, text: str = "") -> Layer:
    if not isinstance(raw, dict):
        raise DataError(f"a catalogue is a mapping that starts with `version: {SCHEMA_VERSION}`.", file=file)
    try:
        # A section with nothing below its heading is an empty one.
        content = CatalogueFile.model_validate({key: value for key, value in raw.items() if value is not None})
    except ValidationError as error:
        # The version first, which explains the rest, then an unknown key: a misspelt one explains what is missing.
        errors = error.errors(include_url=False)
        first = min(errors, key=lambda one: (one["loc"] != ("version",), one["type"] != "extra_forbidden"))
        more = f" ({len(errors) - 1} more like this.)" if len(errors) > 1 else ""
        raise DataError(_explain(first) + more, file=file, line=_line(text, first["loc"])) from None
    content.remember(origin, folder)
    return Layer(content, file, text)


def _explain(error: ErrorDetails) -> str:
    """One sentence for one problem."""
    location = error["loc"]
    parent, key, found = ".".join(map(str, location[:-1])), location[-1], error["input"]
    where = ".".join(map(str, location))
    if error["type"] == "extra_forbidden":
        known = known_keys(location)
        near = nearest(str(key), known)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys are {', '.join(known)}."
        if location[0] == "models" and key == "tasks":
            hint = "a model suits all tasks that take its kind; `tuned_for` names those that it was tuned for."
        return f"{parent + ': ' if parent else ''}there is no key {key!r}; {hint}"
    if error["type"] == "missing":
        return f"{parent}: the key {key!r} is missing."
    if location == ("version",):
        advice = "upgrade taskzoo for a newer one"
        if found == 1:
            advice = "`tasks` of a model became `tuned_for`, `task` of a recipe `tasks`; change them and the number"
        return f"version {found!r} is not the one this taskzoo reads ({SCHEMA_VERSION}); {advice}."
    if error["type"] == "value_error":
        return f"{where}: {error['msg'].removeprefix('Value error, ')}."
    quoting = isinstance(found, (bool, int, float)) and "string" in error["type"]
    message = error["msg"].removeprefix("Input ").replace("a valid tuple", "a valid list")
    return f"{where}: {found!r} {message}{' (put it in quotes)' if quoting else ''}."


def _line(text: str, location: tuple[str | int, ...]) -> int:
    """The 1-based line of ``location``, or of the nearest thing around it; 0 where there is no text."""
    node = yaml.compose(text, _Loader) if text else None
    line = 0
    for step in location:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(step)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            pair = (node.value[step], node.value[step])
        else:
            pair = None
        if pair is None:
            break
        line, node = pair[0].start_mark.line + 1, pair[1]
    return line
