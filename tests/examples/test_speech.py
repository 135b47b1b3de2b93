"""The example package for speech: installed by pip, run by the real command."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.core.runs.kit import zoo

PACKAGE = "taskzoo-speech"


def test_it_trains_and_transcribes_a_file(on_path: Callable[[str], None], tmp_path: Path) -> None:
    on_path(PACKAGE)
    offered = next(task for task in zoo("tasks", "--json").json if task["name"] == "speech")
    assert (offered["distribution"], offered["default_model"]) == ("taskzoo-speech", "scratch:wav2vec2-tiny")
    run = tmp_path / "run"
    trained = zoo("run", "speech", "--set", "max_steps=2", "--output", run, "--json")
    assert trained.code == 0, trained.err
    assert {"cer", "wer", "cer_ci95", "loss"} <= set(trained.json["metrics"]["test"])
    file = tmp_path / "call.wav"
    with wave.open(str(file), "wb") as sound:
        sound.setparams((1, 1, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(range(256)) * 30)
    found = zoo("predict", run, file)
    assert found.code == 0, found.err
    assert found.json["audio"] == str(file)
    assert isinstance(found.json["text"], str)
    file.write_text("this is no sound")
    wrong = zoo("predict", run, file)
    assert wrong.code == 2
    assert "is not a WAV file of plain samples" in wrong.err
    assert "Traceback" not in wrong.err


@pytest.mark.slow
def test_its_own_tests_pass(own_tests: Callable[[str], None]) -> None:
    own_tests(PACKAGE)
