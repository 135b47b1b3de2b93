"""Settings in a checkpoint's JSON files that ``transformers`` would take without a look, and fail over later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from taskzoo.errors import RequestError

from .directories import read_config


def check_settings(folder: Path) -> None:
    """Refuse values in ``config.json`` and ``tokenizer_config.json`` that cannot be meant.

    Raises:
        RequestError: a file is not JSON, or a value is of the wrong kind; the message names file and key.
    """
    if (folder / "config.json").is_file():
        _check_labels(folder / "config.json", read_config(folder).get("id2label"))
    tokenizer = folder / "tokenizer_config.json"
    if tokenizer.is_file():
        _check_length(tokenizer, _read(tokenizer))


def broken_json(folder: Path) -> Path | None:
    """The first JSON file in ``folder`` that is not JSON."""
    for file in sorted(folder.glob("*.json")):
        try:
            json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            return file
    return None


def _read(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise RequestError(f"{str(file)!r} of the tokenizer is not a JSON object; copy or download it again.")
    return values


def _check_labels(file: Path, labels: Any) -> None:
    whole = isinstance(labels, dict) and all(str(key).isdecimal() for key in labels)
    if labels is None or whole:
        return
    raise RequestError(
        f'id2label in {str(file)!r} must map numbers to labels, such as {{"0": "negative", "1": "positive"}}, and is '
        f"{json.dumps(labels)[:80]}; correct it there."
    )


def _check_length(file: Path, settings: dict[str, Any]) -> None:
    length = settings.get("model_max_length")
    if length is None or positive(length) is not None:
        return
    raise RequestError(
        f"model_max_length in {str(file)!r} must be a positive number of tokens, and is {json.dumps(length)[:40]}; "
        "correct or remove it there."
    )


def positive(value: Any) -> int | None:
    """A positive number, also one that is written as a text; else ``None``."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    return number if number > 0 else None
