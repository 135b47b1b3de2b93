"""Length, empty and cut outputs, and what summaries copy from their sources."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.metrics.generated import GeneratedText, fragments
from taskzoo.metrics.words import split_tokens


def scores(predictions: list[dict[str, Any]], references: list[dict[str, Any]], summary: bool = False) -> Any:
    metric = GeneratedText(summary)
    return metric.from_sums(metric.statistics(predictions, references).sum(axis=0))


def test_the_nearest_reference_gives_the_length() -> None:
    predictions = [{"text": "a b c d"}, {"text": "a b"}]
    references = [{"targets": ["a", "a b c", "a b c d e", "a b c d e f"]}, {"targets": ["a b c d"]}]
    assert scores(predictions, references)["length_ratio"] == pytest.approx(6 / (3 + 4))  # of 3 and 5 the shorter


def test_the_length_is_of_the_corpus() -> None:
    predictions, references = [{"text": "a"}, {"text": "a " * 9}], [{"targets": ["a a"]}, {"targets": ["a " * 8]}]
    assert scores(predictions, references)["length_ratio"] == 1.0


def test_empty_and_cut_outputs_are_counted() -> None:
    texts = ["", " \n", "a", "😀", "猫"]
    predictions = [{"text": t, "_truncated": t == "a"} for t in texts[:4]] + [{"text": texts[4]}]
    found = scores(predictions, [{"targets": ["a"]}] * 5)
    assert (found["empty"], found["truncated"]) == (0.4, 0.2)
    computed = GeneratedText().compute(predictions=predictions, references=[{"targets": ["a"], "other": 1}] * 5)
    assert computed == pytest.approx(found, nan_ok=True)


def test_the_text_that_is_written_most_often_for_different_references() -> None:
    texts = ["yes"] * 5 + ["we do it"] * 3 + [""] * 4 + ["own"]
    targets = [["a", "b"], ["b", "a"], *[["a", "b"]] * 3, ["c"], ["d"], ["c"], *[[str(i)] for i in range(5)]]
    metric = GeneratedText()
    # "yes" is right of five rows with the same references, and nothing is no text
    pairs = [{"text": t} for t in texts], [{"targets": t} for t in targets]
    assert metric.details(*pairs) == {
        "generated": {"empty": 4, "copies": 0, "loops": 0},
        "most_repeated_output": {"text": "we do it", "rows": 3},
    }
    assert metric.details(pairs[0][:5], pairs[1][:5]) == {"generated": {"empty": 0, "copies": 0, "loops": 0}}


def test_copies_and_loops_are_counted_where_no_reference_is_so() -> None:
    sources, loop = ["OK .", "OK .", "a b"], "a b c d a b c d a b c d"
    pairs = [(source, source, [target]) for source, target in zip(sources, ["fine", "OK !", "x"], strict=True)]
    pairs += [("x", loop, ["y"]), ("x", loop, [loop]), ("x", "a b c d a b c d", ["y"])]
    predictions = [{"source": source, "text": text} for source, text, _ in pairs]
    found = GeneratedText().details(predictions, [{"targets": targets} for *_, targets in pairs])
    assert found["generated"] == {"empty": 0, "copies": 2, "loops": 1}


SOURCE = "The mayor of Paris said on Monday that the old bridge would be closed for two years."


def test_what_is_copied_by_hand() -> None:
    output = "Paris: the old bridge would be shut, said the mayor."
    # copied: paris | the old bridge would be | said | the mayor; new: shut
    found = scores([{"text": output}], [{"targets": ["x"], "_source": SOURCE}], summary=True)
    assert fragments(split_tokens(SOURCE), split_tokens(output)) == [1, 5, 1, 2]
    assert found["coverage"] == pytest.approx(9 / 10)
    assert found["density"] == pytest.approx((1 + 25 + 1 + 4) / 10)
    assert found["novel_1grams"] == pytest.approx(1 / 10)
    assert found["novel_2grams"] == pytest.approx(4 / 9)  # paris the, be shut, shut said, said the
    assert found["novel_4grams"] == pytest.approx(5 / 7)


def test_the_search_goes_on_behind_a_run_in_the_source() -> None:
    """As in figure 3 of the paper, where the longer run that overlaps a shorter one before it is not seen."""
    assert fragments("xaxaxb", "xaxb") == [3, 1]
    assert fragments("abcabcd", "abcd") == [4]


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abcd"), max_size=12))
def test_fragments_cover_what_the_source_has(source: list[str], summary: list[str]) -> None:
    assert sum(fragments(source, summary)) == sum(token in source for token in summary)
    assert fragments(summary, summary) == ([len(summary)] if summary else [])


def test_a_copy_and_something_new() -> None:
    copy = scores([{"text": SOURCE}], [{"targets": ["x"], "_source": SOURCE}], summary=True)
    assert (copy["novel_2grams"], copy["coverage"], copy["density"]) == (0, 1, 17)  # one fragment of 17 words
    other = scores([{"text": "全新的句子"}], [{"targets": ["x"], "_source": SOURCE}], summary=True)
    assert (other["novel_2grams"], other["coverage"], other["density"]) == (1, 0, 0)


def test_outputs_without_tokens_and_rows_without_source_do_not_count_as_copies() -> None:
    good = {"targets": ["x"], "_source": SOURCE}
    predictions = [{"text": "the mayor"}, {"text": ""}, {"text": "entirely new words"}]
    found = scores(predictions, [good, good, {"targets": ["x"]}], summary=True)
    assert (found["coverage"], found["density"], found["novel_2grams"]) == (1, 2, 0)
    none = scores([{"text": ""}], [good], summary=True)
    assert np.isnan([none["coverage"], none["density"], none["novel_1grams"]]).all()
    computed = GeneratedText(summary=True).compute(predictions=predictions, references=[good, good, {"targets": ["x"]}])
    assert computed == pytest.approx(found, nan_ok=True)
