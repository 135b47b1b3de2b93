"""The option ``filter``: what looks wrong among the training pairs is counted or dropped, and among no others."""

from __future__ import annotations

import json

import pytest

from taskzoo.errors import DataError, RequestError
from taskzoo.runs.plan import make_plan
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request
from taskzoo.runs.wording import opening

GOOD = [(f"The number {n} is on the door.", f"门上有数字{n}。") for n in range(20)]
COPY = ("Same text here.", "Same text here.")
LATIN = ("The door is open.", "Kein Chinesisch.")


def plan(train, *, group_by=None, settings=None, **splits):
    memory = {
        name: [dict(zip(("source", "target", "group"), row, strict=False)) for row in rows]
        for name, rows in {"train": train, **splits}.items()
    }
    request = RunRequest(
        "translation",
        model="scratch:t5-tiny",
        data=DataRequest(**memory, group_by=group_by),
        settings={"source_lang": "en", "target_lang": "zh", **(settings or {})},
    )
    return make_plan(resolve_request(request), memory)


def sources(plan, split):
    return [row["source"] for row in plan.splits.examples[split]]


def test_report_counts_and_keeps():
    made = plan([*GOOD, COPY, LATIN, GOOD[0]], settings={"filter": "report"}, validation=[], test=[])
    assert len(sources(made, "train")) == 23
    shown = "\n".join(opening(made))
    assert "train: 1 suspicious pairs kept: copies" in shown
    assert "train: 1 suspicious pairs kept: wrong script" in shown
    assert "1 suspicious pairs kept: duplicates" in shown
    assert "empty" not in shown
    assert made.splits.sources["train"]["noticed"]["suspicious pairs kept: empty"] == 0


def test_drop_leaves_them_out_before_anything_is_learnt():
    made = plan([*GOOD, COPY, LATIN, GOOD[0]], settings={"filter": "drop"}, validation=[], test=[])
    assert sources(made, "train") == [source for source, _ in GOOD]
    assert "train: 1 suspicious pairs dropped: copies" in "\n".join(opening(made))
    texts = made.task.vocabulary_texts(made.splits.examples["train"])
    assert LATIN[1] not in texts[1]


def test_none_says_nothing():
    made = plan([*GOOD, COPY], validation=[], test=[])
    assert len(sources(made, "train")) == 21
    assert "suspicious" not in "\n".join(opening(made))


def test_given_rows_for_validation_and_test_stay_as_they_are():
    made = plan([*GOOD, COPY], settings={"filter": "drop"}, validation=[COPY, LATIN], test=[LATIN, GOOD[0]])
    assert sources(made, "validation") == [COPY[0], LATIN[0]]
    assert sources(made, "test") == [LATIN[0], GOOD[0][0]]
    assert COPY[0] not in sources(made, "train")


@pytest.mark.parametrize("grouped", [False, True])
def test_rows_split_off_are_the_same_with_and_without(grouped):
    wrong = [(f"Copy number {n}.", f"Copy number {n}.") for n in range(20)]
    rows = [(*pair, f"group {n % 10}")[: 2 + grouped] for n, pair in enumerate([*GOOD, *wrong])]
    asked = "group" if grouped else None
    plain = plan(rows, group_by=asked)
    dropped = plan(rows, group_by=asked, settings={"filter": "drop"})
    for split in ("validation", "test"):
        assert sources(dropped, split) == sources(plain, split)
    assert any(source.startswith("Copy") for split in ("validation", "test") for source in sources(dropped, split))
    kept = [source for source in sources(plain, "train") if not source.startswith("Copy")]
    assert sources(dropped, "train") == kept


def test_of_several_targets_only_the_wrong_ones_go():
    made = plan(
        [*GOOD, ("It rains.", ["下雨了。", "Es regnet."]), ("He sings.", ["Er singt.", "Sie singt."])],
        settings={"filter": "drop"},
        validation=[],
        test=[],
    )
    assert made.splits.examples["train"][-1]["targets"] == ["下雨了。"]
    assert len(made.splits.examples["train"]) == 21
    assert made.splits.sources["train"]["noticed"]["suspicious pairs dropped: wrong script"] == 3


EMPTY = [("No translation.", ""), ("", "没有原文。"), ("Nor here.", "  "), ("None.", None), ("No list.", [])]


@pytest.mark.parametrize(("asked", "done"), [("drop", "dropped"), ("report", "left out")])
@pytest.mark.parametrize("split", [True, False])
def test_rows_without_a_side_are_left_out_of_every_part_and_counted(asked, done, split):
    rest = {} if split else {"validation": [], "test": []}
    made = plan([*GOOD, *EMPTY], settings={"filter": asked}, **rest)
    assert made.splits.sources["train"]["noticed"][f"suspicious pairs {done}: empty"] == 5
    kept = [source for name in ("train", "validation", "test") for source in sources(made, name)]
    assert sorted(kept) == sorted(source for source, _ in GOOD)
    assert f"train: 5 suspicious pairs {done}: empty" in "\n".join(opening(made))


def test_without_the_option_and_outside_training_they_are_refused():
    with pytest.raises(DataError, match="empty; fill it in"):
        plan([*GOOD, EMPTY[0]])
    with pytest.raises(DataError, match="empty; fill it in"):
        plan(GOOD, settings={"filter": "drop"}, validation=[EMPTY[0]], test=[])


def files(folder, train):
    request = RunRequest(
        "translation",
        model="scratch:t5-tiny",
        data=DataRequest(train=str(folder / train), validation="none", test="none"),
        settings={"source_lang": "en", "target_lang": "zh", "filter": "drop"},
    )
    return make_plan(resolve_request(request))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parallel", "tmx"])
def test_empty_sides_in_files(tmp_path, kind):
    pairs = [*GOOD[:3], ("No translation.", "")]
    if kind == "csv":
        lines = ["en,zh", *(f"{source},{target}" for source, target in pairs)]
        (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    elif kind == "jsonl":
        lines = [json.dumps({"en": source, "zh": target or None}) for source, target in pairs]
        (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    elif kind == "parallel":
        for number, language in enumerate(("en", "zh")):
            (tmp_path / f"a.{language}").write_text("".join(f"{pair[number]}\n" for pair in pairs), encoding="utf-8")
    else:
        tuv = '<tuv xml:lang="{}"><seg>{}</seg></tuv>'
        units = "".join(f"<tu>{tuv.format('en', one)}{tuv.format('zh', other)}</tu>" for one, other in pairs)
        (tmp_path / "a.tmx").write_text(f'<tmx version="1.4"><header/><body>{units}</body></tmx>', encoding="utf-8")
    made = files(tmp_path, "a" if kind == "parallel" else f"a.{kind}")
    assert sources(made, "train") == [source for source, _ in GOOD[:3]]
    assert made.splits.sources["train"]["noticed"]["suspicious pairs dropped: empty"] == 1


def test_nothing_left_is_refused():
    with pytest.raises(RequestError, match="No training row is left"):
        plan([COPY, ("Another copy.", "another copy.")], settings={"filter": "drop"}, validation=[], test=[])
