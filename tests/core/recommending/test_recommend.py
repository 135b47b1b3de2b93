"""``zoo recommend``: what is measured here, what the catalogue says of the rest, and that no number is made up."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.core.runs.kit import Result, read, text_rows, write_csv, zoo

import taskzoo
from taskzoo.recommending import looking

from .kit import KNOWN


@pytest.fixture(scope="module", autouse=True)
def _planted() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looking, "shipped", lambda: KNOWN)
        yield


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("rows") / "my rows.csv", text_rows(120, 1))


@pytest.fixture(scope="module")
def checked(tiny_checkpoint: Any, train: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Any, Path]:
    """One call with a model that is here and two that are not, and its two best runs."""
    output = tmp_path_factory.mktemp("checked") / "out"
    result = zoo(
        *("recommend", "classification", "--train", train, "--language", "en", "--output", output, "--check"),
        *("--models", tiny_checkpoint(), "--models", "bert-base", "--models", "bert-base-chinese"),
        *("--set", "max_steps=2", "--set", "precision=fp32", "--max-minutes", "30"),
    )
    assert result.code == 0, result.err
    return result, read(output / "recommend.json"), output


def choices(checked: tuple[Result, Any, Path]) -> dict[tuple[str, str], Any]:
    return {(Path(one["model"]).name, one["method"]): one for one in checked[1]["choices"]}


def test_a_model_that_is_here_has_forecasts_from_a_probe_and_measured_gains(checked: Any, tiny_checkpoint: Any) -> None:
    found = choices(checked)
    score = found[tiny_checkpoint().name, "auto"]["score"]
    assert 0 <= score["low"] < score["value"] < score["high"] <= 1
    assert "on 8 data sets" in score["basis"]
    assert "probe by cross-validation over 96 rows" in score["basis"]
    minutes = found[tiny_checkpoint().name, "auto"]["minutes"]
    assert 0 < minutes["low"] <= minutes["value"] <= minutes["high"]
    assert "2 steps, of which 4 were timed, up to 2 attempts" in minutes["basis"]
    assert (tiny_checkpoint().name, "contrastive") not in found  # nothing was measured of it
    assert (tiny_checkpoint().name, "linear-probe") in found


def test_a_model_that_is_not_here_has_facts_and_no_score(checked: Any) -> None:
    found = choices(checked)
    english, chinese = found["bert-base", "auto"], found["bert-base-chinese", "auto"]
    for one in (english, chinese):
        assert one["score"] is None
        assert "not on this machine" in one["no_score"]
    assert english["reads"]["word"] == "yes"
    assert "trained on Chinese, and English is not listed" in chinese["obstacles"][0]
    assert english["memory"] == 16 * 110_000_000
    places = [Path(one["model"]).name for one in checked[1]["choices"]]
    assert places.index("bert-base") < places.index("bert-base-chinese")


def test_the_best_two_are_run_and_compared_with_their_forecasts(checked: Any) -> None:
    result, found, output = checked
    done = [one for one in found["choices"] if one["check"]]
    assert len(done) == 2
    for one in done:
        run = Path(one["check"]["run"])
        assert run.parent == output
        assert one["check"]["score"] == read(run / "metrics.json")["test"][found["metric"]]
        inside = one["score"]["low"] <= one["check"]["score"] <= one["score"]["high"]
        assert one["check"]["score_inside"] == inside
    assert "inside" in result.out or "outside" in result.out


def test_the_sentence_ends_in_a_command_that_can_be_run(checked: Any, train: Path) -> None:
    result, found, _ = checked
    assert found["sentence"] in result.out
    words = shlex.split(found["sentence"].partition("The command: ")[2])
    assert words[:3] == ["zoo", "run", "classification"]
    assert words[words.index("--train") + 1] == str(train)
    assert words[words.index("--model") + 1] == found["choices"][0]["model"]
    assert words[-2:] == ["--time", "30m"]
    settings = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
    assert settings == ["max_steps=2", "precision=fp32"]


def test_models_are_ordered_by_facts_where_none_is_here(train: Path) -> None:
    found = taskzoo.recommend("classification", train=str(train), models=["bert-base", "mbert"], language="Swahili")
    assert [one.model for one in found.choices] == ["mbert", "bert-base"]
    assert "no measured score" in found.sentence
    assert found.best.minutes is None
    assert "timed" in found.best.no_minutes


def test_a_task_that_generates_has_times_and_no_score(tiny_checkpoint: Any) -> None:
    rows = [{"source": f"the cat number {i} is here", "target": f"die katze {i}"} for i in range(24)]
    found = taskzoo.recommend(
        *("translation",),
        train=rows[:16],
        validation=rows[16:20],
        test=rows[20:],
        models=[str(tiny_checkpoint("t5"))],
        source_lang="en",
        target_lang="de",
        max_steps=2,
        precision="fp32",
    )
    assert found.best.score is None
    assert "generates text" in found.best.no_score
    assert found.best.minutes is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Which rows is the model for? Give --train FILE or --data NAME."),
        (["--train", "none.csv"], "none.csv"),
        (["--train", "TRAIN", "--language", "Klingonish"], "Klingonish"),
        (["--train", "TRAIN", "--models", "bert-bose"], "bert-bose"),
        (["--train", "TRAIN", "--max-minutes", "-1"], "minutes above 0"),
        (["--train", "TRAIN", "--device", "tpu"], "There is no device 'tpu'"),
        (["--train", "TRAIN", "--columns", "label=nothing"], "nothing"),
        (["--train", "TRAIN", "--check", "--test", "none"], "no test rows"),
    ],
)
def test_a_request_that_cannot_be_met_is_a_sentence(
    options: list[str], message: str, train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [str(train) if word == "TRAIN" else word for word in options]
    result = zoo("recommend", "classification", *words)
    assert result.code == 2
    assert message in result.err
    assert "Traceback" not in result.err
    assert not list(tmp_path.iterdir())
