"""The baseline: entities of the training rows, looked up."""

from __future__ import annotations

from time import process_time

from hypothesis import given
from hypothesis import strategies as st

from taskzoo import registry
from taskzoo.engine.scoring import Predictions, score
from taskzoo.types import Row
from taskzoo_ner.dictionary import Dictionary
from taskzoo_ner.spans import Span, spans_to_tags, strict_spans
from taskzoo_ner.task import NerTask

TRAINING = [
    ("Ada went to New York", "B-PER O O B-LOC I-LOC"),
    ("York is old", "B-LOC O O"),
    ("in New York City they met Ada", "O B-LOC I-LOC I-LOC O O B-PER"),
    ("Ada is a language", "B-MISC O O O"),
    ("may I come in May", "O O O O B-TIME"),
    ("May or may not , May said", "O O O O O B-PER O"),
]
SENTENCES = [(words.split(), tags.split()) for words, tags in TRAINING]


def found(text: str) -> list[tuple[str, str]]:
    words = text.split()
    return [(" ".join(words[a:b]), label) for a, b, label in Dictionary(SENTENCES).find(words)]


def test_the_longest_phrase_and_its_most_frequent_type():
    assert found("Ada saw New York City and York , not New Ada") == [
        ("Ada", "PER"),
        ("New York City", "LOC"),
        ("York", "LOC"),
        ("Ada", "PER"),
    ]


def test_a_phrase_that_is_mostly_no_entity_is_left_out():
    assert found("May came") == [("May", "PER")]  # an entity twice, once of each type, and once none
    mostly = [*SENTENCES, (["May", "be"], ["O", "O"]), (["May", "I"], ["O", "O"])]
    assert Dictionary(mostly).find(["May", "came"]) == []


def test_nothing_to_find():
    assert Dictionary([]).find(["Ada"]) == []
    assert found("") == []


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c"]), max_size=8), max_size=6), st.data())
def test_spans_are_known_phrases_in_order_that_do_not_overlap(texts, data):
    sentences = [
        (text, data.draw(st.lists(st.sampled_from(["O", "B-X", "B-Y", "I-X"]), min_size=len(text), max_size=len(text))))
        for text in texts
    ]
    dictionary = Dictionary(sentences)
    known = {(tuple(words[a:b]), label) for words, tags in sentences for a, b, label in strict_spans(tags)}
    for words, _ in sentences:
        spans = dictionary.find(words)
        assert all((tuple(words[a:b]), label) in known for a, b, label in spans)
        assert strict_spans(spans_to_tags(spans, len(words))) == spans == sorted(spans, key=lambda span: span.start)


def test_scores_of_the_task():
    task = NerTask(registry.task("ner").resolve_options({}))
    rows = [Row({"tokens": words, "tags": tags}, "train.jsonl", n) for n, (words, tags) in enumerate(SENTENCES, 1)]
    examples = task.prepare(rows, "train")
    task.fit(examples)
    predict = task.baseline(examples, 0)
    predictions = predict(examples)
    assert [entity["text"] for entity in predictions[0]["entities"]] == ["Ada", "New York"]
    assert Dictionary(SENTENCES).find(SENTENCES[0][0]) == [Span(0, 1, "PER"), Span(3, 5, "LOC")]
    scores = score(task, examples, Predictions(predictions)).scores
    assert scores["recall"] == 6 / 8  # not Ada the language, nor May the month
    assert scores["precision"] == 6 / 9


def test_long_entities_cost_nothing_where_no_other_word_begins_one():
    entities = [([f"e{n}", *["x"] * n], ["B-X", *["I-X"] * n]) for n in range(600)]
    began = process_time()
    dictionary = Dictionary([*entities, (["y"] * 20_000, ["O"] * 20_000)])
    assert dictionary.find(["y"] * 20_000 + ["e2", "x", "x", "x"]) == [Span(20_000, 20_003, "X")]
    assert process_time() - began < 2
