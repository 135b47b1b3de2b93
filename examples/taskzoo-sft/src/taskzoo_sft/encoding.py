"""Examples to features: one sequence to learn from, and one prompt to generate from, within the model's limit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from taskzoo import Example, Feature

from .chat import Chat, Tokens


@dataclass(frozen=True, slots=True)
class Lengths:
    """Limits in tokens: of a sequence to learn from, and of a prompt, which leaves room for an answer."""

    sequence: int
    prompt: int


def encode(example: Example, row: int, chat: Chat, lengths: Lengths, *, generate: bool) -> tuple[Feature, Counter[str]]:
    """The feature of an example, and what was cut.

    ``input_ids`` are those to learn from, ``answer`` says which of them are of an answer; of a row to predict they are
    the prompt. ``prompt_ids`` is empty where nothing is to be generated.
    """
    counts: Counter[str] = Counter()
    labelled, messages = example["learnt"], example["messages"]
    if not labelled:
        given = chat.prompt(messages) if messages else chat.plain(example["plain"], end=False)
        counts["truncated_prompts"] += len(given.ids) > lengths.prompt
        ids = given.ids[-lengths.prompt :]
        return _feature(row, Tokens(ids, [False] * len(ids)), ids, labelled=False), counts
    counts["unanswered_messages"] += example["unanswered"]
    if messages:
        before, answer = chat.whole(messages, example["answer"])
        turns = sum(message["role"] == "assistant" for message in messages)
        counts["answers_not_learnt"] += 0 if any(before.answer) else turns
    else:
        before, answer = Tokens([], []), chat.plain(example["plain"], end=True)
    prompt = before.ids[-lengths.prompt :] if generate else []
    return _feature(row, _fitting(before, answer, lengths.sequence, counts), prompt, labelled=True), counts


def _feature(row: int, tokens: Tokens, prompt: list[int], *, labelled: bool) -> Feature:
    values = {"input_ids": tokens.ids, "answer": tokens.answer, "prompt_ids": prompt, "labelled": labelled}
    return Feature(row, len(tokens.ids), values)


def _fitting(before: Tokens, answer: Tokens, limit: int, counts: Counter[str]) -> Tokens:
    """The end of ``before`` and as much of ``answer`` as fits; of both, the answer is kept."""
    room = limit - len(answer.ids)
    if room < min(1, len(before.ids)):  # one token at least must come before an answer
        kept = limit - min(1, len(before.ids))
        counts["truncated_answers"] += 1
        answer = Tokens(answer.ids[:kept], answer.answer[:kept])
        room = limit - kept
    if len(before.ids) > room:
        counts["truncated_prompts"] += 1
        before = Tokens(before.ids[len(before.ids) - room :], before.answer[len(before.ids) - room :])
    return before + answer
