"""Conversations to token ids, each with whether an answer begins at it, by the tokenizer's chat template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

from taskzoo import RequestError

from .conversations import Message

PLAIN = (
    "{% for message in messages %}{{ '### ' + message['role'] + '\\n' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\\n\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '### assistant\\n' }}{% endif %}"
)
"""The template of a tokenizer that has none; it is saved with the tokenizer."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token ids, and which of them are of an answer; both of one length."""

    ids: list[int]
    answer: list[bool]

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.ids + other.ids, self.answer + other.answer)


class Chat:
    """The chat template of a tokenizer, which gets :data:`PLAIN` if it has none.

    Answers, and what lies between two of them, are tokenized by themselves, so that a prompt has the same tokens with
    and without its answer. The prompt of a first answer has the tokens of ``apply_chat_template``.

    Attributes:
        ends: ids that end an answer; the last token of each answer that is learnt is one of them.

    Raises:
        RequestError: the tokenizer has no end token, or a template that cannot be used.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        if tokenizer.eos_token_id is None:
            raise RequestError("The tokenizer of this model has no end token (eos_token), so no answer could end.")
        if tokenizer.chat_template is None:
            adds_start = tokenizer.bos_token_id is not None and tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id
            tokenizer.chat_template = ("{{ bos_token }}" if adds_start else "") + PLAIN
        self.ends = [tokenizer.eos_token_id, *self._end_of_turn()]

    def _end_of_turn(self) -> list[int]:
        """The special token right after an answer, where it is not the end token."""
        turn = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "yyy"}]
        special = {*self._tokenizer.all_special_ids, *self._tokenizer.added_tokens_decoder}
        after = self._ids(self._text(turn, prompt=False).rpartition("yyy")[2])
        return [i for i in after if i in special and i != self._tokenizer.eos_token_id][:1]

    def prompt(self, messages: Sequence[Message]) -> Tokens:
        """The tokens from which the next answer is generated."""
        return self._turns(messages)[0]

    def whole(self, messages: Sequence[Message], answer: str) -> tuple[Tokens, Tokens]:
        """The tokens before the last answer, and those of this answer up to its end token."""
        before, text = self._turns(messages)
        after = self._text([*messages, {"role": "assistant", "content": answer}], prompt=False)
        if not after.startswith(text):
            raise RequestError(
                "The chat template of this model does not continue its own generation prompt with an answer, so "
                "answers cannot be told from prompts; set another chat_template in its tokenizer."
            )
        return before, self._answer(after[len(text) :])[0]

    def _turns(self, messages: Sequence[Message]) -> tuple[Tokens, str]:
        """The tokens and the text of ``messages`` and the generation prompt.

        Where the template changes an answer once other messages follow, earlier answers are not learnt.
        """
        text = self._text(messages, prompt=True)
        found, done = Tokens([], []), 0
        for i in (i for i, message in enumerate(messages) if message["role"] == "assistant"):
            before, after = self._text(messages[:i], prompt=True), self._text(messages[: i + 1], prompt=False)
            if not (after.startswith(before) and text.startswith(after)):
                return self._unlearnt(text), text
            answer, length = self._answer(after[len(before) :])
            found = found + self._unlearnt(before[done:]) + answer
            done = len(before) + length
        return found + self._unlearnt(text[done:]), text

    def plain(self, text: str, *, end: bool) -> Tokens:
        """A plain text, all of which is learnt, with an ``end`` token."""
        ids = self._tokenizer(text)["input_ids"]
        if end and ids[-1:] != [self.ends[0]]:
            ids = [*ids, self.ends[0]]
        return Tokens(ids, [True] * len(ids))

    def _answer(self, text: str) -> tuple[Tokens, int]:
        """What the template makes of an answer, up to its last end token, and the length of this text."""
        ends = self._tokenizer.convert_ids_to_tokens(self.ends)
        length = max(text.rfind(end) + len(end) if end in text else 0 for end in ends)
        ids = self._ids(text[:length]) if length else [*self._ids(text), self.ends[0]]
        return Tokens(ids, [True] * len(ids)), length or len(text)

    def _unlearnt(self, text: str) -> Tokens:
        ids = self._ids(text)
        return Tokens(ids, [False] * len(ids))

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"] if text else []
        return ids

    def _text(self, messages: Sequence[Message], *, prompt: bool) -> str:
        try:
            shown: str = self._tokenizer.apply_chat_template(
                list(messages), tokenize=False, add_generation_prompt=prompt
            )
        except TemplateError as error:
            roles = ", ".join(message["role"] for message in messages)
            raise RequestError(
                f"The chat template of this model refuses messages of the roles {roles}: {error}."
            ) from None
        return shown
