"""Where the hub cannot be reached, that is one line, at once, and what is on the machine is used."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from tests.core.runs.kit import zoo

import taskzoo
from taskzoo import hub_access
from taskzoo.errors import RequestError
from taskzoo.hub.push import plan_push, push

from .conftest import use_hub
from .stand_in import Hub


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the hub's client waited before it tried again."""
    seconds: list[float] = []
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", seconds.append)
    return seconds


def test_a_model_of_the_hub_is_one_line_without_retries(no_hub: str, waits: list[float], tmp_path: Path) -> None:
    result = zoo("run", "sentiment", "--model", "ada/bert", "--output", tmp_path / "run")
    assert waits == []
    assert result.code == 2
    last = result.err.splitlines()[-1]
    assert last.startswith(f"zoo: The tokenizer of 'ada/bert' is not on this machine, and the hub ({no_hub}) cannot")
    assert "HF_ENDPOINT" in last
    assert last.endswith("or use --model minilm or --model scratch:bert-mini.")
    assert len(last) <= 505
    assert not (tmp_path / "run").exists()
    assert constants.HF_HUB_OFFLINE is False


def test_a_data_set_of_the_hub_is_one_line_without_retries(no_hub: str, waits: list[float], tmp_path: Path) -> None:
    result = zoo("run", "sentiment", "--data", "hub:ada/reviews", "--output", tmp_path / "run")
    assert waits == []
    assert result.code == 2
    last = result.err.splitlines()[-1]
    assert last.startswith(f"zoo: The data set 'ada/reviews' is not on this machine, and the hub ({no_hub}) cannot be")
    assert "--train FILE" in last


def test_a_run_of_the_hub_is_one_line_and_a_pushed_one_too(no_hub: str, memorised: Callable[..., Any]) -> None:
    with pytest.raises(RequestError) as caught:
        taskzoo.load("ada/finder")
    assert str(caught.value).startswith("There is no run at 'ada/finder' on this machine, and from the hub it cannot")
    assert no_hub in str(caught.value)
    with pytest.raises(RequestError, match="cannot be pushed to 'ada/finder': the hub"):
        push(plan_push(memorised().path, "ada/finder"))


def test_what_was_downloaded_before_is_used(
    hub: Hub, memorised: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = memorised()
    push(plan_push(run.path, "ada/finder"))
    taskzoo.load("ada/finder")
    use_hub(monkeypatch, "http://127.0.0.1:9", tmp_path / "cache")
    assert taskzoo.load("ada/finder").predict("Ada went to Oslo") == run.predict("Ada went to Oslo")
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(RequestError, match="There is no run at"):
        taskzoo.load("ada/finder")


def test_offline_by_wish_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_hub(monkeypatch, "http://127.0.0.1:9", tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert hub_access.why_unreachable() == "HF_HUB_OFFLINE is set"


def test_an_answer_is_asked_for_once_and_any_will_do(hub: Hub) -> None:
    assert hub_access.why_unreachable() == ""
    with hub_access.hub_access():
        assert constants.HF_HUB_OFFLINE is False
    assert hub.asked == ["HEAD /"]


def test_a_hub_that_never_answers_is_waited_for_so_long_and_no_longer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_hub(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path)
        monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.3)
        began = time.perf_counter()
        with hub_access.hub_access():
            assert constants.HF_HUB_OFFLINE is True
        assert time.perf_counter() - began < 3
        assert constants.HF_HUB_OFFLINE is False
