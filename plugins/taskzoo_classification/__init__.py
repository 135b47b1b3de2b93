"""Classification of texts and pairs of texts: the task this package registers (nothing heavy is imported here)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from taskzoo import Option, TaskSpec, hookimpl
from taskzoo.heads.text_options import PAIR_COLUMNS, TEXT_FORMATS, TEXT_OPTIONS


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``classification``."""
    register(
        TaskSpec(
            id="classification",
            contract=2,
            entry_point="taskzoo_classification.task:ClassificationTask",
            summary="Sort texts or pairs of texts into classes: topics, intents, spam (one label or several).",
            columns={
                **PAIR_COLUMNS,
                "label": replace(
                    PAIR_COLUMNS["label"],
                    help="its label; several as a list, a vector of 0 and 1, a cell with a separator between them, or "
                    "a column of 0 and 1 for each",
                ),
            },
            options={
                "kind": Option("auto", "one label per text or several", choices=("auto", "single", "multi")),
                "label_separator": Option("", "separator between labels in one cell, e.g. ',' (detected by default)"),
                "vector_labels": Option(
                    "", "labels by place where they are vectors of 0 and 1, e.g. 'toxic,obscene' (default: 0, 1, ...)"
                ),
                "hierarchy": Option(
                    "", "separator between the levels of a label, e.g. '/': adds scores for every level"
                ),
                **TEXT_OPTIONS,
            },
            formats=TEXT_FORMATS,
            demo="taskzoo_classification:demo",
            default_model="minilm",
            demo_model="minilm",
        )
    )


@hookimpl
def taskzoo_register_catalogue(add: Callable[[Path], None]) -> None:
    """Add the recipes."""
    add(Path(__file__).with_name("recipes.yaml"))
