"""Models without pretrained weights: the tokenizer is learnt, complete and repeatable."""

from __future__ import annotations

import math
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from tests.core.runs.kit import read, text_rows, write_csv
from tokenizers.normalizers import NFKC
from transformers import AutoModel, AutoModelForSeq2SeqLM, AutoTokenizer

from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.models import scratch_tokenizers
from taskzoo.models.pieces import COMPOSED, KINDS, PieceSettings, train_pieces
from taskzoo.models.refs import ARCHITECTURES, SIZES, parse_scratch, resolve_model
from taskzoo.models.scratch import ScratchRecipe, make_scratch
from taskzoo.models.scratch_tokenizers import train_marian_tokenizer, train_tokenizer

TEXTS = [f"The cat number {i} sat on the mat in 上海 and saw {i * 7} dogs ." for i in range(200)]
CHINESE = [f"第{i}只猫坐在上海的垫子上，看见了{i * 7}只狗。" for i in range(200)]
ODD = [
    "A zebra 🦓 in Zürich, 東京",
    "  two  blanks   and more ",
    "a\nb\tc\r\n",
    "<0x41> </s> <s> <pad> <mask> <unk>",
    "ﬁne ①②③ ｆｕｌｌ　ｗｉｄｔｈ",
    "e\u0301",
    "\x00x\u200b",
    "......-----hahahaha catcatcat",
    "垫垫垫垫，，。。",
    "",
]


@pytest.fixture(scope="module", params=KINDS)
def learnt(request: pytest.FixtureRequest) -> tuple[Any, sentencepiece.SentencePieceProcessor]:
    """A tokenizer of English and Chinese, and the sentencepiece model it was made of."""
    models: list[bytes] = []

    def train(*arguments: Any, **settings: Any) -> bytes:
        models.append(train_pieces(*arguments, **settings))
        return models[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scratch_tokenizers, "train_pieces", train)
        tokenizer = train_tokenizer(TEXTS + CHINESE, "t5", request.param, 900)
    return tokenizer, sentencepiece.SentencePieceProcessor(model_proto=models[0])


def ids_of(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return ids


# names


def test_names() -> None:
    assert parse_scratch("scratch:gpt2-mini") == ("gpt2", "mini")
    with pytest.raises(UnknownNameError, match="scratch:bert-tiny"):
        parse_scratch("scratch:brt-tiny")
    assert resolve_model("scratch:ears-tiny", ("ears-tiny",)).is_scratch
    with pytest.raises(UnknownNameError, match=r"scratch:ears-tiny, scratch:bert-tiny"):
        resolve_model("scratch:ears-tinny", ("ears-tiny",))
    assert resolve_model("scratch:t5-tiny").kind == "encoder-decoder"
    assert resolve_model("scratch:marian-tiny").kind == "encoder-decoder"


# tokenizers


def test_texts_are_cut_as_sentencepiece_cuts_them(learnt: Any) -> None:
    tokenizer, pieces = learnt
    for text in [*TEXTS[::10], *CHINESE[::10], *ODD]:
        expected = pieces.encode(unicodedata.normalize("NFKC", text))
        assert ids_of(tokenizer, text) == expected


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=40) | st.text("the catsno上海猫。<>/0x4F \n", max_size=60))
def test_any_text_comes_back(learnt: Any, text: str) -> None:
    """Any but the character that stands for a space in pieces; NFKC is that of `tokenizers`, whose Unicode is older."""
    tokenizer, _ = learnt
    ids = ids_of(tokenizer, text)
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids) == NFKC().normalize_str(text).replace("\u2581", " ")


def test_odd_texts_come_back(learnt: Any) -> None:
    tokenizer, _ = learnt
    for text in ODD:
        ids = ids_of(tokenizer, text)
        assert not set(ids) & set(tokenizer.all_special_ids), text
        assert tokenizer.decode(ids) == unicodedata.normalize("NFKC", text)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_texts_give_the_same_tokenizer(kind: str) -> None:
    one, same = (train_tokenizer(TEXTS, "bert", kind) for _ in range(2))
    assert one.backend_tokenizer.to_str() == same.backend_tokenizer.to_str()


def test_special_tokens_stand_where_the_architecture_wants_them() -> None:
    bert = train_tokenizer(TEXTS, "bert")
    assert bert("cat")["input_ids"][0] == bert.cls_token_id
    assert bert("cat")["input_ids"][-1] == bert.sep_token_id
    t5 = train_tokenizer(TEXTS, "t5")
    assert t5("cat")["input_ids"][-1] == t5.eos_token_id
    gpt2 = train_tokenizer(TEXTS, "gpt2")
    assert gpt2.eos_token_id not in gpt2("cat")["input_ids"]


