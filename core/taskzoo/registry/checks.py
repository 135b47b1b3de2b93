"""What a registration must be like; refused here, while the plugin can still be named and nothing has run."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Collection, Mapping
from importlib import metadata
from pathlib import Path

from taskzoo.config import TRAINING_FIELDS
from taskzoo.errors import RequestError, nearest
from taskzoo.spec import CONTRACT_VERSION, KINDS, Column, Extension, Option, TaskSpec, check_value

LAST_OF_CONTRACT_1 = "taskzoo<0.2"
"""The requirement that installs the last taskzoo with the contract before this one."""

_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
_ENTRY_POINT = re.compile(r"[\w.]+:\w+")
_TYPES = {str: "text", bool: "True or False"}
_SPEC_FIELDS = {"summary": str, "text_input": str}
_COLUMN_FIELDS = {"help": str, "required": bool, "target": bool, "language": str, "path": bool, "overlapping": bool}


class RefusedError(Exception):
    """A registration breaks a rule; the text says which."""


def check_spec(spec: object, distribution: str, *, package: bool = True) -> TaskSpec:
    """``spec``, checked by itself; ``package`` is false for the class of a task that has none.

    Raises RefusedError with the first rule that it breaks.
    """
    if not isinstance(spec, TaskSpec):
        raise RefusedError(f"registers {spec!r}, which is not a taskzoo.TaskSpec")
    if not isinstance(spec.id, str) or not _ID.fullmatch(spec.id):
        raise RefusedError(f"the task id {spec.id!r} must be lower-case letters, digits, '-' and '_'")
    what = f"task {spec.id!r}"
    _check_contract(spec.contract, what, distribution)
    if package and (not isinstance(spec.entry_point, str) or not _ENTRY_POINT.fullmatch(spec.entry_point)):
        raise RefusedError(f"{what}: the entry point {spec.entry_point!r} is not of the form 'module:Class'")
    if not isinstance(spec.columns, Mapping) or not isinstance(spec.options, Mapping):
        raise RefusedError(f"{what}: columns and options must be mappings")
    _check_types(spec, _SPEC_FIELDS, what)
    for name, option in spec.options.items():
        _check_option(name, option, what)
    for role, column in spec.columns.items():
        _check_column(role, column, spec, what)
    if spec.text_input and spec.text_input not in spec.columns:
        raise RefusedError(f"{what}: text_input names {spec.text_input!r}, which is not one of its columns")
    if not _is_words(spec.formats):
        raise RefusedError(f"{what}: formats={spec.formats!r} must be a tuple of names, such as ('jsonl', 'csv')")
    if not _is_words(spec.kinds) or not spec.kinds or not set(spec.kinds) <= set(KINDS):
        raise RefusedError(f"{what}: kinds={spec.kinds!r} must be a tuple of {', '.join(map(repr, KINDS))}")
    if not _is_words(spec.scratch_models):
        raise RefusedError(f"{what}: scratch_models={spec.scratch_models!r} must be a tuple of names")
    for field in ("default_model", "demo_model"):
        value = getattr(spec, field)
        if value is not None and (not isinstance(value, str) or not value.strip()):
            raise RefusedError(f"{what}: {field}={value!r} must be the name of a model, or None")
    if spec.demo is not None:
        _check_demo(spec.demo, what)
    return spec


def check_formats(spec: TaskSpec, readers: Collection[str]) -> None:
    """Raise RefusedError for a file format that no plugin brings, with the nearest that there is."""
    for name in spec.formats:
        if name not in readers:
            near = nearest(name, readers)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(readers))}"
            raise RefusedError(f"task {spec.id!r} names the file format {name!r}, which no plugin brings; {hint}")


def check_extension(extension: object, kind: str) -> Extension:
    """``extension``, checked by itself. Raises as :func:`check_spec` does."""
    if not isinstance(extension, Extension):
        raise RefusedError(f"registers {extension!r} as a {kind}, which is not a taskzoo.Extension")
    if not isinstance(extension.name, str) or not _ID.fullmatch(extension.name):
        raise RefusedError(f"the name {extension.name!r} of a {kind} must be lower-case letters, digits, '-' and '_'")
    if not isinstance(extension.entry_point, str) or not _ENTRY_POINT.fullmatch(extension.entry_point):
        raise RefusedError(
            f"{kind} {extension.name!r}: the entry point {extension.entry_point!r} is not of the form 'module:object'"
        )
    _check_types(extension, {"summary": str}, f"{kind} {extension.name!r}")
    return extension


def explain_type_error(error: TypeError, distribution: str) -> str:
    """The reason on record for a :class:`TypeError` at registration; one of an older contract's form is recognised."""
    message = str(error)
    if message.startswith("TaskSpec.__init__()"):
        if "positional argument" in message or "'languages'" in message:
            return f"its task was written for contract 1; {_downgrade(distribution)}"
        if "'contract'" in message:
            return (
                f"its TaskSpec does not say for which contract it was written: add contract={CONTRACT_VERSION} if it "
                f"is this one; if it was made before contracts were named, {_downgrade(distribution)}"
            )
    return f"TypeError: {message}"


