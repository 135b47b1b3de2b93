"""Data sets from the Hugging Face hub, or from a folder in its layout, through ``datasets``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskzoo.errors import RequestError
from taskzoo.task import Row

from .readers.groups import GROUP, parse_group
from .readers.languages import LANGUAGES, Languages, nested_names
from .readers.objects import reach
from .readers.values import named

ALIASES = {"train": "train", "validation": "validation", "valid": "validation", "dev": "validation", "test": "test"}


def load_hub_rows(
    location: str,
    columns: Mapping[str, str],
    roles: Mapping[str, str],
    *,
    config: str | None = None,
    revision: str | None = None,
    group: str | None = None,
    languages: Mapping[str, str] | None = None,
) -> dict[str, list[Row]]:
    """The train/validation/test rows of a hub data set; integer labels become their names.

    Args:
        location: hub id or local folder.
        columns: role -> column; a dot reaches into a nested column (``translation.en``). Roles default to their name.
        roles: the task's roles.
        config: configuration name, if the data set has several.
        revision: of the data set on the hub.
        group: ``COLUMN`` or ``COLUMN:SEPARATOR``, as for :func:`~.readers.read_rows`.
        languages: role -> code, as for :func:`~.readers.read_rows`; columns named by a language may be nested.

    Raises:
        RequestError: it cannot be loaded, or lacks a column.
    """
    grouping = None if group is None else parse_group(group)
    try:
        from datasets import load_dataset

        loaded = load_dataset(location, config, revision=revision)
    except Exception as error:  # datasets raises many kinds, all of them about this request
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        raise RequestError(f"The data set {location!r} cannot be loaded: {reason}") from error
    rows: dict[str, list[Row]] = {}
    for name, split in loaded.items():
        if name not in ALIASES:
            continue
        spoken = Languages(languages or {})
        inside = nested_names(split[0]) if spoken and len(split) else []
        known = {**columns, **spoken.columns([*split.column_names, *inside], roles, columns, location)}
        used = {role: known.get(role, role) for role in roles}
        used = {role: column for role, column in used.items() if column.partition(".")[0] in split.column_names}
        if not used:
            found = ", ".join(split.column_names)
            raise RequestError(
                f"The data set {location!r} has the columns {found}; map them with --columns {next(iter(roles))}=NAME."
            )
        if grouping and grouping.column.partition(".")[0] not in split.column_names:
            found = ", ".join(split.column_names)
            raise RequestError(
                f"The data set {location!r} has no column {grouping.column!r} for group; found {found}; name it with "
                "--group-by NAME."
            )
        names = {column: _label_names(split.features[column]) for column in used.values() if column in split.features}
        rows[ALIASES[name]] = []
        for number, item in enumerate(split, 1):
            fields = {role: named(_reach(item, column), names.get(column)) for role, column in used.items()}
            if (codes := spoken.codes()) is not None:
                fields[LANGUAGES] = codes
            if grouping:
                fields[GROUP] = grouping.of(reach(item, grouping.column), location, number)
            rows[ALIASES[name]].append(Row(fields, location, number))
    return rows


def _label_names(feature: Any) -> list[str] | None:
    inner = getattr(feature, "feature", feature)
    names: list[str] | None = getattr(inner, "names", None)
    return names


def _reach(item: Mapping[str, Any], column: str) -> Any:
    value: Any = item
    for part in column.split("."):
        value = value[part]
    return value
