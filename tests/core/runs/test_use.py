"""Finished runs at work: ``zoo eval``, ``zoo predict`` and what they refuse."""

from __future__ import annotations

import json
import shutil

import pytest

import taskzoo

from .kit import COUNTS, digest, read, read_lines, sentences, zoo

TEXTS = ["Ada went to Oslo .", "nothing happened ."]


def test_run_prints_only_json_to_stdout(request_, tmp_path):
    result = zoo(*request_, "--set", "max_steps=2", "--output", tmp_path / "run", "--json")
    assert result.code == 0
    assert result.json["metrics"] == read(tmp_path / "run" / "metrics.json")
    assert result.json["run"] == str(tmp_path / "run")
    assert "data      train 61, validation 11, test 13 rows" in result.err


def test_run_prints_a_table_and_what_comes_next(request_, tmp_path):
    result = zoo(*request_, "--set", "max_steps=2", "--output", tmp_path / "run")
    f1 = read(tmp_path / "run" / "metrics.json")["test"]["f1"]
    assert f"{f1:.3f} [" in result.out
    assert f"zoo predict {tmp_path / 'run'}" in result.out
    assert "settings" in result.err


def test_quiet_is_quiet(request_, tmp_path):
    result = zoo(*request_, "--set", "max_steps=2", "--output", tmp_path / "run", "--quiet", "--json")
    assert result.err == ""
    assert result.json


def test_eval_of_the_test_file_gives_the_scores_of_the_run(finished, data):
    result = zoo("eval", finished, "--data", data / "test.conll", "--json")
    assert result.code == 0, result.err
    assert result.json == read(finished / "metrics.json")["test"]
    assert result.err == ""


def test_eval_prints_a_table(finished, data):
    result = zoo("eval", finished, "--data", data / "test.conll")
    assert result.code == 0
    assert f"{read(finished / 'metrics.json')['test']['f1']:.3f} [" in result.out


def test_eval_takes_columns_and_format(finished, data, tmp_path):
    file = tmp_path / "swapped.txt"
    rows = (
        "".join(f"{tag} {token}\n" for token, tag in zip(*row, strict=True)) for row in sentences(COUNTS["test"], 3)
    )
    file.write_text("\n".join(rows), encoding="utf-8")
    result = zoo("eval", finished, "--data", file, "--columns", "tokens=1,tags=0", "--format", "conll", "--json")
    assert result.code == 0, result.err
    assert result.json == read(finished / "metrics.json")["test"]


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_predict_texts_stdin_file_and_python_agree(finished, tmp_path):
    texts = zoo("predict", finished, *TEXTS)
    assert (texts.code, texts.err) == (0, "")
    expected = lines(texts.out)
    assert [line["text"] for line in expected] == TEXTS
    assert lines(zoo("predict", finished, stdin="\r\n".join(TEXTS) + "\n").out) == expected
    assert taskzoo.load(finished).predict(TEXTS) == expected
    file = tmp_path / "in.jsonl"
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS), encoding="utf-8")
    read_file = zoo("predict", finished, "--input", file)
    assert read_file.code == 0, read_file.err
    assert lines(read_file.out) == expected
    written = zoo("predict", finished, "--input", file, "--output", tmp_path / "out.jsonl")
    assert (written.code, written.out) == (0, "")
    assert "2 predictions written" in written.err
    assert read_lines(tmp_path / "out.jsonl") == expected


def test_predict_of_the_test_file_gives_the_predictions_of_the_run(finished, data):
    expected = read_lines(finished / "predictions.jsonl")
    for line in expected:
        del line["reference"]
    result = zoo("predict", finished, "--input", data / "test.conll")
    assert result.code == 0, result.err
    assert lines(result.out) == expected


def test_predict_without_labels(finished, tmp_path):
    file = tmp_path / "words.data"
    file.write_text("Ada\nwent\nto\nOslo\n.\n\nnothing\nhappened\n.\n", encoding="utf-8")
    result = zoo("predict", finished, "--input", file, "--format", "conll")
    assert result.code == 0, result.err
    assert [line["text"] for line in lines(result.out)] == TEXTS


def test_predict_answers_every_line_even_an_empty_one(finished):
    result = zoo("predict", finished, stdin="Ada left\n\n   \nKim\n")
    assert result.code == 0, result.err
    assert [line["text"] for line in lines(result.out)] == ["Ada left", "", "   ", "Kim"]
    assert lines(result.out)[1]["entities"] == []


def test_predict_from_nothing_is_nothing(finished):
    result = zoo("predict", finished, stdin="")
    assert (result.code, result.out) == (0, "")


