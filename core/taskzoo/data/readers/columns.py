"""Which column holds which role.

A role takes the column that ``columns`` names for it. Otherwise it takes the column of its own name, otherwise
the one column named by a synonym below (case and outer blanks do not count). Two synonyms in one file are an
error, not a guess. A synonym that is itself a role of the task never stands for another role.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...errors import DataError, UnknownNameError, nearest
from .groups import GROUP

# "title" and "description" stand beside the text as often as for it, and "target" and "value" can be anything.
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "tokens": ("words",),
    "tags": ("ner_tags", "labels", "ner"),
    "text": (
        *("sentence", "review", "content", "comment", "tweet", "phrase", "utterance", "message", "question"),
        *("review_text", "reviewText", "review_body", "文本", "内容", "评论", "评价", "句子", "正文"),
    ),
    "label": (
        *("category", "class", "intent", "sentiment", "labels", "categories", "emotion", "topic", "polarity"),
        *("stars", "rating", "overall", "score", "gold_label", "is_duplicate"),
        *("标签", "类别", "分类", "情感", "情感倾向", "评分", "星级"),
    ),
    "source": ("document", "article", "dialogue", "src", "原文"),
    "target": ("summary", "highlights", "tgt", "译文", "摘要"),
}
_NUMBERED = ("sentence", "sentence_", "text", "text_", "question", "question_")
_PAIR: Mapping[str, tuple[str, ...]] = {  # understood by tasks with the role "text_pair" only
    "text": (*(name + "1" for name in _NUMBERED), "sentence_a", "text_a", "premise", "句子1", "文本1"),
    "text_pair": (*(name + "2" for name in _NUMBERED), "sentence_b", "text_b", "hypothesis", "句子2", "文本2"),
}


def check_roles(columns: Mapping[str, str], roles: Mapping[str, str]) -> dict[str, str]:
    """``columns`` with values as text.

    Raises:
        UnknownNameError: a role that the task does not have.
    """
    for role in columns:
        if role not in roles:
            raise UnknownNameError("role", role, roles, f"This task's roles: {', '.join(roles)}.")
    return {role: str(name) for role, name in columns.items()}


def position(name: str) -> int | None:
    """The number in ``name`` when it is a position, else ``None``."""
    return int(name) if re.fullmatch(r"-?[0-9]{1,4}", name) else None


def names_of(role: str, roles: Mapping[str, str]) -> tuple[str, ...]:
    """The role's own name, then its synonyms."""
    synonyms = SYNONYMS.get(role, ()) + (_PAIR.get(role, ()) if "text_pair" in roles else ())
    return (role, *(name for name in synonyms if name not in roles))


def names_a_role(cells: Iterable[str], roles: Mapping[str, str], columns: Mapping[str, str]) -> bool:
    """Whether a cell is the name of a role, a synonym, or a name in ``columns``; then the cells are a header."""
    names = [name for role in roles for name in names_of(role, roles)]
    names += [name for name in columns.values() if position(name) is None]
    return any(same_name(cell, name) for cell in cells for name in names)


def same_name(a: str, b: str) -> bool:
    """Whether two column names differ in case and outer blanks at most."""
    return a.strip().casefold() == b.strip().casefold()


def match_names(
    names: Sequence[str],
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
    source: str,
    line: int = 0,
    hint: str = "",
    need_one: bool = True,
) -> dict[str, str]:
    """role -> one of ``names``, for every role that has a column; at least one if ``need_one``.

    Raises:
        DataError: a required or mapped column is missing, or two columns would do.
    """
    found: dict[str, str] = {}
    for role in roles:
        if role in columns:
            matches = _matches(columns[role], names)
            if not matches:
                raise _missing([role], columns[role], names, source, line, hint)
        else:
            own, *synonyms = names_of(role, roles)
            matches = _matches(own, names) or [m for name in synonyms for m in _matches(name, names)]
        if len(matches) > 1:
            choices = " or ".join(repr(m) for m in matches)
            raise DataError(f"{role} could be column {choices}; say which with --columns {role}=NAME.", file=source)
        if matches:
            found[role] = matches[0]
    missing = [role for role in roles if role in required and role not in found]
    if need_one and not found.keys() - {GROUP} and not missing:
        missing = wanted_roles(roles, required)
    if missing:
        raise _missing(missing, None, names, source, line, hint)
    check_distinct(found, source)
    return found


def wanted_roles(roles: Iterable[str], required: frozenset[str]) -> list[str]:
    """The required roles or, if there are none, the first two (input and target): those to ask a person for."""
    roles = [role for role in roles if role != GROUP]
    return [role for role in roles if role in required] or roles[:2]


def check_distinct(found: Mapping[str, Any], source: str) -> None:
    """Raise DataError when two roles read the same column; rows may be grouped by any."""
    seen: dict[Any, str] = {}
    for role, column in found.items():
        if role == GROUP:
            continue
        if column in seen:
            raise DataError(
                f"{seen[column]} and {role} would both read column {column!r}; give each its own with --columns.",
                file=source,
            )
        seen[column] = role


def to_position(name: str, role: str, count: int, source: str) -> int:
    """The position in ``name``, counted from 0, for a file of ``count`` columns.

    Raises:
        DataError: out of range.
    """
    number = int(name)
    if not -count <= number < count:
        raise DataError(
            f"{role}={number} is outside the file's {count} column{'s' if count > 1 else ''}, "
            f"which are counted from 0 to {count - 1}.",
            file=source,
        )
    return number % count


def option(roles: Iterable[str], value: str) -> str:
    """The option of the command line that maps ``roles`` to ``value``."""
    mapped = ",".join(f"{role}={value}" for role in roles if role != GROUP)
    return f"--columns {mapped}" if mapped else f"--group-by {value}"


def quoted(names: Iterable[str], limit: int = 8, width: int = 30) -> str:
    """A few names or cells for a message, on one line."""
    shown = [repr(name if len(name) <= width else name[: width - 3] + "...") for name in names]
    rest = f" and {len(shown) - limit} more" if len(shown) > limit else ""
    return ", ".join(shown[:limit]) + rest


def _matches(wanted: str, names: Sequence[str]) -> list[str]:
    if wanted in names:
        return [wanted]
    return [name for name in names if same_name(name, wanted)]


def _missing(
    roles: Sequence[str], wanted: str | None, names: Sequence[str], source: str, line: int, hint: str
) -> DataError:
    message = f"no column for {', '.join(roles)}" if wanted is None else f"no column {wanted!r} for {roles[0]}"
    message += f"; found {quoted(names)}"
    near = nearest(wanted, names) if wanted is not None else []
    if near:
        message += f", of which {near[0]!r} is near"
    return DataError(f"{message}; name it with {option(roles, 'NAME')}{hint}.", file=source, line=line)
