"""Classification of texts and pairs of texts: the task this package registers (nothing heavy is imported here)."""

from collections.abc import Callable

from taskzoo import Option, TaskSpec, hookimpl
from taskzoo.answers.options import TEXT_FORMATS, TEXT_OPTIONS


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``classification``."""
    register(
        TaskSpec(
            id="classification",
            entry_point="taskzoo_classification.task:ClassificationTask",
            summary="Sort texts or pairs of texts into classes: topics, intents, spam (one label or several).",
            columns={
                "text": "the text",
                "label": "its label; for several a list, or a cell with a separator between them",
                "text_pair": "a second text, if the question is about two",
            },
            options={
                "kind": Option("auto", "one label per text or any number", choices=("auto", "single", "multi")),
                "label_separator": Option("", "what parts several labels in one cell, e.g. ',' (found out by default)"),
                "hierarchy": Option("", "what parts the levels of a label, e.g. '/': scores for every level"),
                **TEXT_OPTIONS,
            },
            formats=TEXT_FORMATS,
            demo="taskzoo_classification:demo",
        )
    )
