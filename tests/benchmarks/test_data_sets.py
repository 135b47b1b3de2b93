"""The table of data sets: generated rows, the formats that are read, and the rows that a run draws."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest


def test_generated_rows_have_the_classes_and_the_imbalance_asked_for() -> None:
    from generate import generated_rows

    rows = generated_rows(10_000, 20, 50, seed=1)
    counts = Counter(row["label"] for row in rows)
    assert len(rows) == 10_000
    assert len(counts) == 20
    largest, smallest = counts.most_common()[0][1], counts.most_common()[-1][1]
    assert 10 < largest / smallest < 60  # wrong labels, the same for each class, are in both
    assert rows == generated_rows(10_000, 20, 50, seed=1)
    assert rows != generated_rows(10_000, 20, 50, seed=2)
    assert len({row["label"] for row in generated_rows(10_000, 150, 1, seed=1)}) == 150
    with pytest.raises(SystemExit, match="2 to 150 classes, not 151"):
        generated_rows(10, 151, 1, seed=1)


def test_draws_are_disjoint_and_share_their_test_rows() -> None:
    from data_sets import draw, read

    splits = read("generated-2-1", None)
    numbered = {name: [{**row, "number": i} for i, row in enumerate(rows)] for name, rows in splits.items()}
    first, second = (draw(numbered, 300, seed, tuning=True, most=200) for seed in (1, 2))
    assert (len(first.train), len(first.validation), len(first.test)) == (300, 37, 200)
    assert not {row["number"] for row in first.train} & {row["number"] for row in first.validation}
    assert first.test == second.test
    assert first.train != second.train
    assert first == draw(numbered, 300, 1, tuning=True, most=200)


def test_tuning_does_not_touch_the_test_split() -> None:
    from data_sets import draw

    rows = [{"text": f"train {i}", "label": str(i % 2)} for i in range(600)]
    splits = {"train": rows, "test": [{"text": "test", "label": "0"}]}
    tuned = [draw(splits, 100, seed, tuning=True) for seed in (1, 2)]
    assert len(tuned[0].test) == 200
    for one in tuned:
        texts = [{row["text"] for row in part} for part in (one.train, one.validation, one.test)]
        assert not (texts[0] | texts[1]) & texts[2]
    assert draw(splits, 100, 1, tuning=False).test == splits["test"]


def test_labels_that_no_training_row_has_are_left_out() -> None:
    from data_sets import draw

    rows = [{"text": str(i), "label": ["a"] if i else ["a", "rare"]} for i in range(100)]
    splits = {"train": rows[1:], "validation": rows, "test": rows}
    drawn = draw(splits, 30, 1, tuning=False)
    assert len(drawn.test) == 99
    assert all(row["label"] == ["a"] for row in drawn.test)


def test_files_are_read_as_their_authors_wrote_them(tmp_path: Path) -> None:
    from data_sets import read

    for name in ("afrisenti_pcm", "csl_category", "wnut17", "goemotions"):
        (tmp_path / name).mkdir()
    for split in ("train", "dev", "test"):
        (tmp_path / "afrisenti_pcm" / f"{split}.tsv").write_text('tweet\tlabel\nsay "hi\tpositive\n', encoding="utf-8")
        (tmp_path / "csl_category" / f"{split}.tsv").write_text("to category\t标题\t工学\n", encoding="utf-8")
        (tmp_path / "goemotions" / f"{split}.tsv").write_text("a\t0,2\tid\nb\t1\tid\n", encoding="utf-8")
    (tmp_path / "goemotions" / "labels.txt").write_text("joy\nneutral\nlove\n", encoding="utf-8")
    for file in ("wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated"):
        (tmp_path / "wnut17" / file).write_text("Ada\tB-person\nhere\tO\n\t\n\nParis\tB-location\n", encoding="utf-8")

    assert read("afrisenti_pcm", tmp_path)["validation"] == [{"text": 'say "hi', "label": "positive"}]
    assert read("csl_category", tmp_path)["test"] == [{"text": "标题", "label": "工学"}]
    assert read("goemotions", tmp_path)["train"] == [{"text": "a", "label": ["joy", "love"]}]
    assert read("wnut17", tmp_path)["train"] == [
        {"tokens": ["Ada", "here"], "tags": ["B-person", "O"]},
        {"tokens": ["Paris"], "tags": ["B-location"]},
    ]
    with pytest.raises(SystemExit, match="pass --data FOLDER"):
        read("wnut17", None)
    with pytest.raises(SystemExit, match="no data set 'nothing'"):
        read("nothing", tmp_path)


def test_mean_ratings_become_soft_labels_and_the_most_probable_ones(tmp_path: Path) -> None:
    from data_sets import draw, read
    from strategies import hardened

    folder = tmp_path / "vader_groundtruth"
    folder.mkdir()
    lines = [f"{number}\t{-4 + number % 9}\ttext {number}" for number in range(1200)]
    (folder / "tweets_GroundTruth.txt").write_text("\n".join(lines), encoding="utf-8")
    rows = draw(read("vader_shares", tmp_path), 40, 1, tuning=False)
    for row, hard in zip(rows.train, hardened(rows).train, strict=True):
        rating = -4 + int(row["text"].split()[1]) % 9
        assert row["label"] == {"negative": 1 - (rating + 4) / 8, "positive": (rating + 4) / 8}
        assert hard["label"] == ("positive" if rating > 0 else "negative")


def test_texts_that_a_method_was_given_are_counted() -> None:
    from data_sets import Draw, seen

    def rows(*texts: str) -> list[dict[str, object]]:
        return [{"text": text, "label": "a"} for text in texts]

    assert seen(Draw(rows("a", "b"), rows("c"), rows("a", "a", "c", "d"))) == 0.75
    words = [{"tokens": ["Ada", "came"], "tags": ["B-PER", "O"]}]
    assert seen(Draw(words, [], [*words, {"tokens": ["Ada came"], "tags": ["O"]}])) == 0.5
    assert seen(Draw(rows("a"), [], [])) == 0
