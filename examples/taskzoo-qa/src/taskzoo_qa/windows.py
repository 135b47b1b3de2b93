"""Questions with contexts to features: a long context becomes several windows that overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from taskzoo import IGNORE_INDEX, Encoded, Example, Feature, RequestError

from .answers import Answer
from .tokens import Tokenizer, Tokens

LONGEST = 384
"""Sub-tokens of a window where nothing is asked for (Devlin et al. 2019)."""


class Layout:
    """The special tokens before the question, between it and the context, and after the context.

    They are found by encoding two texts of one letter. A model without any gets its end token between and after, so
    that "no answer" has a place.
    """

    def __init__(self, processor: Any) -> None:
        letter = processor("a", add_special_tokens=False)["input_ids"]
        pair = processor("a", "a")
        ids = pair["input_ids"]
        found = [i for i in range(len(ids) - len(letter) + 1) if ids[i : i + len(letter)] == letter]
        first, second = found[0], found[-1]
        end = [processor.pad_token_id if processor.eos_token_id is None else processor.eos_token_id]
        self.before, self.after = ids[:first], ids[second + len(letter) :]
        self.between = ids[first + len(letter) : second]
        if not (self.before or self.between or self.after):
            self.between = self.after = end
        types = pair.get("token_type_ids")
        self._types = None if types is None else (types[first], types[second])

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.before) + len(self.between) + len(self.after)

    def fill(self, question: list[int], context: list[int]) -> dict[str, Any]:
        """``input_ids``, ``token_type_ids`` where the model has them, ``first`` token of the context, and ``null``.

        ``null`` is the token that stands for "no answer": the first one where that is special, else the last, which
        the only other models, those that read from left to right, see everything at.
        """
        head, tail = [*self.before, *question, *self.between], [*context, *self.after]
        values: dict[str, Any] = {"input_ids": head + tail, "first": len(head)}
        values["null"] = 0 if self.before else len(head) + len(tail) - 1
        if self._types is not None:
            values["token_type_ids"] = [self._types[0]] * len(head) + [self._types[1]] * len(tail)
        return values


def encode_examples(examples: Sequence[Example], processor: Any, options: dict[str, Any]) -> Encoded:
    """One feature for each window, with ``places``, ``begins`` and ``ends`` of the tokens of its part of the context.

    ``target`` is the first and the last token of the answer's words, ``null`` twice where the window has no answer,
    ``IGNORE_INDEX`` twice where it is not known: without labels, and where no window holds an answer that there is
    (the tokenizer makes nothing of it, or it is too long), which is counted as ``lost_answers``.

    Raises:
        RequestError: a ``max_length`` beyond the model's, or too short for a question and a context.
    """
    limit = processor.model_max_length
    if options["max_length"] > limit:
        raise RequestError(f"max_length={options['max_length']} exceeds the limit of the model ({limit}).")
    length = options["max_length"] or min(limit, LONGEST)
    tokens, layout = Tokenizer(processor), Layout(processor)
    most = min(options["max_question_length"], (length - layout.size) // 2)
    if most < 1:
        raise RequestError(f"max_length={length} leaves no room for a question and a context; choose a larger one.")
    counts = {"truncated_questions": 0, "long_contexts": 0, "windows": 0, "misaligned_answers": 0, "lost_answers": 0}
    features: list[Feature] = []
    for row, example in enumerate(examples):
        question, context = tokens(example["question"]).ids, tokens(example["context"])
        counts["truncated_questions"] += len(question) > most
        question = question[:most]
        room = length - layout.size - len(question)
        windows = list(_windows(len(context.ids), room, options["doc_stride"]))
        span, exact = next(_held(example["answers"] or (), context, windows), (None, True))
        lost = span is None and bool(example["answers"])
        counts["lost_answers"] += lost
        counts["misaligned_answers"] += not exact
        counts["long_contexts"] += len(windows) > 1
        counts["windows"] += len(windows) if len(windows) > 1 else 0
        known = example["answers"] is not None and not lost
        for start, end in windows:
            values = layout.fill(question, context.ids[start:end])
            target = _target(span, start, end, values) if known else (IGNORE_INDEX,) * 2
            values |= {"places": context.places[start:end], "target": target}
            values |= {"begins": context.begins[start:end], "ends": context.ends[start:end]}
            features.append(Feature(row, len(values["input_ids"]), values))
    return Encoded(features, counts)


def _windows(count: int, room: int, shared: int) -> Iterator[tuple[int, int]]:
    """First and last (exclusive) token of each window over ``count`` tokens; neighbours share ``shared``, or half."""
    step = room - min(shared, room // 2)
    start = 0
    while True:
        yield start, min(start + room, count)
        if start + room >= count:
            return
        start += step


def _held(
    answers: Sequence[Answer], context: Tokens, windows: Sequence[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int] | None, bool]]:
    """First and last token of each answer that a window holds, and whether they hold nothing else."""
    for answer in answers:
        span = _tokens_of(answer, context) if answer.start >= 0 else None
        if span is not None and any(start <= span[0] and span[1] < end for start, end in windows):
            yield span, _exact(answer, span, context)


def _tokens_of(answer: Answer, context: Tokens) -> tuple[int, int] | None:
    """The first and the last token of the words that have a character of the answer."""
    inside = [i for i, (a, b) in enumerate(context.places) if a < b and a < answer.end and answer.start < b]
    if not inside:
        return None
    first = next((i for i in range(inside[0], -1, -1) if context.begins[i]), None)
    last = next((i for i in range(inside[-1], len(context.ids)) if context.ends[i]), None)
    return None if first is None or last is None else (first, last)


def _exact(answer: Answer, span: tuple[int, int], context: Tokens) -> bool:
    """Whether the tokens hold the answer and nothing else, whitespace at its ends aside."""
    lead = len(answer.text) - len(answer.text.lstrip())
    wanted = answer.start + lead, answer.start + lead + len(answer.text.strip())
    return (context.places[span[0]][0], context.places[span[1]][1]) == wanted


def _target(span: tuple[int, int] | None, start: int, end: int, values: dict[str, Any]) -> tuple[int, int]:
    if span is None or span[0] < start or span[1] >= end:
        return values["null"], values["null"]
    return span[0] - start + values["first"], span[1] - start + values["first"]
