from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo_ner.schemes import invalid_transitions
from taskzoo_ner.spans import Span, conlleval_spans, repair, spans_to_tags, strict_spans

any_tags = st.lists(st.sampled_from(["O", "B-A", "I-A", "B-B", "I-B"]), max_size=12)


@pytest.mark.parametrize(
    ("tags", "strict", "lenient"),
    [
        (["B-A", "I-A", "O"], [(0, 2, "A")], [(0, 2, "A")]),
        (["B-A", "B-A"], [(0, 1, "A"), (1, 2, "A")], [(0, 1, "A"), (1, 2, "A")]),
        (["O", "I-A", "I-A"], [], [(1, 3, "A")]),
        (["B-A", "I-B", "I-B"], [(0, 1, "A")], [(0, 1, "A"), (1, 3, "B")]),
        (["B-A", "I-B", "I-A"], [(0, 1, "A")], [(0, 1, "A"), (1, 2, "B"), (2, 3, "A")]),
        (["B-A", "O", "I-A"], [(0, 1, "A")], [(0, 1, "A"), (2, 3, "A")]),
        ([], [], []),
    ],
)
def test_two_readings(tags: list[str], strict: list[Span], lenient: list[Span]) -> None:
    assert strict_spans(tags) == strict
    assert conlleval_spans(tags) == lenient


@given(any_tags)
def test_repair_makes_the_readings_agree(tags: list[str]) -> None:
    repaired = repair(tags)
    assert invalid_transitions(repaired, "IOB2") == []
    assert strict_spans(repaired) == conlleval_spans(repaired) == conlleval_spans(tags)
    assert repair(repaired) == repaired


@given(any_tags)
def test_readings_agree_on_valid_tags(tags: list[str]) -> None:
    if not invalid_transitions(tags, "IOB2"):
        assert strict_spans(tags) == conlleval_spans(tags)
        assert spans_to_tags(strict_spans(tags), len(tags)) == tags
    else:
        assert strict_spans(tags) != conlleval_spans(tags)


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([Span(0, 2, "A"), Span(1, 3, "B")], "overlaps"),
        ([Span(1, 1, "A")], "does not fit"),
        ([Span(2, 5, "A")], "does not fit"),
        ([Span(-1, 1, "A")], "does not fit"),
    ],
)
def test_impossible_spans_are_refused(spans: list[Span], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spans_to_tags(spans, 4)


@pytest.mark.parametrize("read", [strict_spans, conlleval_spans, repair])
@pytest.mark.parametrize("tag", ["S-A", "A", "B-", ""])
def test_other_schemes_are_refused(read: object, tag: str) -> None:
    with pytest.raises(ValueError, match="not an IOB2 tag"):
        read([tag])  # type: ignore[operator]
