"""A run says before training that its model can't read the texts, and which models can."""

from __future__ import annotations

import csv

import pytest

from taskzoo.models.refs import resolve_model

from .kit import zoo

TEXTS = {
    "Swahili": ["Chakula kilikuwa kitamu sana na huduma nzuri.", "Nilisubiri saa mbili na chakula kilikuwa baridi."],
    "English": ["The food was delicious and the service friendly.", "I waited two hours and the food was cold."],
    "Chinese": ["菜很好吃，服务员也很热情，下次还会再来这家店。", "等了两个小时，菜端上来的时候已经凉了，太失望了。"],
}


@pytest.fixture
def file(tmp_path):
    def make(language):
        path = tmp_path / f"{language}.csv"
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["text", "label"])
            writer.writerows([f"{TEXTS[language][n % 2]} {n}", "ab"[n % 2]] for n in range(30))
        return path

    return make


def notes(path, model="minilm"):
    result = zoo("inspect", "classification", "--model", model, "--train", path, "--json")
    assert result.code == 0, result.err
    return [note for note in result.json["notes"] if "these texts" in note]


def test_a_language_that_the_model_was_not_trained_on(file):
    [note] = notes(file("Swahili"))
    assert note.startswith(
        "'minilm' was trained on English, and these texts seem to be in Swahili: its tokenizer divides"
    )
    assert note.endswith("Models for Swahili: mbert, xlm-roberta-base, mdeberta-v3-base.")


def test_tokens_that_the_model_does_not_know(file):
    [note] = notes(file("Chinese"))
    assert "of the tokens of these texts, which seem to be in Chinese. Models for Chinese: bert-base-chinese" in note


def test_what_fits(file, tiny_checkpoint):
    assert notes(file("English")) == []
    assert notes(file("Swahili"), "scratch:bert-tiny") == []
    assert notes(file("Swahili"), tiny_checkpoint("gpt2")) == []  # nothing is unknown, and nobody says what it reads


def test_a_model_that_the_catalogue_does_not_know(file):
    minilm_folder = resolve_model("minilm").location
    [note] = notes(file("Swahili"), minilm_folder)
    assert "may not read these texts, which seem to be in Swahili: its tokenizer divides a word into" in note
    assert "tokens on average, and one of English into 1.0. Models for Swahili: mbert" in note
    assert notes(file("English"), minilm_folder) == []


def test_a_run_says_it_and_keeps_it(file, tmp_path):
    path, out = file("Swahili"), tmp_path / "run"
    settings = ("--set", "max_steps=1", "--method", "linear-probe", "--output", out)
    result = zoo("run", "classification", "--model", "minilm", "--train", path, *settings)
    assert result.code == 0, result.err
    [line] = [line for line in result.err.splitlines() if "seem to be in Swahili" in line]
    assert line.startswith("warning   'minilm'")
    assert "seem to be in Swahili" in (out / "manifest.json").read_text(encoding="utf-8")
