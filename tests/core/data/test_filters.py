from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from taskzoo.data.filters import REASONS, filter_pairs

GOOD = [
    ("Tom is reading a book.", "汤姆正在看书。"),
    ("The weather is nice today.", "今天天气很好。"),
    ("I do not know where he lives.", "我不知道他住在哪里。"),
    ("We use BERT and GPT-4.", "我们使用BERT和GPT-4。"),
    ("1 + 1 = 2", "1 + 1 = 2。"),
]
CHINESE = ("en", "zh")


def reason(source: str, target: str, **settings: object) -> dict[str, int]:
    report = filter_pairs([*GOOD, (source, target)], **{"languages": CHINESE, **settings})  # type: ignore[arg-type]
    assert report.kept[: len(GOOD)] == list(range(len(GOOD))), report
    return report.found


def test_good_pairs_of_scripts_of_unlike_length_are_kept() -> None:
    report = filter_pairs(GOOD, languages=CHINESE)
    assert report.kept == [0, 1, 2, 3, 4]
    assert report.found == {}
    assert set(report.counts) == set(REASONS)
    assert 0.2 < report.length_ratio < 0.6


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("", "你好", "empty"),
        ("Hello", " \t", "empty"),
        ("Click  here", "click here", "copies"),
        ("Tom is reading a book.", "汤姆正在看书，" * 8, "length ratio"),
        (
            "He said that he would come back as soon as the work was done, but nobody saw him again.",
            "他。",
            "length ratio",
        ),
        ("Good morning to you", "Guten Morgen", "wrong script"),
        ("今天天气很好。", "今天天气真好。", "wrong script"),
        ("  Tom is reading a  book.", "汤姆正在看书。", "duplicates"),
        ("word " * 300, "词" * 500, "too long"),
    ],
)
def test_each_reason(source: str, target: str, expected: str) -> None:
    assert reason(source, target) == {expected: 1}


def test_one_source_with_two_translations_is_no_duplicate() -> None:
    assert reason("Tom is reading a book.", "汤姆在读书。") == {}


def test_short_texts_may_vary_in_length() -> None:
    assert reason("Hi.", "你好啊。") == {}
    assert reason("No", "不") == {}


def test_nothing_is_asked_of_unknown_languages() -> None:
    assert reason("Good morning to you", "Guten Morgen", languages=("en", "")) == {}
    assert reason("Good morning to you", "Guten Morgen", languages=("en", "xxx")) == {}


def test_examples_point_at_pairs() -> None:
    report = filter_pairs([("a", ""), *GOOD, *[("b", "")] * 5])
    assert report.counts["empty"] == 6
    assert report.examples["empty"] == [0, 6, 7]


def test_a_ratio_that_keeps_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 1"):
        filter_pairs(GOOD, max_length_ratio=1)


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20))))
def test_every_pair_is_kept_or_counted_once(pairs: list[tuple[str, str]]) -> None:
    report = filter_pairs(pairs, languages=CHINESE)
    assert len(report.kept) + sum(report.counts.values()) == len(pairs)
    kept = [pairs[i] for i in report.kept]
    assert len({(" ".join(a.split()), " ".join(b.split())) for a, b in kept}) == len(kept)


@given(st.lists(st.tuples(st.text("ab ", max_size=30), st.text("ab ", max_size=30)), min_size=1))
@example([("a", "a"), ("aa", "a"), ("aa", "a"), ("a" * 4, "a" * 18), ("a" * 9, "a" * 6)])  # at the limit
def test_the_direction_does_not_matter(pairs: list[tuple[str, str]]) -> None:
    """With an odd number of ratios, so that the median of the inverse is the inverse of the median."""
    pairs = [pair for pair in pairs if all(side.strip() for side in pair)]
    pairs = pairs[: len(pairs) // 2 * 2 + 1] if len(pairs) % 2 else pairs[:-1]
    turned = [(target, source) for source, target in pairs]
    assert filter_pairs(pairs).kept == filter_pairs(turned).kept
