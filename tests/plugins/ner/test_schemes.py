from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.errors import DataError, UnknownNameError
from taskzoo_ner.schemes import (
    canonical_scheme,
    detect_scheme,
    explain_unknown,
    invalid_transitions,
    split_tag,
    to_iob2,
    unknown_tags,
)
from taskzoo_ner.spans import Span, spans_to_tags, strict_spans

TYPES = ["PER", "LOC", "creative-work"]


@st.composite
def entity_layouts(draw: st.DrawFn) -> tuple[list[Span], int]:
    """Disjoint spans in order, and the number of words."""
    position = 0
    spans = []
    for gap, size, label in draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from(TYPES)), max_size=6)
    ):
        start = position + gap
        position = start + size
        spans.append(Span(start, position, label))
    return spans, position + draw(st.integers(0, 2))


def write(spans: list[Span], length: int, scheme: str) -> list[str]:
    """The spans as tags of ``scheme``, written independently of the code under test."""
    tags = ["O"] * length
    previous: Span | None = None
    for span in spans:
        size = span.end - span.start
        if scheme in ("BIOES", "BILOU", "BMES"):
            names = {"BIOES": "BIES", "BILOU": "BILU", "BMES": "BMES"}[scheme]
            prefixes = names[3] if size == 1 else names[0] + names[1] * (size - 2) + names[2]
        elif scheme == "IOB2":
            prefixes = "B" + "I" * (size - 1)
        else:
            touches = previous is not None and previous.end == span.start and previous.label == span.label
            prefixes = ("B" if touches else "I") + "I" * (size - 1)
        tags[span.start : span.end] = [f"{prefix}-{span.label}" for prefix in prefixes]
        previous = span
    return tags


@given(entity_layouts(), st.sampled_from(["IOB1", "IOB2", "BIOES", "BILOU", "BMES"]))
def test_valid_tags_keep_their_entities(layout: tuple[list[Span], int], scheme: str) -> None:
    spans, length = layout
    tags = write(spans, length, scheme)
    assert invalid_transitions(tags, canonical_scheme(scheme)) == []
    assert to_iob2(tags, scheme) == spans_to_tags(spans, length)
    assert strict_spans(to_iob2(tags, scheme)) == spans


@given(entity_layouts(), st.sampled_from(["IOB1", "IOB2", "BIOES", "BILOU", "BMES"]))
def test_detected_scheme_reads_the_same_entities(layout: tuple[list[Span], int], scheme: str) -> None:
    """Detection may be undecided on tiny data, but never so that entities change."""
    spans, length = layout
    if scheme in ("BIOES", "BILOU", "BMES") and not spans:
        return
    tags = write(spans, length, scheme)
    assert strict_spans(to_iob2(tags, detect_scheme([tags]))) == spans


@pytest.mark.parametrize(
    ("sentences", "scheme"),
    [
        ([["B-PER", "I-PER", "O"]], "IOB2"),
        ([["O", "O"]], "IOB2"),
        ([], "IOB2"),
        ([["I-PER", "O", "I-LOC"]], "IOB1"),
        ([["I-PER", "B-PER", "O"]], "IOB1"),
        ([["I-PER", "B-LOC"]], "IOB2"),  # B- after another type is needless in IOB1
        ([["I-PER"], ["B-PER"]], "IOB2"),  # invalid IOB2
        ([["B-PER"], ["S-PER"]], "BIOES"),
        ([["B-PER", "L-PER"], ["U-LOC"]], "BIOES"),
        ([["B-PER", "M-PER"]], "BIOES"),
        ([["B-PER", "I-LOC"]], "IOB2"),
        ([["B-ESL", "O"]], "IOB2"),  # a type that looks like prefixes
    ],
)
def test_detection_rules(sentences: list[list[str]], scheme: str) -> None:
    assert detect_scheme(sentences) == scheme