def test_no_line_is_left_out_for_its_length_or_a_character() -> None:
    """Sentencepiece skips what is longer than a limit in bytes, and lines with characters that it uses itself."""
    for text in ("猫" * 70_000, *(f"x{odd}猫猫" * 50 for odd in "\u2585\x00\t\n")):
        tokenizer = train_tokenizer([*TEXTS, text], "t5", "bpe", 900)
        assert tokenizer.convert_tokens_to_ids("猫") != tokenizer.unk_token_id, text[:3]


def test_a_vocabulary_that_cannot_be_learnt_is_refused() -> None:
    with pytest.raises(RequestError, match="There is no text to learn a tokenizer from"):
        train_tokenizer(["", "\n"], "t5")
    with pytest.raises(RequestError, match=r"A vocabulary of 50 is too small: .* alone take \d{3}; set"):
        train_tokenizer(TEXTS, "t5", "unigram", 50)
    with pytest.raises(UnknownNameError, match="Did you mean 'unigram'"):
        train_tokenizer(TEXTS, "t5", "unigrm")


# models


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_checkpoint_loads_with_plain_transformers(architecture: str, tmp_path: Path) -> None:
    ref = resolve_model(f"scratch:{architecture}-tiny")
    ref = make_scratch(ref, ScratchRecipe(TEXTS, vocabulary=900), tmp_path)
    model = AutoModel.from_pretrained(ref.location)
    tokenizer = AutoTokenizer.from_pretrained(ref.location)
    assert model.config.model_type == architecture
    assert model.config.vocab_size == len(tokenizer)
    assert tokenizer.pad_token_id == model.config.pad_token_id


