"""Reading grade of a text: the task this package registers (nothing heavy is imported here)."""

from collections.abc import Callable, Mapping
from typing import Any

from taskzoo import Column, Option, TaskSpec, hookimpl


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``readability``."""
    register(
        TaskSpec(
            id="readability",
            contract=2,
            entry_point="taskzoo_readability.task:ReadabilityTask",
            summary="Predict the reading grade of a text (regression).",
            columns={
                "text": Column("a sentence or paragraph", required=True, names=("passage", "excerpt")),
                "grade": Column("its reading grade, a number", required=True, target=True, names=("score",)),
            },
            options={"max_length": Option(0, "sub-tokens of a text, truncated (0: the model's limit)", minimum=0)},
            formats=("jsonl", "json", "csv", "tsv"),
            demo="taskzoo_readability:demo",
            default_model="minilm",
            demo_model="minilm",
        )
    )


@hookimpl
def taskzoo_register_catalogue(add: Callable[[Mapping[str, Any]], None]) -> None:
    """Add settings that work well for the task."""
    add({"recipes": [{"tasks": "readability", "set": {"learning_rate": 3e-4, "epochs": 2.0}}]})
