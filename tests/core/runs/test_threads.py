"""Several calls in one process: each gives what it gives alone, or is refused before anything is written."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from accelerate.state import AcceleratorState, GradientState, PartialState

import taskzoo
from taskzoo.engine.precision import make_accelerator
from taskzoo.errors import RequestError
from taskzoo.runs import directory

from .kit import digest, zoo

SETTINGS = {"method": "full", "max_steps": 6, "batch_size": 8, "precision": "fp32", "learning_rate": 0.01}


def train(model: Path, data: Path, output: Path, seed: int) -> str:
    taskzoo.finetune("ner", model=str(model), data=str(data), output=output, seed=seed, **SETTINGS)
    return digest(output / "model" / "model.safetensors")


def test_two_trainings_in_two_threads_are_as_in_turn_or_one_is_refused(model, data, finished, tmp_path) -> None:
    """Meanwhile a third thread predicts, which changes neither."""
    alone = {seed: train(model, data, tmp_path / f"alone-{seed}", seed) for seed in (1, 2)}
    loaded = taskzoo.load(finished)
    expected = loaded.predict("Ada went to Oslo .")
    results: dict[int, str] = {}
    predictions: list[Any] = []
    begin, done = threading.Barrier(3), threading.Event()

    def work(seed: int) -> None:
        begin.wait()
        try:
            results[seed] = train(model, data, tmp_path / f"thread-{seed}", seed)
        except RequestError as error:
            results[seed] = str(error)

    def use() -> None:
        begin.wait()
        while not done.is_set():
            predictions.append(taskzoo.load(finished).predict("Ada went to Oslo ."))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2)]
    reader = threading.Thread(target=use)
    for thread in (*threads, reader):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    reader.join()
    refused = [seed for seed in (1, 2) if results[seed] != alone[seed]]
    assert len(refused) < 2
    for seed in refused:
        assert results[seed].startswith("Another training runs in this process")
        assert not (tmp_path / f"thread-{seed}").exists()
    assert predictions
    assert all(prediction == expected for prediction in predictions)


def test_the_state_of_accelerate_is_back_in_whatever_order_threads_leave() -> None:
    kinds = (PartialState, AcceleratorState, GradientState)
    before = [kind._shared_state for kind in kinds]
    first, second = make_accelerator("fp32").active(), make_accelerator("bf16").active()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert all(kind._shared_state is not content for kind, content in zip(kinds, before, strict=True))
    second.__exit__(None, None, None)
    assert all(kind._shared_state is content for kind, content in zip(kinds, before, strict=True))


def test_two_runs_that_chose_one_directory_do_not_mix(request_, tmp_path, monkeypatch) -> None:
    """As two commands with one ``--output``: the second looked at it before the first made it."""
    run = tmp_path / "run"
    assert zoo(*request_, "--output", run, "--set", "max_steps=1", "--quiet").code == 0
    before = {path: digest(path) for path in run.rglob("*") if path.is_file()}
    monkeypatch.setattr("taskzoo.runs.directory.new_run_path", lambda *_, **__: run)
    result = zoo(*request_, "--output", run, "--set", "max_steps=1", "--quiet")
    assert (result.code, result.err) == (
        2,
        f"zoo: Another run has made {str(run)!r} just now; choose another --output.\n",
    )
    assert {path: digest(path) for path in run.rglob("*") if path.is_file()} == before


def test_runs_that_begin_in_the_same_second_have_a_directory_each(tmp_path, monkeypatch) -> None:
    """Also where both looked for a free name before one of them made it; what stays empty is removed."""
    monkeypatch.chdir(tmp_path)
    free, first = directory.new_run_path, directory.new_run_path(None, "ner", "bert")
    names = iter([first, first])
    monkeypatch.setattr(directory, "new_run_path", lambda *given, **_: next(names, None) or free(*given))
    with directory.new_run(None, "ner", "bert") as one, directory.new_run(None, "ner", "bert") as other:
        assert one == first
        assert one.is_dir()
        assert other.is_dir()
        assert other != one
        (other / "config.yaml").write_text("", encoding="utf-8")
    assert not one.exists()
    assert other.exists()


def test_a_run_that_is_refused_leaves_no_folder_for_runs(request_, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.csv").write_text("text,label\n", encoding="utf-8")
    for command in ("run", "learning-curve"):
        refused = zoo(command, "classification", "--train", "bad.csv")
        assert refused.code == 2, refused.err
    refused = zoo("run", "classification", "--train", "bad.csv", "--seeds", 2)
    assert refused.code == 2, refused.err
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]


@pytest.mark.parametrize("content", ["", "x"])
def test_a_claimed_directory_that_was_empty_stays(request_, tmp_path, content: str) -> None:
    run = tmp_path / "run"
    run.mkdir()
    if content:
        (run / "mine").write_text(content, encoding="utf-8")
    result = zoo(*request_, "--output", run, "--set", "max_steps=1", "--quiet")
    assert result.code == (2 if content else 0)
    assert (run / "mine").exists() is bool(content)