def _check_contract(contract: object, what: str, distribution: str) -> None:
    if type(contract) is not int or contract < 1:
        raise RefusedError(
            f"{what}: contract={contract!r} must be the number of the contract that it was written for, such as "
            f"contract={CONTRACT_VERSION}"
        )
    if contract == CONTRACT_VERSION:
        return
    here = f"this taskzoo {metadata.version('taskzoo')} has {CONTRACT_VERSION}"
    if contract > CONTRACT_VERSION:
        raise RefusedError(f"{what} needs contract {contract}, {here}: upgrade taskzoo")
    raise RefusedError(f"{what} was written for contract {contract}, {here}: {_downgrade(distribution)}")


def _downgrade(distribution: str) -> str:
    upgrade = f"upgrade {distribution}" if distribution else f"change it to contract {CONTRACT_VERSION}"
    return f"{upgrade}, or install {LAST_OF_CONTRACT_1}"


def _check_option(name: object, option: object, what: str) -> None:
    if not isinstance(option, Option):
        raise RefusedError(f"{what}: the option {name!r} is not a taskzoo.Option")
    if not isinstance(name, str) or not name.isidentifier():
        raise RefusedError(f"{what}: the option name {name!r} must be a Python name, such as 'max_length'")
    _check_types(option, {"help": str}, f"{what}, option {name!r}")
    if name in TRAINING_FIELDS:
        raise RefusedError(f"{what}: the option {name!r} has the name of a training setting; rename it")
    if option.default is not None and type(option.default) not in (str, int, float, bool):
        raise RefusedError(f"{what}: the default {option.default!r} of {name!r} must be text, a number, a bool or None")
    if not isinstance(option.choices, tuple):
        raise RefusedError(f"{what}: the choices {option.choices!r} of {name!r} must be a tuple")
    if option.minimum is not None and type(option.minimum) not in (int, float):
        raise RefusedError(f"{what}: the minimum {option.minimum!r} of {name!r} must be a number or None")
    if option.minimum is not None and type(option.default) not in (int, float, type(None)):
        raise RefusedError(f"{what}: {name!r} has a minimum, and its default {option.default!r} is not a number")
    try:
        for value in (option.default, *option.choices):
            check_value(name, value, option.default, option.choices, option.minimum)
    except RequestError as error:
        raise RefusedError(f"{what}, option {name!r}: {str(error).rstrip('.')}") from None


def _check_column(role: object, column: object, spec: TaskSpec, what: str) -> None:
    if not isinstance(role, str) or not role:
        raise RefusedError(f"{what}: the column name {role!r} must be text")
    if not isinstance(column, Column):
        raise RefusedError(f"{what}: the column {role!r} is {column!r}, not a taskzoo.Column")
    _check_types(column, _COLUMN_FIELDS, f"{what}, column {role!r}")
    if not _is_words(column.names):
        raise RefusedError(f"{what}: the names {column.names!r} of the column {role!r} must be a tuple of texts")
    if column.language and column.language not in spec.options:
        raise RefusedError(f"{what}: the language of {role!r} is named by {column.language!r}, which is not an option")


def _check_demo(demo: object, what: str) -> None:
    package, colon, folder = demo.partition(":") if isinstance(demo, str) else ("", "", "")
    if not (package and colon and folder):
        raise RefusedError(f"{what}: demo={demo!r} is not of the form 'package:folder'")
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        found = None
    places = (found and found.submodule_search_locations) or ()
    if not any(Path(place, folder).is_dir() for place in places):
        raise RefusedError(f"{what}: there is no folder {folder!r} in the package {package!r} (demo={demo!r})")


def _check_types(value: object, fields: Mapping[str, type], what: str) -> None:
    """Refuse a field of a spec that is not of its type."""
    for name, kind in fields.items():
        found = getattr(value, name)
        if not isinstance(found, kind):
            raise RefusedError(f"{what}: {name}={found!r} must be {_TYPES[kind]}")


def _is_words(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(word, str) and word for word in value)
