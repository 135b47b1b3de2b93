"""The command that runs a choice."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from taskzoo.runs.request import DataRequest


def run_command(task: str, data: DataRequest, settings: Mapping[str, Any], max_minutes: float | None) -> str:
    """``zoo run`` for these rows; rows in memory are left out, as no command names them.

    ``settings`` are ``model``, ``method``, and what else was asked for.
    """
    words = ["zoo", "run", task]
    if data.name:
        words += ["--data", data.name]
    for split, paths in data.files.items():
        for path in paths:
            words += [f"--{split}", path]
    for name, pairs in (("columns", data.columns), ("test-columns", data.test_columns)):
        if pairs:
            words += [f"--{name}", ",".join(f"{role}={column}" for role, column in pairs.items())]
    given = {"format": data.format, "group-by": data.group_by, "holdout": data.holdout}
    for name, value in given.items():
        if value is not None:
            words += [f"--{name}", str(value)]
    if data.skip_bad_rows:
        words.append("--skip-bad-rows")
    words += ["--model", settings["model"], "--method", settings["method"]]
    for name, value in settings.items():
        if name not in ("model", "method", "time_limit"):
            words += ["--set", f"{name}={str(value).lower() if isinstance(value, bool) else value}"]
    if max_minutes is not None:
        words += ["--time", f"{max_minutes:g}m"]
    return shlex.join(words)
