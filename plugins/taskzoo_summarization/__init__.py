"""Summarization: the task this package registers (nothing heavy is imported here)."""

from collections.abc import Callable

from taskzoo import Option, TaskSpec, hookimpl
from taskzoo.text2text.options import TEXT2TEXT_FORMATS, TEXT2TEXT_OPTIONS


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``summarization``."""
    register(
        TaskSpec(
            id="summarization",
            entry_point="taskzoo_summarization.task:SummarizationTask",
            summary="Write a short summary of a text.",
            columns={
                "source": "the text, or a list of its sentences",
                "target": "its summary, or a list of several",
            },
            options={
                "language": Option("", "language of the texts, e.g. en (found from their script where it tells)"),
                "references": Option(
                    "best", "a row with several summaries: score against the best, or all", choices=("best", "all")
                ),
                "stemming": Option(False, "ROUGE on word stems (English only), as many papers report it"),
                **TEXT2TEXT_OPTIONS,
            },
            formats=TEXT2TEXT_FORMATS,
            demo="taskzoo_summarization:demo",
        )
    )