@pytest.mark.parametrize("architecture", ["t5", "gpt2", "marian"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_vocabulary_is_learnt_from_both_sides(architecture: str, kind: str, tmp_path: Path) -> None:
    ref = resolve_model(f"scratch:{architecture}-tiny")
    english, chinese = [text.replace("上海", "Paris") for text in TEXTS], CHINESE
    make_scratch(ref, ScratchRecipe(english, chinese, kind, 900), tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert len(tokenizer) <= 900
    for text in (english[3], chinese[3]):
        tokens = tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])
        assert not [token for token in tokens if token.startswith("<0x")]
        assert len(tokens) < len(text)


@pytest.mark.parametrize("architecture", ["t5", "gpt2", "marian"])
def test_what_generates_can_generate_full_width_marks(architecture: str, tmp_path: Path) -> None:
    ref = resolve_model(f"scratch:{architecture}-tiny")
    make_scratch(ref, ScratchRecipe(TEXTS, CHINESE, vocabulary=900), tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    ids = tokenizer(text_target="你好，上海！", add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == "你好，上海！"


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("t5", {"tokenizer": "unigram"}),
        ("t5", {"tokenizer": "bpe"}),
        ("marian", {"tokenizer": "unigram"}),
        ("marian", {"tokenizer": "bpe", "separate": True}),
    ],
)
def test_encoder_decoders_train_and_generate(name: str, settings: dict[str, Any], tmp_path: Path) -> None:
    ref = resolve_model(f"scratch:{name}-tiny")
    make_scratch(ref, ScratchRecipe(TEXTS, CHINESE, vocabulary=900, seed=1, **settings), tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    model = AutoModelForSeq2SeqLM.from_pretrained(tmp_path)
    targets = ["猫坐在垫子上。", "上海的狗", "看见了7只猫", "第3只"]
    batch = tokenizer(TEXTS[:4], text_target=targets, return_tensors="pt", padding=True)
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3)
    for _ in range(60):
        labels = batch["labels"].masked_fill(batch["labels"] == tokenizer.pad_token_id, -100)
        model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        ids = model.generate(batch["input_ids"], attention_mask=batch["attention_mask"], max_new_tokens=30)
    assert tokenizer.batch_decode(ids, skip_special_tokens=True) == targets


def test_separate_vocabularies_hold_one_language_each(tmp_path: Path) -> None:
    english = [text.replace("上海", "Paris") for text in TEXTS]
    make_scratch(resolve_model("scratch:marian-tiny"), ScratchRecipe(english, CHINESE[:50], separate=True), tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    config = AutoModelForSeq2SeqLM.from_pretrained(tmp_path).config
    assert (config.vocab_size, config.decoder_vocab_size) == (len(tokenizer.encoder), len(tokenizer.target_encoder))
    assert config.vocab_size != config.decoder_vocab_size
    assert "猫" in tokenizer.target_encoder
    assert "猫" not in tokenizer.encoder
    ids = tokenizer(text_target="猫坐在垫子上")["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "猫坐在垫子上"
    assert ids[-1] == config.eos_token_id


def test_marian_spells_rare_characters(tmp_path: Path) -> None:
    tokenizer = train_marian_tokenizer(TEXTS, CHINESE, tmp_path)
    for text in ("A zebra 🦓 in Zürich, 東京", "two  blanks"):
        ids = tokenizer(text)["input_ids"]
        assert tokenizer.unk_token_id not in ids
        assert tokenizer.decode(ids, skip_special_tokens=True) == text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("architecture", ["t5", "marian"])
def test_what_generates_reads_composed_and_decomposed_characters_alike(
    architecture: str, kind: str, tmp_path: Path
) -> None:
    texts = [f"Tiếng Việt rất đẹp ({i}), ọ̀rọ̀ Yorùbá, café, 한국어, が" for i in range(20)]
    make_scratch(resolve_model(f"scratch:{architecture}-tiny"), ScratchRecipe(texts, texts, kind, 400), tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    for text in (texts[0], "ọ́ e\u0301\u0323 \u00e9\u0323 \u212b Ṩ ①ｆ"):
        ids = [tokenizer(unicodedata.normalize(form, text))["input_ids"] for form in ("NFC", "NFD")]
        assert ids[0] == ids[1] == tokenizer(text)["input_ids"]
        assert tokenizer.decode(ids[0], skip_special_tokens=True) == unicodedata.normalize("NFC", text)


def test_sentencepieces_rules_compose_every_character_of_unicode() -> None:
    characters = [c for c in map(chr, range(0x20, 0x30000)) if unicodedata.normalize("NFD", c) != c]
    settings = PieceSettings("unigram", 300, rule=COMPOSED)
    pieces = sentencepiece.SentencePieceProcessor(model_proto=train_pieces(["a b c"] * 9, settings))
    for form in ("NFC", "NFD"):
        text = "x".join(unicodedata.normalize(form, c) for c in characters)
        assert pieces.normalize(text).removeprefix("\u2581") == unicodedata.normalize("NFC", text)


def test_only_marian_has_separate_vocabularies(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="scratch:marian-mini"):
        make_scratch(resolve_model("scratch:t5-mini"), ScratchRecipe(TEXTS, CHINESE, separate=True), tmp_path)
    assert not list(tmp_path.iterdir())


def test_encoder_decoders_have_the_layers_on_each_side(tmp_path: Path) -> None:
    for architecture in ("t5", "marian"):
        folder = tmp_path / architecture
        folder.mkdir()
        make_scratch(resolve_model(f"scratch:{architecture}-mini"), ScratchRecipe(TEXTS, vocabulary=600), folder)
        model = AutoModelForSeq2SeqLM.from_pretrained(folder)
        stacks = [model.get_encoder(), model.get_decoder()]
        assert [len(getattr(stack, "layers", getattr(stack, "block", []))) for stack in stacks] == [
            SIZES["mini"][1]
        ] * 2
        assert model.get_input_embeddings().weight.shape[1] == SIZES["mini"][0]
        assert model.lm_head.weight is model.get_decoder().get_input_embeddings().weight


def test_t5_starts_near_the_loss_of_guessing(tmp_path: Path) -> None:
    recipe = ScratchRecipe(TEXTS, CHINESE, vocabulary=900, seed=1)
    make_scratch(resolve_model("scratch:t5-tiny"), recipe, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    model = AutoModelForSeq2SeqLM.from_pretrained(tmp_path)
    batch = tokenizer(TEXTS[:20], text_target=CHINESE[:20], return_tensors="pt", padding=True)
    with torch.no_grad():
        loss = model(**batch).loss.item()
    assert loss == pytest.approx(math.log(len(tokenizer)), abs=1.5)


def test_the_seed_decides(tmp_path: Path) -> None:
    found = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        recipe = ScratchRecipe(TEXTS, vocabulary=600, seed=seed)
        make_scratch(resolve_model("scratch:t5-tiny"), recipe, tmp_path / name)
        found.append((tmp_path / name / "model.safetensors").read_bytes())
    assert found[0] == found[1] != found[2]


@pytest.mark.slow
def test_several_processes_begin_with_the_same_model(tmp_path):
    """Each makes its own files: once they know of each other, ``save_pretrained`` writes those of the first alone."""
    table = write_csv(tmp_path / "rows.csv", text_rows(64, 1))
    made = []
    for processes in (1, 2):
        run = tmp_path / str(processes)
        words = ["--model", "scratch:bert-tiny", "--train", table, "--processes", processes, "--precision", "fp32"]
        command = ["run", "classification", *words, "--set", "max_steps=1", "--learning-rate", "0", "--output", run]
        done = subprocess.run([sys.executable, "-m", "taskzoo", *map(str, command)], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        made.append(run / "model")
    assert read(made[0] / "tokenizer.json") == read(made[1] / "tokenizer.json")
    one, two = (load_file(model / "model.safetensors") for model in made)
    assert all(torch.equal(one[name], two[name]) for name in one if name.startswith("bert."))
