"""Translation: the task this package registers (nothing heavy is imported here)."""

from collections.abc import Callable

from taskzoo import Option, TaskSpec, hookimpl
from taskzoo.text2text.options import TEXT2TEXT_FORMATS, TEXT2TEXT_OPTIONS


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``translation``."""
    register(
        TaskSpec(
            id="translation",
            entry_point="taskzoo_translation.task:TranslationTask",
            summary="Translate sentences from one language into another.",
            columns={
                "source": "the text to translate",
                "target": "its translation, or a list of several",
            },
            options={
                "source": Option("", "language of the sources, e.g. en (found from column names where they say it)"),
                "target": Option("", "language of the targets, e.g. zh"),
                "filter": Option(
                    "none",
                    "training pairs that look wrong: leave them, count them, or count and drop them",
                    choices=("none", "report", "drop"),
                ),
                "bleu_tokenize": Option("", "tokenizer of BLEU (by the target's language: zh, char or 13a)"),
                **TEXT2TEXT_OPTIONS,
            },
            formats=(*TEXT2TEXT_FORMATS, "parallel", "tmx"),
            demo="taskzoo_translation:demo",
            languages={"source": "source", "target": "target"},
        )
    )
