"""How a tokenizer fits texts, and the language they seem to be in."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from taskzoo.models.refs import resolve_model
from taskzoo.models.text_fit import ENGLISH, TextFit, _sample, guess_language, measure_fit, small_pieces
from taskzoo.models.tokenizers import load_tokenizer

TEXTS = {
    "en": ["The waiter forgot our order twice and never apologised.", "A quiet room with a view of the harbour."],
    "sw": ["Mhudumu alisahau chakula chetu mara mbili na hakuomba radhi.", "Chumba tulivu chenye mandhari ya bandari."],
    "de": ["Der Kellner hat unsere Bestellung zweimal vergessen.", "Ein ruhiges Zimmer mit Blick auf den Hafen."],
    "zh": [
        "服务员两次忘记了我们点的菜，也没有道歉，我们等了一个小时。",
        "房间很安静，可以看到港口，早餐也很好吃。",
    ],
}


@pytest.fixture(scope="module")
def english_tokenizer():
    return load_tokenizer(resolve_model("minilm"))


@pytest.mark.parametrize("language", TEXTS)
def test_the_language_of_texts(language):
    assert guess_language(TEXTS[language] * 3) == language


def test_no_language_where_texts_differ_or_are_short():
    assert guess_language([text for texts in TEXTS.values() for text in texts]) == ""
    assert guess_language(["ok", "fine", "ja"]) == ""
    assert guess_language([]) == ""


def test_an_english_tokenizer(english_tokenizer):
    fits = {language: measure_fit(english_tokenizer, texts) for language, texts in TEXTS.items()}
    assert not fits["en"].splits_words
    assert fits["sw"].splits_words
    assert fits["de"].splits_words
    assert [language for language, fit in fits.items() if fit.loses_words] == ["zh"]


def test_the_figures(english_tokenizer):
    words = ["unbelievable", "harbour"]
    pieces = sum(len(english_tokenizer.tokenize(word)) for word in words)
    assert measure_fit(english_tokenizer, [" ".join(words)]) == TextFit(unknown=0.0, tokens_per_word=pieces / 2)
    ids = english_tokenizer("好 a b c", add_special_tokens=False)["input_ids"]
    share = ids.count(english_tokenizer.unk_token_id) / len(ids)
    assert measure_fit(english_tokenizer, ["好 a b c"]).unknown == share


@pytest.mark.parametrize("texts", [[], [""], ["123 !?"]])
def test_texts_without_words(english_tokenizer, texts):
    assert measure_fit(english_tokenizer, texts).tokens_per_word == 0


@pytest.mark.parametrize("rows", [3, 500, 501, 999, 1000, 3001])
def test_the_sample_reaches_to_the_last_rows(rows):
    texts = [str(row) for row in range(rows)]
    sample = [int(text) for text in _sample(texts)]
    assert len(sample) == min(rows, 500)
    steps = [after - before for before, after in zip(sample, [*sample[1:], rows], strict=True)]
    assert max(steps) - min(steps) <= 1
    assert sample[0] == 0


def test_a_few_long_texts_do_not_stand_for_all(english_tokenizer):
    """The words of a text, and of its beginning, are no more than their share of those that are looked at."""
    english, swahili = " ".join(TEXTS["en"] * 900), " ".join(TEXTS["sw"] * 900)
    parts = [measure_fit(english_tokenizer, [text]).tokens_per_word for text in (english, swahili)]
    for texts in ([english, swahili], [f"{english} {swahili}"]):
        assert measure_fit(english_tokenizer, texts).tokens_per_word == pytest.approx(sum(parts) / 2, rel=0.05)


def test_a_few_long_texts_without_spaces_do_not_stand_for_all():
    tokenizer = bytes_of([ENGLISH, *["服务员两次忘记了我们点的菜"] * 9], merges=900)
    known, unknown = "服务员两次忘记了我们点的菜，" * 500, "房间很安静可以看到港口早餐，" * 500
    found = small_pieces(tokenizer, [known, unknown, unknown])
    only = small_pieces(tokenizer, [unknown])
    assert 1.3 < found.here < 0.9 * only.here


def bytes_of(texts, merges):
    """A tokenizer of bytes, joined as is frequent in ``texts``, like that of GPT-2."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=len(alphabet) + merges, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


@pytest.mark.parametrize("language", ["sw", "de", "zh"])
def test_a_tokenizer_of_bytes_that_was_made_for_english_breaks_up_other_languages(language):
    english = bytes_of([ENGLISH, *TEXTS["en"]], merges=600)
    found = small_pieces(english, TEXTS[language])
    assert found.unit == ("character" if language == "zh" else "word")
    assert found.here > 2 * found.english
    assert small_pieces(english, TEXTS["en"]) is None
    both = bytes_of([ENGLISH, *TEXTS[language]], merges=900)
    assert small_pieces(both, TEXTS[language]) is None


def test_single_bytes_are_small_in_every_language():
    for language in TEXTS:
        assert small_pieces(bytes_of([], merges=0), TEXTS[language]) is None


def test_the_pieces_are_counted():
    tokenizer = bytes_of([ENGLISH], merges=600)
    characters = "".join(TEXTS["zh"]).replace("，", "").replace("。", "")
    found = small_pieces(tokenizer, TEXTS["zh"])
    assert found.here == pytest.approx(len(tokenizer.tokenize(characters)) / len(characters))
    words = "Mhudumu alisahau chakula chetu"
    found = small_pieces(tokenizer, [words])
    assert found.here == sum(len(tokenizer.tokenize(word)) for word in words.split()) / 4
    assert small_pieces(tokenizer, ["", "123 !?"]) is None
