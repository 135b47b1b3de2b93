"""The file of results and the page made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest


@pytest.mark.slow
def test_every_method_on_the_same_rows_and_a_page(
    tmp_path: Path, tiny_checkpoint: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import peer
    from results import main, read_results

    monkeypatch.setattr(peer, "TRIED", (peer.Flags(epochs=1), peer.Flags(1e-2, 16, 4)))
    file, written = tmp_path / "results.csv", tmp_path / "results.md"
    model, methods = (
        str(tiny_checkpoint("bert")),
        ["auto", "linear-probe", "tf-idf", "majority", "trainer", "trainer-best"],
    )
    words = ["--data", str(tmp_path), "--sets", "generated-3-4", "--rows", "60", "--model", model, "--test", "50"]

    def call(*words: str) -> None:
        monkeypatch.setattr("sys.argv", ["results.py", words[0], "--out", str(file), *words[1:]])
        main()

    call("run", *words, "--methods", *methods, "--seeds", "1")
    first = file.read_text(encoding="utf-8")
    call("run", *words, "--methods", *methods, "--seeds", "1", "2")
    assert file.read_text(encoding="utf-8").startswith(first)
    results = read_results(file)
    assert [key.method for key in results] == methods * 2
    for score in results.values():
        assert score.metric == "f1_macro"
        assert 0 <= score.low <= score.score <= score.high <= 1
    by_method = {key.method: score.score for key, score in results.items() if key.seed == 1}
    assert by_method["majority"] < 1 / 3  # one class of three is always predicted
    assert by_method["tf-idf"] > 0.5

    call("page", "--page", str(written))
    page = written.read_text(encoding="utf-8")
    assert (
        "| data set | rows | model | score | auto | linear-probe | tf-idf | majority | trainer | trainer-best |" in page
    )
    assert "| generated-3-4 | 60 |" in page
    assert "Means over the seeds 1, 2, or" in page


@pytest.mark.slow
def test_names_of_entities_and_several_labels_have_a_peer(tiny_checkpoint: Callable[..., Path]) -> None:
    from arms import METHODS, NotForThisError, make_job
    from data_sets import Draw

    model = str(tiny_checkpoint("bert"))
    sentences = [{"tokens": ["Ada", "is", str(i)], "tags": ["B-person", "O", "O"]} for i in range(16)]
    texts = [
        {"text": f"{'red' if i % 2 else 'blue'} {i}", "label": ["red"] if i % 2 else ["blue", "cold"]}
        for i in range(16)
    ]
    numbers = [{"text": f"row {i % 2}", "label": i / 8 - 1} for i in range(16)]
    for name, rows in (("wnut17", sentences), ("goemotions", texts), ("vader_groundtruth", numbers)):
        job = make_job(name, Draw(rows, rows, rows), model, "trainer", 1)
        score = METHODS["trainer"](job)
        assert score.metric == job.data.metric
        assert score.seconds > 0
    with pytest.raises(NotForThisError):
        METHODS["majority"](make_job("wnut17", Draw(sentences, sentences, sentences), model, "majority", 1))


def test_the_page_names_where_the_default_loses() -> None:
    from arms import Score
    from results import Key, page

    def results(ours: float) -> dict[Key, Score]:
        return {
            Key("news", 1000, "minilm", "auto", 1): Score("accuracy", ours, ours - 0.02, ours + 0.02, 90.0),
            Key("news", 1000, "minilm", "tf-idf", 1): Score("accuracy", 0.85, 0.83, 0.87, 1.0),
        }

    line = "* news, 1,000 rows, minilm, seed 1: 0.800 [0.780, 0.820], tf-idf 0.850"
    heading = "In 1 of 1 runs of `auto`, with a warning above the scores in"
    assert f"{heading} 0 of them, which stands here:\n\n{line}; nothing was said" in page(results(0.8))
    said = {key: replace(score, said="Worse." if key.method == "auto" else "") for key, score in results(0.8).items()}
    assert f"{heading} 1 of them, which stands here:\n\n{line}; Worse." in page(said)
    assert "Nowhere in 1 runs of `auto`" in page(results(0.84))
    assert "| news | 1,000 | minilm | 0% | accuracy | 0.840 | 0.850 |" in page(results(0.84))
    assert "| tf-idf | 1 | 1 | 0.800 | 0.850 | -0.050 | -0.050 (1) | 0 | 1 |" in page(results(0.8))
    more = {
        Key("mail", 1000, "minilm", "auto", seed): Score("accuracy", ours, 0.7, 0.92, 9.0)
        for seed, ours in ((1, 0.8), (2, 0.9))
    }
    more |= {Key("mail", 1000, "minilm", "tf-idf", seed): Score("accuracy", 0.65, 0.6, 0.7, 1.0) for seed in (1, 2, 3)}
    # two data sets: 0.8 and 0.85, and the means of two runs, 0.85 and 0.65
    assert "| tf-idf | 2 | 3 | 0.825 | 0.750 | 0.075 ± 1.588 | 0.075 ± 1.588 (2) | 2 | 1 |" in page(results(0.8) | more)


def test_generated_sets_are_also_left_out_of_the_comparison() -> None:
    from arms import Score
    from results import Key, page

    scores = {"news": (0.8, 0.7), "generated-2-1": (0.9, 0.4), "generated-2-50": (0.9, 0.4)}
    results = {
        Key(name, 100, "minilm", method, 1): Score("f1_macro", value, 0.0, 1.0, 1.0, seen=0.25)
        for name, both in scores.items()
        for method, value in zip(("auto", "setfit"), both, strict=True)
    }
    assert "| setfit | 3 | 3 | 0.867 | 0.500 | 0.367 ± 0.574 | 0.100 (1) | 0 | 0 |" in page(results)
    assert "| news | 100 | minilm | 25% | f1_macro | 0.800 | 0.700 |" in page(results)


def test_the_majority_has_thresholds_for_several_labels_and_no_score_for_numbers(
    tiny_checkpoint: Callable[..., Path],
) -> None:
    from arms import METHODS, NotForThisError, make_job
    from data_sets import Draw

    model = str(tiny_checkpoint("bert"))
    labels = (["joy"], ["joy"], ["joy", "love"], ["anger"])
    texts = [{"text": f"text {i}", "label": labels[i % 4]} for i in range(40)]
    score = METHODS["majority"](make_job("goemotions", Draw(texts, texts, texts), model, "majority", 1))
    # everything is given every label: F1 of 2pr/(p+r) with recall 1 and the frequencies 3/4, 1/4, 1/4 as precision
    assert score.score == pytest.approx((6 / 7 + 2 / 5 + 2 / 5) / 3)
    numbers = [{"text": f"row {i}", "label": i / 8 - 1} for i in range(16)]
    with pytest.raises(NotForThisError):
        METHODS["majority"](make_job("vader_groundtruth", Draw(numbers, numbers, numbers), model, "majority", 1))


def test_a_file_of_an_earlier_form_is_named(tmp_path: Path) -> None:
    from results import read_results

    old = tmp_path / "old.csv"
    old.write_text("data_set,rows,model,method,seed,metric,score,low,high,seconds\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"old\.csv has no column 'seen'"):
        read_results(old)
    assert read_results(tmp_path / "none.csv") == {}
