"""Nested and overlapping entities: what this package registers (nothing heavy is imported here)."""

from collections.abc import Callable
from pathlib import Path

from taskzoo import Column, Option, TaskSpec, hookimpl

SPANS = TaskSpec(
    id="spans",
    contract=2,
    entry_point="taskzoo_spans.task:SpansTask",
    summary="Find entities that may lie inside one another, by the names of their labels.",
    columns={
        "text": Column("plain text", required=True, names=("sentence", "content")),
        "spans": Column(
            "entities in characters of the text, which may overlap: {start, end, label}",
            required=True,
            target=True,
            names=("entities", "annotations"),
            overlapping=True,
        ),
    },
    options={
        "labels": Option("", "what to find: names, or name=description, with commas (empty: as in the training rows)"),
        "overlap": Option("nested", "spans that may be found together", choices=("any", "nested", "flat")),
        "threshold": Option(0.0, "least probability (0: as chosen on the validation rows, else 0.5)", minimum=0),
        "max_width": Option(0, "words of the longest entity (0: as in the training rows, at most 24)", minimum=0),
        "max_length": Option(0, "sub-tokens of a window (0: the model's limit, at most 384)", minimum=0),
    },
    formats=("jsonl", "json", "parquet"),
    demo="taskzoo_spans:demo",
    default_model="minilm",
    demo_model="minilm",
    kinds=("encoder",),
)


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``spans``."""
    register(SPANS)


@hookimpl
def taskzoo_register_catalogue(add: Callable[[Path], None]) -> None:
    """Add the recipes."""
    add(Path(__file__).with_name("recipes.yaml"))
