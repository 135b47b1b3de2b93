"""What Tab offers, asked as the scripts of the shells ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.core.runs.kit import zoo

from taskzoo import registry

Complete = Callable[..., list[str]]


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Complete]:
    """From the words of a command line, the last of which is unfinished, to what bash is offered."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("_ZOO_COMPLETE", "complete_bash")

    def offered(*words: str) -> list[str]:
        monkeypatch.setenv("COMP_WORDS", "\n".join(["zoo", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        result = zoo()
        assert (result.code, result.err) == (0, "")
        return result.out.split()

    yield offered
    registry.refresh()


def test_tasks(complete: Complete) -> None:
    assert complete("run", "s") == ["sentiment", "summarization"]
    assert complete("models", "--task", "tr") == ["translation"]
    assert {"ner", "minilm"} <= set(complete("info", ""))


def test_models_suit_the_task(complete: Complete) -> None:
    assert "minilm" in complete("run", "ner", "--model", "mini")
    suitable = {entry.name for entry in registry.models(task="translation")}
    assert set(complete("run", "translation", "--model", "")) == suitable
    assert "bart-large-cnn" not in suitable  # is tuned for summaries
    assert len(complete("run", "--model", "")) == len(registry.models())
    assert complete("models", "--kind", "enc") == ["encoder", "encoder-decoder"]
    assert complete("models", "--family", "modernb") == ["modernbert"]


def test_runs(complete: Complete, tmp_path: Path) -> None:
    for run in ("runs/first", "runs/second", "elsewhere/third", "runs/unfinished"):
        (tmp_path / run).mkdir(parents=True)
        if run != "runs/unfinished":
            (tmp_path / run / "manifest.json").write_text("{}")
    assert complete("predict", "") == ["runs/first", "runs/second"]
    assert complete("report", "runs/s") == ["runs/second"]
    assert complete("compare", "runs/first", "elsewhere/") == ["elsewhere/third"]
    assert "runs/first" in complete("labels", "")
    assert complete("labels", "nothing/") == []


def test_settings_are_those_of_the_task(complete: Complete) -> None:
    assert complete("run", "ner", "--set", "learning") == ["learning_rate="]
    assert complete("run", "translation", "--set", "num_beams") == ["num_beams="]
    assert complete("run", "ner", "--set", "num_beams") == []
    assert complete("run", "ner", "--method", "lin") == ["linear-probe"]
    assert complete("inspect", "ner", "--format", "con") == ["conll"]
    assert "conll2003" in complete("run", "ner", "--data", "")


def test_a_broken_catalogue_offers_nothing(complete: Complete, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("version: [")
    monkeypatch.setenv("TASKZOO_REGISTRY", str(file))
    registry.refresh()
    assert complete("run", "ner", "--model", "mini") == []
    assert complete("run", "ne") == ["ner"]  # tasks come from plugins


def test_zsh_and_fish_show_what_a_word_means(monkeypatch: pytest.MonkeyPatch) -> None:
    summary = "Find names of persons, places, organisations or"  # zsh has a line for each
    assert registry.task("ner").summary.startswith(summary)
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "zoo run ne")
    monkeypatch.setenv("_ZOO_COMPLETE", "complete_zsh")
    assert f'"ner":"{summary} …"' in zoo().out
    monkeypatch.setenv("_ZOO_COMPLETE", "complete_fish")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    assert zoo().out.strip() == f"ner\t{summary} …"
