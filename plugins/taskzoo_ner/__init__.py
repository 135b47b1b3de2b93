"""Named entity recognition: the tasks this package registers (nothing heavy is imported here)."""

from collections.abc import Callable

from taskzoo import Option, TaskSpec, hookimpl


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``ner``."""
    register(
        TaskSpec(
            id="ner",
            entry_point="taskzoo_ner.task:NerTask",
            summary="Find names of persons, places, organisations or anything else in text (token classification).",
            columns={
                "tokens": "the words of a sentence or document",
                "tags": "one tag per word, IOB1, IOB2 or BIOES, e.g. B-PER",
                "text": "plain text, instead of tokens",
                "spans": "entities in characters of the text: {start, end, label} or [start, end, label]",
            },
            options={
                "head": Option("linear", "classifier over sub-token states", choices=("linear", "crf")),
                "decoding": Option(
                    "constrained", "best valid tag sequence, or each word's best tag", choices=("constrained", "argmax")
                ),
                "scheme": Option(
                    "auto", "tag scheme of the data", choices=("auto", "IOB1", "IOB2", "BIOES", "BILOU", "IO")
                ),
                "max_length": Option(
                    0, "sub-tokens per window; longer rows get several (0: the model's limit, at most 512)", minimum=0
                ),
                "overlap": Option(-1, "sub-tokens of context on each side of a window (-1: an eighth)", minimum=-1),
            },
            formats=("conll", "jsonl", "json", "parquet"),
            demo="taskzoo_ner:demo",
        )
    )
