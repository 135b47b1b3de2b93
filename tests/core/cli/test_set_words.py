"""Several settings behind one ``--set``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.cli import one_set_each


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("run t --set a=1 b=2 c-d=x=y", "run t --set a=1 --set b=2 --set c-d=x=y"),
        ("run --set=a=1 b=2 t", "run --set=a=1 --set b=2 t"),
        ("run --set a=1 t b=2", "run --set a=1 t b=2"),
        ("run --set a=1 --set b=2 c=3", "run --set a=1 --set b=2 --set c=3"),
        ("run --set a=1 --columns text=0 x=1", "run --set a=1 --columns text=0 x=1"),
        ("run --set a=1 --output=x b=2", "run --set a=1 --output=x b=2"),
        ("run --set a=1 -q b=2", "run --set a=1 -q b=2"),
        ("run --set a=1 -- b=2", "run --set a=1 -- b=2"),
        ("run --set a=1 =2 runs/b=2 b", "run --set a=1 =2 runs/b=2 b"),
        ("run --set --columns text=0", "run --set --columns text=0"),
        ("predict r --set a=1 b=2", "predict r --set a=1 b=2"),  # any text may look so
        ("run t --set", "run t --set"),
    ],
)
def test_words_behind_a_value_get_their_own(line, expected):
    assert one_set_each(line.split()) == expected.split()


WORDS = st.sampled_from(["run", "--set", "--set=a=1", "a=1", "b=2", "t", "--columns", "--", "-q", "runs/x=1", "a b=1"])


@given(st.lists(WORDS, max_size=8))
def test_no_word_is_lost_or_moved(words):
    spread = one_set_each(words)
    rest = iter(spread)
    for word in words:  # what was added stands before a word of the form name=value
        found = next(rest)
        if found != word:
            assert (found, next(rest)) == ("--set", word)
            assert "=" in word
            assert not word.startswith("-")
    assert list(rest) == []
    assert one_set_each(spread) == spread


@pytest.mark.parametrize("before", [[], ["--registry", "my.yaml"], ["--registry=my.yaml"]])
def test_words_of_predict_are_texts_whatever_stands_before_it(before):
    words = [*before, "predict", "RUN", "--set", "num_beams=4", "x=1"]
    assert one_set_each(words) == words
