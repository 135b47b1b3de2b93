"""Sources and targets to features: what is cut is counted, and nothing is read as a special token."""

from __future__ import annotations

from dataclasses import replace

import pytest

from taskzoo import registry
from taskzoo.models.text_encoding import content_ids
from taskzoo.seq2seq.outputs import Output
from taskzoo.seq2seq.pair_collator import PairCollator
from taskzoo.seq2seq.pair_encoding import encode_pairs
from taskzoo.seq2seq.pair_examples import pair_example
from taskzoo.seq2seq.sequence_format import find_sequence_format
from taskzoo.types import IGNORE_INDEX, Row

from .pairs import SOURCES, TARGETS, to_chinese, tokenizer_and_config

LONG = " ".join(f"{SOURCES[i % len(SOURCES)]}" for i in range(4000))  # 20,000 words and more


def made(family="t5", **given):
    tokenizer, config = tokenizer_and_config(family)
    return tokenizer, find_sequence_format(tokenizer, config, to_chinese(**given))


def examples(*pairs, split="train"):
    return [pair_example(Row({"source": source, "target": target}), split) for source, target in pairs]


def inner(form, feature):
    """The ids of the source without those around."""
    ids = feature["input_ids"]
    assert tuple(ids[: len(form.before)]) == form.before
    assert tuple(ids[len(ids) - len(form.after) :]) == form.after
    return ids[len(form.before) : len(ids) - len(form.after)]


@pytest.mark.parametrize("family", ["t5", "mbart", "gpt2"])
def test_a_pair_that_fits_is_whole(family):
    tokenizer, form = made(family)
    encoded = encode_pairs(examples((SOURCES[0], TARGETS[0])), tokenizer, form)
    (feature,) = encoded.features
    assert inner(form, feature) == content_ids(tokenizer, SOURCES[:1])[0]
    target = content_ids(tokenizer, TARGETS[:1], targets=True)[0]
    assert feature["target_ids"] == [*form.target_before, *target, *form.target_after]
    assert feature.target_length == len(feature["target_ids"])
    assert encoded.counts == {"truncated_sources": 0, "cut_tokens": 0, "truncated_targets": 0}


@pytest.mark.parametrize("family", ["t5", "mbart", "gpt2"])
def test_what_is_cut_is_counted(family):
    tokenizer, form = made(family, max_source_length=12, max_target_length=200)
    encoded = encode_pairs(examples((SOURCES[0], TARGETS[0]), (" ".join(SOURCES[:8]), TARGETS[0])), tokenizer, form)
    whole = [content_ids(tokenizer, [text])[0] for text in (SOURCES[0], " ".join(SOURCES[:8]))]
    room = 12 - len(form.before) - len(form.after)
    cut = [max(0, len(ids) - room) for ids in whole]
    assert cut[1] > 0
    assert encoded.counts["cut_tokens"] == sum(cut)
    assert encoded.counts["truncated_sources"] == sum(count > 0 for count in cut)
    assert len(encoded.features[1]["input_ids"]) == 12
    assert inner(form, encoded.features[1]) == whole[1][:room]


@pytest.mark.parametrize("family", ["t5", "mbart", "mbart50", "gpt2"])
def test_a_target_that_is_too_long_has_no_end(family):
    tokenizer, form = made(family, max_target_length=10)
    short, long = encode_pairs(examples(("A.", "苹果"), ("B.", "".join(TARGETS[:8]))), tokenizer, form).features
    assert form.end in short["target_ids"]
    assert form.end not in long["target_ids"]
    assert len(long["target_ids"]) == 10
    assert tuple(long["target_ids"][: len(form.target_before)]) == form.target_before
    counts = encode_pairs(examples(("B.", "".join(TARGETS[:8]))), tokenizer, form).counts
    assert counts["truncated_targets"] == 1


def test_all_targets_are_learnt_and_one_output_is_generated():
    tokenizer, form = made()
    encoded = encode_pairs(examples((SOURCES[0], TARGETS[:3]), (SOURCES[1], TARGETS[1])), tokenizer, form)
    assert [feature.row for feature in encoded.features] == [0, 0, 0, 1]
    assert [feature["generate"] for feature in encoded.features] == [True, False, False, True]
    assert len({tuple(feature["input_ids"]) for feature in encoded.features[:3]}) == 1
    found = [feature["target_ids"] for feature in encoded.features[:3]]
    assert found == [[*ids, form.end] for ids in content_ids(tokenizer, TARGETS[:3], targets=True)]


def test_a_prefix_stands_before_every_source():
    tokenizer, form = made(prefix="Anna sees ")
    (feature,) = encode_pairs(examples((SOURCES[0], TARGETS[0])), tokenizer, form).features
    assert tokenizer.decode(inner(form, feature)) == f"Anna sees {SOURCES[0]}"


# long sources


@pytest.mark.parametrize("family", ["t5", "gpt2"])
def test_twenty_thousand_words_cut(family):
    tokenizer, form = made(family)
    encoded = encode_pairs(examples((LONG, "汉"), split="test"), tokenizer, form)
    (feature,) = encoded.features
    assert len(feature["input_ids"]) == form.source_limit
    kept = form.source_limit - len(form.before) - len(form.after)
    assert encoded.counts["cut_tokens"] == len(content_ids(tokenizer, [LONG])[0]) - kept


