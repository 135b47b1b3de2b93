"""Rows with predictions as tasks of labelling tools, for people to correct; the readers take back what they export."""

from .task_form import PreAnnotated
from .write import TOOLS, write_tasks

__all__ = ["TOOLS", "PreAnnotated", "write_tasks"]
