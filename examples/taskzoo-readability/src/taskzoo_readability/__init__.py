"""Reading grade of a text: the task this package registers (nothing heavy is imported here)."""

from collections.abc import Callable, Mapping
from typing import Any

from taskzoo import Option, TaskSpec, hookimpl


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``readability``."""
    register(
        TaskSpec(
            id="readability",
            entry_point="taskzoo_readability.task:ReadabilityTask",
            summary="Predict the reading grade of a text (regression).",
            columns={"text": "a sentence or paragraph", "grade": "its reading grade, a number"},
            options={
                "max_length": Option(0, "sub-tokens of a text; the rest is cut (0: the model's limit)", minimum=0)
            },
            formats=("jsonl", "json", "csv", "tsv"),
            demo="taskzoo_readability:demo",
        )
    )


@hookimpl
def taskzoo_register_catalogue(add: Callable[[Mapping[str, Any]], None]) -> None:
    """Name the model to use when none is asked for, and settings that work well with it."""
    add(
        {
            "tasks": {"readability": {"default_model": "minilm"}},
            "recipes": [{"task": "readability", "set": {"learning_rate": 3e-4, "epochs": 2.0}}],
        }
    )
