"""The tiny model of the tests of runs."""

from __future__ import annotations

from tests.core.runs.conftest import bert

__all__ = ["bert"]
