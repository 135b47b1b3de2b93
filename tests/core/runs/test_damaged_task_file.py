"""A ``task.json`` that is not as it was written is refused with one sentence, whatever is wrong in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from taskzoo.errors import PluginError, RequestError
from taskzoo.runs.task_file import SavedTask, read_task

from .kit import zoo

TASK = {"name": "p:t", "plugin": "p", "distribution": "d", "version": "1", "contract": 2, "state_version": 1}
SOUND = {"format": 2, "task": TASK, "precision": "fp32", "options": {}, "state": {}, "logit_scaling": [2.0, 1]}
KEYS = ("task", "precision", "options", "state")


def written(folder: Path, content: Any) -> Path:
    (folder / "task.json").write_text(json.dumps(content))
    return folder / "task.json"


def test_a_sound_file_is_read(tmp_path: Path) -> None:
    assert read_task(written(tmp_path, SOUND)) == SavedTask(TASK, "fp32", {}, {}, (2.0, 1))
    old = {key: value for key, value in SOUND.items() if key != "logit_scaling"}
    assert read_task(written(tmp_path, old)).logit_scaling == (1.0, 0.0)


@pytest.mark.parametrize("content", [[], {}, None, "x", 3, SOUND | {"format": None}])
def test_another_kind_of_content_is_refused(tmp_path: Path, content: Any) -> None:
    with pytest.raises(RequestError, match=r"^task\.json of this run is damaged: "):
        read_task(written(tmp_path, content))


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_is_missing_or_of_another_kind_is_named(tmp_path: Path, key: str) -> None:
    with pytest.raises(RequestError, match=f"'{key}' is missing"):
        read_task(written(tmp_path, {name: value for name, value in SOUND.items() if name != key}))
    for wrong in (None, 3, [], True):
        with pytest.raises(RequestError, match=f"'{key}' must be an? (text|object), and is "):
            read_task(written(tmp_path, SOUND | {key: wrong}))


@pytest.mark.parametrize("key", ["name", "distribution", "version", "state_version"])
def test_so_is_one_of_the_task(tmp_path: Path, key: str) -> None:
    with pytest.raises(RequestError, match=f"'{key}' is missing"):
        read_task(written(tmp_path, SOUND | {"task": {name: TASK[name] for name in TASK if name != key}}))
    with pytest.raises(RequestError, match=f"'{key}' must be"):
        read_task(written(tmp_path, SOUND | {"task": TASK | {key: []}}))


@pytest.mark.parametrize("scaling", [None, "x", [], [1.0], [1.0, "x"], [1.0, True]])
def test_a_scaling_that_is_not_two_numbers_is_refused(tmp_path: Path, scaling: Any) -> None:
    with pytest.raises(RequestError, match="'logit_scaling' must be two numbers"):
        read_task(written(tmp_path, SOUND | {"logit_scaling": scaling}))


def test_another_contract_is_no_damage(tmp_path: Path) -> None:
    for content in ({"format": 1, "contract": 1}, SOUND | {"task": {"contract": 1}}):
        with pytest.raises(PluginError, match="made under contract 1"):
            read_task(written(tmp_path, content))


def test_the_command_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    written(tmp_path / "model", SOUND | {"state": None})
    result = zoo("predict", str(tmp_path), "Bo")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert "task.json of this run is damaged: 'state' must be an object, and is None" in result.err
