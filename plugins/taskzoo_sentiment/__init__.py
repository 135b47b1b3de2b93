"""Sentiment of texts: the task this package registers (nothing heavy is imported here)."""

from collections.abc import Callable

from taskzoo import Option, TaskSpec, hookimpl
from taskzoo.answers.options import TEXT_FORMATS, TEXT_OPTIONS


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``sentiment``."""
    register(
        TaskSpec(
            id="sentiment",
            entry_point="taskzoo_sentiment.task:SentimentTask",
            summary="Say how negative or positive a text is: two or three classes, 1 to 5 stars, or a real number.",
            columns={
                "text": "the text",
                "label": "its sentiment: a name, a number of stars, or a number",
                "text_pair": "a second text, such as what the first is about",
            },
            options={
                "kind": Option(
                    "auto",
                    "what the labels are (auto: found from the training rows; classes: any number of names)",
                    choices=("auto", "binary", "three-way", "classes", "stars", "intensity"),
                ),
                "stars_as": Option(
                    "classes", "one class per star, or a number that is rounded", choices=("classes", "numbers")
                ),
                "loss": Option("mse", "for numbers: squared error or Huber's loss", choices=("mse", "huber")),
                **TEXT_OPTIONS,
            },
            formats=TEXT_FORMATS,
            demo="taskzoo_sentiment:demo",
        )
    )
