"""Options that all tasks about whole texts have (nothing heavy is imported here)."""

from __future__ import annotations

from collections.abc import Mapping

from taskzoo.task import Option

TEXT_OPTIONS: Mapping[str, Option] = {
    "class_weights": Option("none", "let rare labels count more", choices=("none", "balanced", "sqrt")),
    "focal_gamma": Option(0.0, "focal loss: how much easy rows count less (0: plain loss)", minimum=0),
    "pooling": Option(
        "auto",
        "how token states become one vector (auto: the architecture's own head)",
        choices=("auto", "mean", "unit-mean", "first", "last"),
    ),
    "label_names": Option(False, "few labels: learn the names of the labels as texts, too"),
    "max_length": Option(0, "tokens per text or window (0: the model's limit, at most 512)", minimum=0),
    "long_texts": Option(
        "truncate",
        "keep the beginning, beginning and end, or all in windows",
        choices=("truncate", "head_tail", "windows"),
    ),
}
"""``class_weights`` and ``focal_gamma`` are for labels, not for numbers."""

TEXT_FORMATS = ("csv", "tsv", "jsonl", "json", "parquet")
