"""Rows from files, splits and batches. Nothing here needs torch or knows a task by name."""

from .batching import padding_share, plan_epoch, plan_evaluation, split_batch
from .readers import content_sha256, find_classes, find_splits, mixed_types, read_rows
from .shots import take_shots
from .splits import overlap_report, split_rows

__all__ = [
    "content_sha256",
    "find_classes",
    "find_splits",
    "mixed_types",
    "overlap_report",
    "padding_share",
    "plan_epoch",
    "plan_evaluation",
    "read_rows",
    "split_batch",
    "split_rows",
    "take_shots",
]