@pytest.mark.parametrize("family", ["t5", "gpt2"])
def test_twenty_thousand_words_in_chunks_of_whole_sentences(family):
    tokenizer, form = made(family, max_source_length=200)
    encoded = encode_pairs(examples((LONG, "汉"), split="test"), tokenizer, form, long_sources="chunks")
    chunks = [inner(form, feature) for feature in encoded.features]
    assert encoded.counts["sources_in_chunks"] == 1
    assert encoded.counts["cut_tokens"] == encoded.counts["truncated_sources"] == 0
    assert all(len(feature["input_ids"]) <= 200 for feature in encoded.features)
    assert all(tokenizer.decode(ids).strip().endswith(".") for ids in chunks)
    assert " ".join(tokenizer.decode(ids).strip() for ids in chunks) == LONG
    sentences = content_ids(tokenizer, SOURCES)
    longest = max(map(len, sentences))
    assert all(len(ids) + longest > 200 - len(form.before) - len(form.after) - 1 for ids in chunks[:-1])  # well filled


def test_one_endless_sentence_is_cut_into_parts_and_loses_nothing():
    tokenizer, form = made(max_source_length=100)
    text = " ".join(["Anna"] * 20_000)
    encoded = encode_pairs(examples((text, "汉"), split="test"), tokenizer, form, long_sources="chunks")
    assert [i for feature in encoded.features for i in inner(form, feature)] == content_ids(tokenizer, [text])[0]
    assert max(len(feature["input_ids"]) for feature in encoded.features) == 100


def test_chunks_are_generated_for_and_not_learnt_from():
    tokenizer, form = made(max_source_length=30, prefix="Anna sees ")
    text = " ".join(SOURCES[:10])
    encoded = encode_pairs(
        examples((text, TARGETS[:2]), (SOURCES[0], TARGETS[0]), split="validation"),
        tokenizer,
        form,
        long_sources="chunks",
    )
    *chunks, short = encoded.features
    assert len(chunks) > 2
    assert all(tokenizer.decode(inner(form, chunk)).startswith("Anna sees") for chunk in chunks)
    assert all(chunk["generate"] and chunk.row == 0 and not chunk["target_ids"] for chunk in chunks)
    labels = PairCollator(form)(encoded.features).targets["labels"]
    assert (labels[: len(chunks)] == IGNORE_INDEX).all()
    assert (labels[len(chunks)] != IGNORE_INDEX).sum() == short.target_length


def test_training_never_sees_chunks():
    tokenizer, form = made(max_source_length=30)
    encoded = encode_pairs(examples((" ".join(SOURCES[:10]), TARGETS[0])), tokenizer, form, long_sources="chunks")
    assert len(encoded.features) == encoded.counts["truncated_sources"] == 1
    assert encoded.features[0]["target_ids"]


@pytest.mark.parametrize(("target", "text"), [("zh", "一二"), ("de", "一 二")])
def test_what_was_generated_for_chunks_is_joined_as_the_language_does(target, text):
    spec = registry.task("translation")
    task = registry.load_task("translation")(spec.resolve_options({"source_lang": "en", "target_lang": target}))
    given = examples(("A. B.", "汉"), split="test")
    task.fit(given)
    parts = [Output("一", False, -1.0, 1), None, Output("二", True, -2.0, 3)]
    assert task.assemble(given, [parts]) == [{"source": "A. B.", "text": text, "score": -0.75, "_truncated": True}]


# texts that look like something else


@pytest.mark.parametrize("family", ["t5", "bart", "mbart", "m2m_100", "nllb", "gpt2", "bert"])
def test_special_tokens_that_a_text_spells_are_text(family):
    tokenizer, form = made(family)
    named = [getattr(tokenizer, f"{name}_token") for name in ("pad", "bos", "eos", "cls", "sep", "mask")]
    spelled = " ".join(filter(None, [*named, tokenizer.all_special_tokens[-1]]))
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    (feature,) = encode_pairs(examples((f"Anna {spelled} likes", f"安娜{spelled}")), tokenizer, form).features
    assert special.isdisjoint(inner(form, feature))
    target = feature["target_ids"][len(form.target_before) :]
    assert special.isdisjoint(target[: len(target) - len(form.target_after)])
    assert target[len(target) - len(form.target_after) :] == list(form.target_after)


def test_a_text_of_which_nothing_is_left():
    tokenizer, form = made("bert")
    (feature,) = encode_pairs(examples(("\u200b", "\u200b")), tokenizer, form).features
    assert inner(form, feature) == []
    assert feature["target_ids"] == list(form.target_after)
    bare = replace(form, before=(), after=())
    (feature,) = encode_pairs(examples(("\u200b", "\u200b")), tokenizer, bare).features
    assert feature["input_ids"] == [form.pad]  # a model needs a token


def test_rows_without_targets_can_be_generated_for():
    tokenizer, form = made()
    encoded = encode_pairs(examples((SOURCES[0], None), split="predict"), tokenizer, form)
    assert [(f["target_ids"], f["generate"]) for f in encoded.features] == [([], True)]
    assert encode_pairs([], tokenizer, form).features == []
