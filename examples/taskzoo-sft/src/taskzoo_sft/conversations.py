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

BELONGS = {"messages": ("system", "answer"), "prompt": ("context", "system", "answer"), "plain": ()}
"""What a row of each form may have besides."""


def conversation(row: Row, *, labelled: bool, system: str = "") -> Example:
    """The row with ``messages`` before its last answer, that ``answer``, and its inputs by role as ``given``.

    Of a plain text, ``plain`` is the text, and there are no messages. ``answer`` is ``None`` in a row to predict, of
    which a conversation that ends with an answer loses it; ``learnt`` is whether there is anything to learn;
    ``unanswered`` is the number of messages after the last answer, which are left out.

    Raises:
        DataError: the row has no form, or two; a message is malformed; there is no answer to learn, or two.
    """
    form = _form(row, labelled=labelled)
    if form == "plain":
        text = _text(row, row["plain"], "text")
        given: dict[str, Any] = {"plain": text}
        return row.example(plain=text, messages=[], answer=None, learnt=labelled, given=given, unanswered=0)
    messages = _messages(row) if form == "messages" else _turns(row)
    last = max((i for i, message in enumerate(messages) if message["role"] == "assistant"), default=-1)
    answer, unanswered = _answer(row) if labelled and _has(row, "answer") else None, 0
    if answer is not None and last == len(messages) - 1 and answer != messages[last]["content"]:
        raise _error(row, "the messages end with an answer, and the row has another answer; remove one of the two.")
    if last == len(messages) - 1 or (labelled and answer is None):
        if last < 0:
            raise _error(row, "there is no answer to learn: no message of the role assistant, and no answer.")
        answer, unanswered, messages = messages[last]["content"], len(messages) - last - 1, messages[:last]
    if not any(message["role"] == "user" for message in messages):
        raise _error(row, "no message of the role user comes before the answer.")
    given = {role: row[role] for role in ("prompt", "context", "system") if _has(row, role)}
    given = given if form == "prompt" else {"messages": messages}
    if system and messages[0]["role"] != "system":
        messages = [{"role": "system", "content": system}, *messages]
    answer = answer if labelled else None
    return row.example(messages=messages, answer=answer, learnt=labelled, given=given, unanswered=unanswered)


def _form(row: Row, *, labelled: bool) -> str:
    """The key of :data:`BELONGS` that the row has, with nothing that is not read; a list in ``prompt`` is messages."""
    forms = [role for role in BELONGS if _has(row, role)]
    if len(forms) != 1:
        found = f"has {' and '.join(forms)}" if forms else "has no messages, prompt or text"
        raise _error(row, f"the row {found.replace('plain', 'text')}; give one of the three.")
    form = "messages" if forms == ["prompt"] and isinstance(row["prompt"], list | tuple) else forms[0]
    for role in ("context", "system", *(["answer"] if labelled else [])):
        if role not in BELONGS[form] and _has(row, role):
            what = {"messages": "messages", "plain": "a plain text"}[form]
            help = "name the column of the prompt (--columns prompt=...), or remove one of the two"
            raise _error(row, f"the row has {what} and the role {role}, which is not read with it; {help}.")
    return form


def _has(row: Row, role: str) -> bool:
    """Whether there is something; a table's empty cell is nothing."""
    return row.get(role) is not None and row[role] != ""


def _answer(row: Row) -> str:
    """Of a text, or of a list of one message."""
    given = row["answer"]
    if not isinstance(given, list | tuple):
        return _text(row, given, "answer")
    messages = [_message(row, message, number) for number, message in enumerate(given, 1)]
    if [message["role"] for message in messages] != ["assistant"]:
        raise _error(row, f"the answer must be a text or one message of the role assistant and is {given!r:.60}.")
    return messages[0]["content"]


def _turns(row: Row) -> list[Message]:
    """Of an instruction with what belongs to it."""
    asked = "\n\n".join(_text(row, row[role], role) for role in ("prompt", "context") if _has(row, role))
    turns = [("system", row.get("system")), ("user", asked)]
    return [{"role": role, "content": _text(row, said, role)} for role, said in turns if said not in (None, "")]


def _messages(row: Row) -> list[Message]:
    """Of a list, or of its JSON in a table's cell."""
    given = row["messages"] if _has(row, "messages") else row["prompt"]
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise _error(row, f"the messages are not JSON: {given!r:.60}.") from None
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise _error(row, f"the messages must be a list of at least one message and are {given!r:.60}.")
    found = [_message(row, message, number) for number, message in enumerate(given, 1)]
    if _has(row, "system"):
        system = {"role": "system", "content": _text(row, row["system"], "system")}
        if found[0]["role"] == "system" and found[0] != system:
            raise _error(row, "the messages begin with a system message, and the row has another; remove one of them.")
        found = [system, *found[found[0] == system :]]
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
