"""``zoo recommend``: what is measured here, what the catalogue says of the rest, and that no number is made up."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.core.runs.kit import Result, read, text_rows, write_csv, zoo

import taskzoo
from taskzoo.recommending import local, looking, recommend

from .kit import KNOWN

QUICK: dict[str, Any] = {"precision": "fp32", "language": "en"}


@pytest.fixture(scope="module", autouse=True)
def _planted() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looking, "shipped", lambda: KNOWN)
        patch.setattr(looking, "UNTOLD", (*looking.UNTOLD, "max_steps"))  # so that runs are short
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


def test_settings_that_change_training_leave_no_forecast(
    tiny_checkpoint: Any, train: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "grown", lambda plan, probed, *_: replace(probed, growth=0.125))
    given = {"train": str(train), "models": [str(tiny_checkpoint())], **QUICK}
    found = taskzoo.recommend("classification", **given, learning_rate=1e-12, epochs=1, label_smoothing=0.0)
    of = {one.method: one for one in found.choices}
    assert of["auto"].score is None
    assert of["auto"].no_score.startswith("what auto gains was measured with its own settings, and not with epochs=1.0")
    assert "learning_rate=1e-12" in of["auto"].no_score
    assert "smoothing" not in of["auto"].no_score
    assert of["linear-probe"].score is not None  # it takes no steps
    assert "+0.125 for the rows that it left out" in of["linear-probe"].score.basis


def test_texts_with_several_labels_are_not_forecast_from_those_with_one(tiny_checkpoint: Any) -> None:
    rows = [
        {"text": row["text"], "label": [row["label"], "x" if i % 3 else "y"]} for i, row in enumerate(text_rows(90, 1))
    ]
    found = taskzoo.recommend("classification", train=rows, models=[str(tiny_checkpoint())], max_steps=1, **QUICK)
    assert found.best.score is None
    assert "auto was measured on 0 data sets of texts with several labels" in found.best.no_score


def test_a_check_runs_the_best_two_whatever_is_forecast_and_shown(
    tiny_checkpoint: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "shipped", tuple)
    monkeypatch.setattr(local, "grown", None)  # no learning curve where nothing is forecast
    models = [str(tiny_checkpoint()), str(tiny_checkpoint("roberta"))]
    given = {"train": text_rows(40, 1), "max_steps": 1, "check": True, "top": 1, "output": tmp_path / "out", **QUICK}
    found = taskzoo.recommend("classification", **given, models=models)
    assert [one.score for one in found.choices] == [None, None]
    for one in found.choices:
        assert one.check is not None
        assert one.check.score is not None
        assert (one.check.score_inside, type(one.check.minutes_inside)) == (None, bool)
    monkeypatch.setattr(recommend, "check_choices", lambda choices, *_: asked.extend(choices))
    asked: list[Any] = []
    found = taskzoo.recommend("classification", **given, models=[models[0], "bert-base"])
    assert [one.model for one in asked] == models[:1]
    assert "Of these, 1 can be run as a check: no other is on this machine." in found.notes


def test_a_time_limit_is_a_limit_by_either_name(tiny_checkpoint: Any) -> None:
    given = {"train": text_rows(30, 1), "models": [str(tiny_checkpoint())], "max_steps": 1, **QUICK}
    for limit in ({"time_limit": 1e-6}, {"max_minutes": 1e-6, "time_limit": 5}):
        found = taskzoo.recommend("classification", **given, **limit)
        assert found.best.command.endswith("--time 1e-06m")
        assert "time_limit" not in found.best.command
        assert found.best.too_slow


def test_that_no_model_can_be_used_is_said_with_the_reason(tiny_checkpoint: Any, train: Path) -> None:
    made = zoo(
        "recommend", "classification", "--train", train, "--models", tiny_checkpoint(), "--set", "max_length=9999"
    )
    assert made.code == 2
    assert "No model is left to recommend." in made.err
    assert "cannot be used: " in made.err
    assert "Traceback" not in made.err


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
