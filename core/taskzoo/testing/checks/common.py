"""What the checks share: conditions with reasons, comparisons, and how they end."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from taskzoo.types import Feature, Row

if TYPE_CHECKING:
    from taskzoo.spec import TaskSpec


class NotApplicable(Exception):  # noqa: N818 - not an error
    """A check that this task does not need; the text says why."""


def require(condition: object, message: str) -> None:
    """Raise ``AssertionError`` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise AssertionError(message)


def as_json(value: Any, what: str) -> str:
    """``value`` as JSON text; it is an assertion that it can be written."""
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"{what} cannot be written as JSON: {error}") from None


def close(one: float, two: float, relative: float = 1e-6, absolute: float = 1e-9) -> bool:
    """Equal to rounding, or both undefined."""
    return math.isclose(one, two, rel_tol=relative, abs_tol=absolute) or (math.isnan(one) and math.isnan(two))


def difference(one: Any, two: Any, tolerance: float = 0.0, where: str = "") -> str:
    """Where two JSON-like values differ first, in words; empty if they are equal but for ``tolerance``."""
    numbers = (int, float)
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        if set(one) != set(two):
            return f"{where or 'it'} has the keys {sorted(map(str, set(one) ^ set(two)))} on one side only"
        pairs = [(f"{where}.{key}".lstrip("."), one[key], two[key]) for key in one]
    elif isinstance(one, (list, tuple)) and isinstance(two, (list, tuple)):
        if len(one) != len(two):
            return f"{where or 'it'} has {len(one)} items and {len(two)}"
        pairs = [(f"{where}[{i}]", a, b) for i, (a, b) in enumerate(zip(one, two, strict=True))]
    elif isinstance(one, numbers) and isinstance(two, numbers) and not isinstance(one, bool):
        return "" if abs(one - two) <= tolerance else f"{where or 'it'} is {one!r} and {two!r}"
    else:
        return "" if one == two else f"{where or 'it'} is {one!r:.80} and {two!r:.80}"
    return next(filter(None, (difference(a, b, tolerance, name) for name, a, b in pairs)), "")


def plain(value: Any) -> Any:
    """Features without the index of their example, as lists and numbers."""
    if isinstance(value, Feature):
        return {"length": value.length, "target_length": value.target_length, **plain(value.values)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value


def some(names: Sequence[str], limit: int = 6) -> str:
    """The first names, and how many more there are."""
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")


def last_output(arguments: Sequence[str], failure: str) -> str:
    """The last line that a new Python process prints; ``failure`` and its error if it fails."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, "-P", *arguments],  # -P: no modules from the working directory
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )
    errors = [line for line in result.stderr.splitlines() if line.strip()] or ["it printed nothing"]
    require(result.returncode == 0, f"{failure}: {errors[-1]}")
    return str(result.stdout.splitlines()[-1])


def without_targets(spec: TaskSpec, row: Row) -> Row:
    """The row as it is given for a prediction."""
    targets = {name for name, column in spec.columns.items() if column.target}
    return replace(row, fields={name: value for name, value in row.fields.items() if name not in targets})
