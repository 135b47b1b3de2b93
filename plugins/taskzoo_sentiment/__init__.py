"""Sentiment of texts: the task this package registers (nothing heavy is imported here)."""

from collections.abc import Callable
from dataclasses import replace

from taskzoo import Column, Option, TaskSpec, hookimpl
from taskzoo.heads.text_options import TEXT_COLUMNS, TEXT_FORMATS, TEXT_OPTIONS


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``sentiment``."""
    register(
        TaskSpec(
            id="sentiment",
            contract=2,
            entry_point="taskzoo_sentiment.task:SentimentTask",
            summary="Say how negative or positive a text is: two or three classes, 1 to 5 stars, or a real number.",
            columns={
                **TEXT_COLUMNS,
                "label": replace(TEXT_COLUMNS["label"], help="its sentiment: a name, a number of stars, or a number"),
                "text_pair": Column("a second text, such as what the first is about"),
            },
            options={
                "kind": Option(
                    "auto",
                    "what the labels are (auto: detected from the training rows; classes: any number of names)",
                    choices=("auto", "binary", "three-way", "classes", "stars", "intensity"),
                ),
                "stars_as": Option(
                    "classes", "one class per star, or a number with the nearest star", choices=("classes", "numbers")
                ),
                "loss": Option("mse", "for numbers: squared error or Huber's loss", choices=("mse", "huber")),
                **TEXT_OPTIONS,
            },
            formats=TEXT_FORMATS,
            demo="taskzoo_sentiment:demo",
            default_model="minilm",
            demo_model="minilm",
        )
    )
