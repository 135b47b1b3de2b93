"""What the registry knows of a task before any of its code is imported: plain data, cheap to make."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .errors import RequestError, UnknownNameError

CONTRACT_VERSION = 2
"""The contract that this core implements. A spec written for another one is refused with what to do about it."""

KINDS = ("encoder", "decoder", "encoder-decoder")
"""The kinds of model there are."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column that a task reads.

    Args:
        help: what it holds, in a few words.
        required: labelled rows must have it. An input that may come in several forms is not required in any one.
        target: holds what the model learns to predict; prediction does without it.
        names: other names under which files have it, matched without case; the role's own name always counts.
        language: the option that says in which language its texts are; columns and files named by that language then
            hold this role.
        path: holds the name of a file, such as a sound, relative to the file that names it (of rows in memory: to the
            working directory). Rows have it as an absolute path.
        overlapping: whether spans in it may overlap; readers leave out all but the longest otherwise.
    """

    help: str
    required: bool = False
    target: bool = False
    names: tuple[str, ...] = ()
    language: str = ""
    path: bool = False
    overlapping: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of a task (``--set name=value``).

    Args:
        default: the value when nothing is set; its type is the option's type (``None``: any; on the command line one
            of the choices, a number if there is a minimum, else text).
        help: one line for ``zoo info``.
        choices: the only values allowed, when there are few.
        minimum: the smallest number allowed.
    """

    default: Any
    help: str
    choices: tuple[Any, ...] = ()
    minimum: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """A task as its plugin registers it.

    Args:
        id: the bare name, lower-case (``"ner"``).
        contract: the number of the contract that the task was written for, written out: ``contract=2``.
        entry_point: ``"package.module:Class"``, imported on first use; empty for a class that is used as it is.
        summary: one line for ``zoo tasks``.
        columns: role -> :class:`Column`, inputs first.
        options: the task's own settings.
        formats: file formats the task reads, most natural first (``zoo plugins`` lists those there are).
        demo: ``"package:folder"`` that holds the built-in demo set's train/validation/test files; folders inside it are
            variants of the set (``--data demo/zh``).
        default_model: the model of a run that names none, by registry name, hub id or ``scratch:`` name; without it,
            such a run is refused.
        demo_model: the same for a run on the demo set; it must not need a network.
        kinds: the kinds of model that suit the task; others are refused.
        text_input: the role that plain texts fill when predicting; by default ``text`` if there is one, else the first
            that is not a target.
        scratch_models: names of models without pretrained weights that the task makes itself
            (:meth:`taskzoo.Task.make_scratch`), each used as ``scratch:NAME``; the first is a tiny one.
    """

    id: str
    contract: int
    entry_point: str = ""
    summary: str = ""
    columns: Mapping[str, Column] = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)
    formats: tuple[str, ...] = ("jsonl", "json", "csv", "tsv", "parquet")
    demo: str | None = None
    default_model: str | None = None
    demo_model: str | None = None
    kinds: tuple[str, ...] = KINDS
    text_input: str = ""
    scratch_models: tuple[str, ...] = ()

    @property
    def languages(self) -> dict[str, str]:
        """Role -> name of the option that says its language, for the columns that have one."""
        return {role: column.language for role, column in self.columns.items() if column.language}

    @property
    def input_role(self) -> str:
        """The role that plain texts fill."""
        if self.text_input:
            return self.text_input
        inputs = [role for role, column in self.columns.items() if not column.target]
        return "text" if "text" in inputs or not inputs else inputs[0]

    def resolve_options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All options with their values: ``given`` over defaults.

        Raises:
            UnknownNameError: an option the task does not have.
            RequestError: a value of the wrong type, not among the choices or below the minimum.
        """
        for name in given:
            if name not in self.options:
                hint = f"Options of {self.id}: {', '.join(sorted(self.options)) or 'none'}."
                raise UnknownNameError(f"option of {self.id}", name, self.options, hint)
        return {
            name: check_value(name, given[name], option.default, option.choices, option.minimum)
            if name in given
            else option.default
            for name, option in self.options.items()
        }


@dataclass(frozen=True, slots=True)
class Extension:
    """Something else that a plugin brings: a training method, a file format, a command or a callback.

    Args:
        name: what people type.
        entry_point: ``"package.module:object"``, imported on first use.
        summary: one line for listings.
    """

    name: str
    entry_point: str
    summary: str = ""


def check_value(
    name: str, value: Any, default: Any, choices: tuple[Any, ...] = (), minimum: float | None = None
) -> Any:
    """``value`` as the type of ``default``, or a one-line error (shared by task options and training settings).

    Text for an option that is not text is read as the option's type, as on the command line: ``3e-4``, ``true``.
    """
    wanted = type(default)
    if isinstance(value, str) and wanted is not str:
        value = _read(name, value, default, choices, minimum)
    if value is None and default is None:
        return None
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if wanted is str and isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if default is not None and (not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))):
        hint = f'; in a YAML file, write text in quotes: {name}: "..."' if wanted is str else ""
        raise RequestError(f"{name}={value!r} must be of type {wanted.__name__}, like the default {default!r}{hint}.")
    if choices and value not in choices:
        raise RequestError(f"{name}={value!r} is not one of {', '.join(map(str, choices))}.")
    if isinstance(value, float) and not math.isfinite(value) and value != default:
        raise RequestError(f"{name}={value} is not a finite number.")
    if minimum is not None and isinstance(value, (int, float)) and not value >= minimum:
        raise RequestError(f"{name}={value!r} must be at least {minimum:g}.")
    return value


_WORDS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def _read(name: str, text: str, default: Any, choices: tuple[Any, ...], minimum: float | None) -> Any:
    """Text as the type of ``default``. Where that is ``None``: one of the choices or a number, if there is a limit."""
    word = text.strip().lower()
    if isinstance(default, bool):
        if word not in _WORDS:
            raise RequestError(f"{name}={text!r} is neither true nor false.")
        return _WORDS[word]
    if default is None and text in choices:
        return text
    if default is None and (choices or minimum is not None) and word in ("none", "null"):
        return None
    if default is None and choices:
        return {str(choice).lower(): choice for choice in choices}.get(word, text)
    if default is None and minimum is None:
        return text
    for kind in (int,) if isinstance(default, int) else (float,) if isinstance(default, float) else (int, float):
        with suppress(ValueError):
            return kind(word)
    raise RequestError(f"{name}={text!r} is not a {'whole ' if isinstance(default, int) else ''}number.")
