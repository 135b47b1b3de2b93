from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.errors import DataError
from taskzoo_ner.spans import spans_to_tags
from taskzoo_ner.words import is_separator, spans_to_words, split_words

JOINERS = "\u00ad\u180e\u200c\u200d\u2060"
VISIBLE = "aZ9.'-東ひカ한ไé#❤👩🏽🇫🇷"
HIDDEN = " \n\x00\u0301\u3099\u0903\u20e3\ufe0f\u200d\u200c\u00ad\u200b\ufeff\u3000\u00a0"
awkward = st.text(st.sampled_from(VISIBLE + HIDDEN))


def words(text: str) -> list[str]:
    return [text[start:end] for start, end in split_words(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\n", []),
        ("Ann lives here.", ["Ann", "lives", "here", "."]),
        (
            "O'Brien's Paris-based U.N. 3.5%",
            ["O", "'", "Brien", "'", "s", "Paris", "-", "based", "U", ".", "N", ".", "3", ".", "5", "%"],
        ),
        ("snake_case", ["snake", "_", "case"]),
        ("東京タワーへ行く", list("東京タワーへ行く")),
        ("か\u3099く", ["か\u3099", "く"]),  # a decomposed voiced kana
        ("Sony社のGPT4。", ["Sony", "社", "の", "GPT4", "。"]),
        ("서울특별시에 산다", ["서울특별시에", "산다"]),
        ("ประเทศไทย", ["ประเทศไทย"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("cafe\u0301 ok", ["cafe\u0301", "ok"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("exam\u00adple", ["exam\u00adple"]),
        ("a\u200bb\ufeffc", ["a", "b", "c"]),
        ("a\u3000b\u00a0c\u2009d", ["a", "b", "c", "d"]),
        ("\u200b\u200d\ufeff\u200c", []),
        ("\u0301a", ["\u0301a"]),
        ("hi👩🏽‍🚀!", ["hi", "👩🏽‍🚀", "!"]),
        ("👨‍👩‍👧‍👦❤️🇫🇷🇩🇪🇪", ["👨‍👩‍👧‍👦", "❤️", "🇫🇷", "🇩🇪", "🇪"]),
        ("1️⃣ 🏴\U000e0067\U000e0062\U000e007f", ["1️⃣", "🏴\U000e0067\U000e0062\U000e007f"]),
        ("😀😀", ["😀", "😀"]),
        ("\ud800x", ["\ud800", "x"]),
    ],
)
def test_split(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.one_of(st.text(), awkward))
def test_nothing_visible_is_lost(text: str) -> None:
    found = split_words(text)
    position = 0
    for start, end in found:
        assert position <= start < end <= len(text)
        assert not any(char.isspace() or is_separator(char) for char in text[start:end])
        assert all(is_separator(char) or char in JOINERS for char in text[position:start])
        position = end
    assert all(is_separator(char) or char in JOINERS for char in text[position:])


@given(awkward)
def test_each_word_is_a_word_again(text: str) -> None:
    for word in words(text):
        assert words(word) == [word]


def test_spans_on_word_borders() -> None:
    text = "Ann Lee met Bob in Paris."
    spans, misaligned = spans_to_words(split_words(text), [(19, 24, "LOC"), (0, 7, "PER"), (12, 15, "PER")])
    assert spans == [(0, 2, "PER"), (3, 4, "PER"), (5, 6, "LOC")]
    assert misaligned == 0


@pytest.mark.parametrize(
    ("char_spans", "expected", "misaligned"),
    [
        ([(0, 2, "X")], [(0, 1, "X")], 1),  # ends inside "Anna"
        ([(2, 6, "X")], [(0, 2, "X")], 1),
        ([(0, 5, "X")], [(0, 1, "X")], 0),  # with the space after it
        ([(4, 5, "X")], [], 1),  # only the space
        ([(20, 25, "X")], [], 1),  # behind the text
        ([(0, 2, "X"), (2, 4, "Y")], [(0, 1, "X")], 2),  # one word cannot hold two
        ([(0, 4, "X"), (0, 8, "Y")], [(0, 2, "Y")], 1),
        ([(0, 4, "X"), (5, 8, "Y")], [(0, 1, "X"), (1, 2, "Y")], 0),
        ([], [], 0),
    ],
)
def test_misaligned_spans(
    char_spans: list[tuple[int, int, str]], expected: list[tuple[int, int, str]], misaligned: int
) -> None:
    assert spans_to_words(split_words("Anna Lee"), char_spans) == (expected, misaligned)


@pytest.mark.parametrize("span", [(3, 3, "X"), (5, 2, "X"), (-1, 2, "X")])
def test_impossible_spans_are_refused(span: tuple[int, int, str]) -> None:
    with pytest.raises(DataError, match="empty or begins before"):
        spans_to_words([(0, 4)], [span])


@given(awkward, st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10), st.sampled_from("XY")), max_size=5))
def test_word_spans_can_always_be_tagged(text: str, drawn: list[tuple[int, int, str]]) -> None:
    found = split_words(text)
    char_spans = [(start, start + size, label) for start, size, label in drawn]
    spans, misaligned = spans_to_words(found, char_spans)
    spans_to_tags(spans, len(found))
    assert len(char_spans) - len(spans) <= misaligned <= len(char_spans)
