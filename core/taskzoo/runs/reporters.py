"""Reporters between a run and those who watch several."""

from __future__ import annotations

from typing import Any

from taskzoo.engine.progress import Reporter, Silent


class BarsOnly(Silent):
    """Passes on progress and drops what every run says anew."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def bar(self, title: str, total: int) -> Any:
        return self._reporter.bar(title, total)
