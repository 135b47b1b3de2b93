"""Rows of every form to conversations: a list of ``{"role", "content"}``, or a plain text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from taskzoo import DataError, Example, Row

ROLES = {
    **{role: role for role in ("system", "user", "assistant", "tool")},
    **dict.fromkeys(("human", "prompter"), "user"),
    **dict.fromkeys(("gpt", "chatgpt", "bot", "model"), "assistant"),
    **dict.fromkeys(("function", "observation"), "tool"),
}
"""Role as data sets name it -> role as chat templates name it."""

Message = dict[str, str]


def conversation(row: Row, *, labelled: bool, system: str = "") -> Example:
    """The row with ``messages`` before its last answer, that ``answer``, and its inputs by role as ``given``.

    Of a plain text, ``plain`` is the text, and there are no messages. ``answer`` is ``None`` in a row to predict, of
    which a conversation that ends with an answer loses it; ``learnt`` is whether there is anything to learn.

    Raises:
        DataError: the row has no form, or two; a message is malformed; there is no answer to learn.
    """
    forms = [role for role in ("messages", "prompt", "plain") if row.get(role) is not None]
    if len(forms) != 1:
        found = f"has {' and '.join(forms)}" if forms else "has no messages, prompt or text"
        raise _error(row, f"the row {found.replace('plain', 'text')}; give one of the three.")
    if forms == ["plain"]:
        text = _text(row, row["plain"], "text")
        return row.example(plain=text, messages=[], answer=None, learnt=labelled, given={"plain": text})
    messages = _messages(row) if forms == ["messages"] else _turns(row)
    last = max((i for i, message in enumerate(messages) if message["role"] == "assistant"), default=-1)
    answer = None
    if labelled and row.get("answer") and last < len(messages) - 1:
        answer = _text(row, row["answer"], "answer")
    elif labelled or last == len(messages) - 1:
        if last < 0:
            raise _error(row, "there is no answer to learn: no message of the role assistant, and no answer.")
        answer, messages = messages[last]["content"], messages[:last]
    if not any(message["role"] == "user" for message in messages):
        raise _error(row, "no message of the role user comes before the answer.")
    given = {role: row[role] for role in ("prompt", "context", "system") if row.get(role)}
    given = given if forms == ["prompt"] else {"messages": messages}
    if system and messages[0]["role"] != "system":
        messages = [{"role": "system", "content": system}, *messages]
    return row.example(messages=messages, answer=answer if labelled else None, learnt=labelled, given=given)


def _turns(row: Row) -> list[Message]:
    """Of an instruction with what belongs to it."""
    asked = "\n\n".join(_text(row, row[role], role) for role in ("prompt", "context") if row.get(role))
    turns = [("system", row.get("system")), ("user", asked)]
    return [{"role": role, "content": _text(row, said, role)} for role, said in turns if said]


def _messages(row: Row) -> list[Message]:
    """Of a list, or of its JSON in a table's cell."""
    given = row["messages"]
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise _error(row, f"the messages are not JSON: {given!r:.60}.") from None
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise _error(row, f"the messages must be a list of at least one message and are {given!r:.60}.")
    found = [_message(row, message, number) for number, message in enumerate(given, 1)]
    if row.get("system") and found[0]["role"] != "system":
        found.insert(0, {"role": "system", "content": _text(row, row["system"], "system")})
    return found


def _message(row: Row, message: Any, number: int) -> Message:
    if not isinstance(message, Mapping):
        raise _error(row, f"message {number} is not a mapping: {message!r:.60}.")
    role = message.get("role", message.get("from"))
    if not isinstance(role, str) or role not in ROLES:
        raise _error(row, f"the role of message {number} is {role!r:.40}; known ones: {', '.join(ROLES)}.")
    said = message.get("content", message.get("value"))
    if isinstance(said, Sequence) and not isinstance(said, str):  # parts, of which only texts can be used
        parts: list[Any] = [part.get("text") if isinstance(part, Mapping) else part for part in said]
        if not all(isinstance(part, str) for part in parts):
            raise _error(row, f"message {number} holds other things than text, which a language model cannot read.")
        said = "".join(parts)
    return {"role": ROLES[role], "content": _text(row, said, f"content of message {number}")}


def _text(row: Row, value: Any, what: str) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):  # a table's cell
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise _error(row, f"the {what} is {'empty' if isinstance(value, str) else f'not text: {value!r:.60}'}.")
    return value


def _error(row: Row, message: str) -> DataError:
    return DataError(message, file=row.source, line=row.line)
