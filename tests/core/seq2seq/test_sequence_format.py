"""How each family wants its input, starts and ends what it generates, and how long both may be."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.seq2seq.sequence_format import SEPARATOR, find_sequence_format, pretrained_prefixes

from .pairs import to_chinese, tokenizer_and_config

# family: before and after a source, before and after a target, the decoder's start, the forced first token
FORMS = {
    "t5": ("", "</s>", "", "</s>", "<pad>", None),
    "mt5": ("", "</s>", "", "</s>", "<pad>", None),
    "bart": ("<s>", "</s>", "<s>", "</s>", "</s>", None),
    "marian": ("", "</s>", "", "</s>", "<pad>", None),
    "pegasus": ("", "</s>", "", "</s>", "<pad>", None),
    "mbart": ("", "</s> en_XX", "", "</s> zh_CN", "zh_CN", None),
    "mbart50": ("en_XX", "</s>", "zh_CN", "</s>", "</s>", "zh_CN"),
    "m2m_100": ("__en__", "</s>", "__zh__", "</s>", "</s>", "__zh__"),
    "nllb": ("eng_Latn", "</s>", "zho_Hans", "</s>", "</s>", "zho_Hans"),
    "bert": ("[CLS]", "[SEP]", "", "[SEP]", "[CLS]", None),
    "roberta": ("<s>", "</s>", "", "</s>", "<s>", None),
}
KINDS = {"bert": "encoder", "roberta": "encoder"}


def form_of(family, **given):
    tokenizer, config = tokenizer_and_config(family)
    return tokenizer, find_sequence_format(tokenizer, config, to_chinese(**given))


@pytest.mark.parametrize("family", FORMS)
def test_tokens_around(family):
    tokenizer, form = form_of(family)
    words = {
        name: " ".join(tokenizer.convert_ids_to_tokens(list(getattr(form, name))))
        for name in ("before", "after", "target_before", "target_after")
    }
    start = tokenizer.convert_ids_to_tokens(form.start)
    forced = None if form.forced is None else tokenizer.convert_ids_to_tokens(form.forced)
    assert (*words.values(), start, forced) == FORMS[family]
    assert form.end == (tokenizer.sep_token_id if family == "bert" else tokenizer.eos_token_id)
    assert form.pad == tokenizer.pad_token_id
    assert form.kind == KINDS.get(family, "encoder-decoder")


@pytest.mark.parametrize("family", ["gpt2", "qwen2"])
def test_a_decoder_has_a_separator_that_is_not_its_end(family):
    tokenizer, form = form_of(family)
    assert form.kind == "decoder"
    assert tokenizer.decode(list(form.after)).strip(" ") == SEPARATOR
    assert form.end not in (*form.before, *form.after)
    assert (form.target_before, form.target_after) == ((), (form.end,))


def test_a_decoder_with_a_token_to_begin_with_has_that():
    tokenizer, config = tokenizer_and_config("gpt2")
    tokenizer.add_special_tokens({"bos_token": "<begin>"})
    form = find_sequence_format(tokenizer, config)
    assert form.after == (tokenizer.bos_token_id,)


# languages


@pytest.mark.parametrize("family", ["mbart", "mbart50", "m2m_100", "nllb"])
@pytest.mark.parametrize("languages", [("", ""), ("en", ""), ("", "zh")])
def test_languages_that_are_needed_and_missing(family, languages):
    with pytest.raises(RequestError, match='set the ones to use: source_lang="en", target_lang="zh"') as error:
        form_of(family, source_lang=languages[0], target_lang=languages[1])
    assert "\n" not in str(error.value)


def test_a_language_may_be_given_in_the_checkpoints_own_code():
    tokenizer, form = form_of("nllb", source_lang="zho_Hant", target_lang="English")
    assert tokenizer.convert_ids_to_tokens([*form.before, form.forced]) == ["zho_Hant", "eng_Latn"]


def test_a_language_the_checkpoint_does_not_know_gives_the_nearest():
    with pytest.raises(UnknownNameError, match="zhoo_Hans") as error:
        form_of("nllb", target_lang="zhoo_Hans")
    assert "zho_Hans" in error.value.nearest
    with pytest.raises(UnknownNameError, match="'yo'"):  # a language, and not one of the 25 of mBART
        form_of("mbart", target_lang="yo")


def test_a_marian_of_several_targets_is_told_by_a_tag():
    tokenizer, config = tokenizer_and_config("marian")
    tokenizer.add_tokens([">>cmn_Hans<<", ">>fra<<"])
    form = find_sequence_format(tokenizer, config, to_chinese())
    assert tokenizer.convert_ids_to_tokens(list(form.before)) == [">>cmn_Hans<<"]
    with pytest.raises(RequestError, match='target_lang="zh"'):
        find_sequence_format(tokenizer, config, to_chinese(target_lang=""))
    with pytest.raises(UnknownNameError, match="'ja'"):
        find_sequence_format(tokenizer, config, to_chinese(target_lang="ja"))


def test_other_checkpoints_need_no_languages():
    for family in ("t5", "bart", "marian", "gpt2"):
        assert form_of(family, source_lang="", target_lang="")[1] == form_of(family)[1]


# prefixes


def test_the_prefixes_of_a_pretrained_t5():
    params = {
        "summarization": {"prefix": "summarize: ", "num_beams": 4},
        "translation_en_to_de": {"prefix": "translate English to German: "},
    }
    assert pretrained_prefixes(SimpleNamespace(task_specific_params=params)) == {
        "summarization": "summarize: ",
        "translation_en_to_de": "translate English to German: ",
    }


@pytest.mark.parametrize("params", [None, {}, {"summarization": {"num_beams": 4}}, {"text-generation": {"max": 50}}])
def test_others_have_none(params):
    assert pretrained_prefixes(SimpleNamespace(task_specific_params=params)) == {}
    assert pretrained_prefixes(SimpleNamespace()) == {}


# limits


@pytest.mark.parametrize(
    ("family", "source", "target", "generated"),
    [("bart", 512, 512, 512), ("t5", 1024, 512, 10**9), ("gpt2", 256, 256, 256), ("roberta", 512, 512, 512)],
)
def test_the_models_limits_within_reason(family, source, target, generated):
    form = form_of(family)[1]
    assert (form.source_limit, form.target_limit, form.generation_limit) == (source, target, generated)


def test_source_and_target_of_a_decoder_share_its_positions():
    for given, limits in (
        ({"max_source_length": 412, "max_target_length": 100}, (412, 100, 100)),
        ({"max_source_length": 50}, (50, 256, 462)),
        ({"max_source_length": 500}, (500, 12, 12)),
        ({"max_target_length": 500}, (12, 500, 500)),
    ):
        form = form_of("gpt2", **given)[1]
        assert (form.source_limit, form.target_limit, form.generation_limit) == limits


@pytest.mark.parametrize(
    ("family", "given", "message"),
    [
        ("bart", {"max_source_length": 513}, r"max_source_length=513 exceeds the limit of the model \(512\)"),
        ("gpt2", {"max_target_length": 513}, r"max_target_length=513 exceeds the limit of the model \(512\)"),
        ("gpt2", {"max_target_length": 512}, "leave no room for text .a decoder has 512 tokens for source and target"),
        ("gpt2", {"max_source_length": 512}, "leave no room for text .a decoder has 512 tokens for source and target"),
        (
            *("gpt2", {"max_source_length": 413, "max_target_length": 100}),
            r"max_source_length=413 and max_target_length=100 together exceed the limit of the model \(512 tokens",
        ),
        ("bart", {"max_source_length": 2}, "leave no room"),
        ("bart", {"max_target_length": 2}, "leave no room"),
        ("t5", {"max_source_length": 8, "prefix": "translate the words behind the colon into Chinese: "}, "no room"),
    ],
)
def test_limits_that_cannot_be(family, given, message):
    with pytest.raises(RequestError, match=message):
        form_of(family, **given)


def test_a_tokenizer_without_an_end_is_refused():
    tokenizer, config = tokenizer_and_config("gpt2")
    tokenizer.eos_token = None
    with pytest.raises(RequestError, match="no end token"):
        find_sequence_format(tokenizer, config)


@pytest.mark.parametrize("stated", [None, 58100])
def test_a_marian_without_start_token_starts_with_padding(stated):
    """``MarianConfig`` has a default of its own, made for a vocabulary of 58,101."""
    tokenizer, config = tokenizer_and_config("marian")
    usual = find_sequence_format(tokenizer, config, to_chinese()).start
    values = {**config.to_dict(), "decoder_start_token_id": stated}
    if stated is None:
        del values["decoder_start_token_id"]
    assert (
        find_sequence_format(tokenizer, type(config)(**values), to_chinese()).start == usual == tokenizer.pad_token_id
    )