def test_a_text_longer_than_the_model_reads_is_predicted_whole(finished):
    text = " ".join(TEXTS * 120)
    (line,) = lines(zoo("predict", finished, text).out)
    assert len(line["tags"]) == len(text.split())


def refused(result, *fragments: str) -> None:
    """Exit code 2, and one line on stderr that says all of this."""
    assert result.code == 2, result.err
    assert result.out == ""
    (line,) = result.err.splitlines()
    assert line.startswith("zoo: ")
    for fragment in fragments:
        assert fragment in line


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        (["predict", "RUN", "--input", "nowhere.jsonl"], ["nowhere.jsonl", "no such file"]),
        (["predict", "RUN", "--input", "empty.conll"], ["empty.conll"]),
        (["predict", "RUN", "--input", "spans.jsonl"], ["spans.jsonl:1", "found 'spans'"]),
        (["predict", "RUN", "text", "--input", "x"], ["not both"]),
        (["predict", "RUN", "text", "--output", "no/such/folder/x"], ["--output", "does not exist"]),
        (["predict", "RUN", "text", "--precision", "fp61"], ["'fp61'", "'fp16'"]),
        (["predict", "RUN", "text", "--precision", "fp16"], ["fp16 needs a CUDA device"]),
        (["predict", "nowhere", "text"], ["There is no run at 'nowhere'"]),
        (["eval", "RUN"], ["--data"]),
        (["eval", "RUN", "--data", "nowhere.conll"], ["nowhere.conll"]),
        (["eval", "RUN", "--data", "."], ["."]),
        (["eval", "RUN", "--data", "one-column.conll"], ["one-column.conll", "tag"]),
        (["eval", "RUN", "--data", "empty.conll"], ["empty.conll"]),
        (["eval", "RUN", "--data", "one-column.conll", "--columns", "tags"], ["role=column"]),
        (["resume", "RUN"], ["is finished; there is nothing to resume"]),
        (["resume", "nowhere"], ["'nowhere' is not a run directory"]),
        (["resume", "."], ["is not a run directory"]),
    ],
    ids=lambda value: " ".join(value) if value and value[0] in {"predict", "eval", "resume"} else "",
)
def test_requests_that_cannot_be_met(finished, tmp_path, monkeypatch, arguments, fragments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one-column.conll").write_text("Ada\nleft\n", encoding="utf-8")
    (tmp_path / "empty.conll").write_text("", encoding="utf-8")
    (tmp_path / "spans.jsonl").write_text('{"spans": []}\n', encoding="utf-8")
    refused(zoo(*(finished if a == "RUN" else a for a in arguments)), *fragments)


def test_runs_that_are_broken(finished, tmp_path):
    (tmp_path / "a").mkdir()
    refused(zoo("predict", tmp_path / "a", "x"), "is not a finished run")
    shutil.copytree(finished, tmp_path / "c")
    (tmp_path / "c" / "model" / "config.json").unlink()
    refused(zoo("predict", tmp_path / "c", "x"), "holds no model")
    shutil.copytree(finished, tmp_path / "d")
    (tmp_path / "d" / "model" / "task.json").write_text("{", encoding="utf-8")
    refused(zoo("predict", tmp_path / "d", "x"), "task.json")
    shutil.copytree(finished, tmp_path / "e")
    (tmp_path / "e" / "manifest.json").write_text("{", encoding="utf-8")
    refused(zoo("resume", tmp_path / "e"), "manifest.json")


def test_weights_that_are_broken(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run" / "model" / "model.safetensors").write_bytes(b"not weights")
    refused(zoo("predict", tmp_path / "run", "x"), "cannot be loaded")


def test_a_run_of_a_task_that_is_not_installed(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    file = tmp_path / "run" / "model" / "task.json"
    saved = read(file)
    file.write_text(
        json.dumps(
            {**saved, "task": {**saved["task"], "name": "taskzoo-poetry/poetry", "distribution": "taskzoo-poetry"}}
        ),
        encoding="utf-8",
    )
    result = zoo("predict", tmp_path / "run", "x")
    assert result.code == 1
    assert "taskzoo-poetry is not installed: pip install taskzoo-poetry==0.2.0" in result.err


def test_using_a_run_changes_nothing_in_it(finished, data):
    before = {path: digest(path) for path in finished.rglob("*") if path.is_file()}
    zoo("predict", finished, *TEXTS)
    zoo("eval", finished, "--data", data / "test.conll")
    assert {path: digest(path) for path in finished.rglob("*") if path.is_file()} == before