@pytest.mark.parametrize(
    ("tags", "scheme", "positions"),
    [
        (["I-A", "O", "B-A", "I-B", "I-B"], "IOB2", [0, 3]),
        (["B-A", "I-A", "B-A", "I-A"], "IOB2", []),
        (["B-A", "I-A", "B-A"], "IOB1", [0]),
        (["I-A", "B-B"], "IOB1", [1]),
        (["I-A", "B-A"], "IO", [1]),
        (["S-A", "I-A"], "IOB2", [0]),
        (["B-A", "O"], "BIOES", [1]),
        (["B-A", "I-A"], "BIOES", [1]),
        (["B-A"], "BIOES", [0]),
        (["I-A", "E-A"], "BIOES", [0]),
        (["B-A", "E-A", "E-A"], "BIOES", [2]),
        (["B-A", "E-B", "O"], "BIOES", [1]),
        (["B-A", "S-A"], "BIOES", [1]),
        (["B-A", "I-A", "L-A", "U-B"], "BIOES", []),
        ([], "BIOES", []),
    ],
)
def test_invalid_transitions(tags: list[str], scheme: str, positions: list[int]) -> None:
    assert invalid_transitions(tags, scheme) == positions


def test_broken_bioes_loses_nothing() -> None:
    assert to_iob2(["B-A", "E-A", "I-A"], "BIOES") == ["B-A", "I-A", "B-A"]
    assert to_iob2(["S-A", "E-A", "O", "E-A"], "BIOES") == ["B-A", "B-A", "O", "I-A"]
    assert to_iob2(["B-A", "B-A", "I-B"], "BIOES") == ["B-A", "B-A", "I-B"]


def test_iob2_is_returned_as_it_is() -> None:
    assert to_iob2(["I-A", "I-B", "O"], "BIO") == ["I-A", "I-B", "O"]


def test_io_begins_each_run() -> None:
    assert to_iob2(["I-A", "I-A", "I-B", "O", "I-B"], "IO") == ["B-A", "I-A", "B-B", "O", "B-B"]


def test_tag_of_another_scheme_is_refused() -> None:
    with pytest.raises(DataError, match="'S-A' does not exist in the tag scheme IOB2"):
        to_iob2(["S-A"], "IOB2")


def test_type_may_hold_hyphens() -> None:
    assert split_tag("B-creative-work") == ("B", "creative-work")
    assert split_tag("I--") == ("I", "-")


@pytest.mark.parametrize(
    ("tag", "hint"),
    [
        ("PERSON", "no prefix; write B-PERSON"),
        ("X-PER", "prefix X- is not known"),
        ("B_PER", "write B-PER"),
        ("b-PER", "write B-PER"),
        ("PER-B", "the prefix comes first; write B-PER"),
        ("B", "names no type and other tags do; write for example B-ENTITY"),
        ("B-", "names no type and other tags do; write for example B-ENTITY"),
        ("o", "capital letter O"),
        ("0", "capital letter O"),
        (3, "not text (int)"),
        (None, "not text (NoneType)"),
        ("", "Empty tag"),
        ("B-  ", "belongs to no known tag scheme"),
    ],
)
def test_unknown_tags_are_explained(tag: object, hint: str) -> None:
    assert unknown_tags(["O", tag, "B-PER", tag]) == [tag]
    assert hint in explain_unknown(tag)
    assert "such as B-PER" in explain_unknown(tag)
    with pytest.raises(DataError):
        detect_scheme([[tag]])  # type: ignore[list-item]


@given(st.text(max_size=6))
def test_every_string_is_a_tag_or_explained(tag: str) -> None:
    if unknown_tags([tag]):
        assert explain_unknown(tag)
    else:
        assert invalid_transitions([tag], detect_scheme([[tag]])) in ([], [0])


def test_unknown_scheme_suggests() -> None:
    assert canonical_scheme("bilou") == "BIOES"
    with pytest.raises(UnknownNameError, match="Did you mean"):
        canonical_scheme("IOBS")
