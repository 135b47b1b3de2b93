"""Tiny checkpoints: true architectures that plain transformers loads, the same for the same seed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForSeq2SeqLM, AutoTokenizer

from taskzoo.errors import UnknownNameError
from taskzoo.testing import FAMILIES, make_tiny_checkpoint

TEXTS = ["The mayor of Austin visited Paris.", "Nobody knew why he came, or when he would leave."]
CHINESE = ["上海的市长来到了北京，没有说话。", "没有人知道他为什么来，什么时候走。"]
DECODERS = ("gpt2", "qwen2")
SHARED_ARCHITECTURE = {"mbart50": "mbart", "nllb": "m2m_100"}


@pytest.fixture(scope="module")
def bilingual(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function from a family to its checkpoint whose tokenizer knows both languages, made on first use."""
    return cache(
        lambda family: make_tiny_checkpoint(tmp_path_factory.mktemp("bilingual") / family, family, TEXTS + CHINESE)
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_plain_transformers_loads_it(tiny_checkpoint: Callable[..., Path], family: str) -> None:
    folder = tiny_checkpoint(family)
    config = AutoConfig.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder)
    assert config.model_type == SHARED_ARCHITECTURE.get(family, family)
    assert sum(parameter.numel() for parameter in model.parameters()) < 200_000
    text = "Austin visited Paris."
    ids = tokenizer(text)["input_ids"]
    assert max(ids) < len(tokenizer) == config.vocab_size - (8 if family == "m2m_100" else 0)
    assert tokenizer.unk_token_id not in ids or family == "gpt2"
    inputs = {"input_ids": torch.tensor([ids])}
    if config.is_encoder_decoder:
        inputs["decoder_input_ids"] = torch.tensor([[config.decoder_start_token_id or 0]])
    with torch.no_grad():
        assert torch.isfinite(model(**inputs).last_hidden_state).all()


# what the configurations of the published checkpoints say: start, forced end, pad, begin, end, tokenizer class
PUBLISHED = {
    "m2m_100": (2, None, 1, 0, 2, "M2M100Tokenizer"),
    "marian": ("last", 0, "last", 0, 0, "MarianTokenizer"),
    "mbart": (None, 2, 1, 0, 2, "MBartTokenizer"),
    "mbart50": (2, 2, 1, 0, 2, "MBart50Tokenizer"),
    "mt5": (0, None, 0, None, 1, "T5Tokenizer"),
    "nllb": (2, None, 1, 0, 2, "NllbTokenizer"),
    "pegasus": (0, 1, 0, 0, 1, "PegasusTokenizer"),
    "t5": (0, None, 0, None, 1, "T5Tokenizer"),
}


@pytest.mark.parametrize("family", PUBLISHED)
def test_generation_begins_and_ends_as_published(bilingual: Callable[[str], Path], family: str) -> None:
    folder = bilingual(family)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    last = len(tokenizer) - 1
    start, forced_end, pad, begin, end, name = [last if value == "last" else value for value in PUBLISHED[family]]
    found = model.generation_config
    assert type(tokenizer).__name__ == name
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id) == (pad, end)
    assert (found.decoder_start_token_id, found.forced_eos_token_id) == (start, forced_end)
    assert (found.pad_token_id, found.bos_token_id, found.eos_token_id) == (pad, begin, end)
    inputs = tokenizer(TEXTS + CHINESE, return_tensors="pt", padding=True)
    first = {} if start is not None else {"decoder_start_token_id": tokenizer.convert_tokens_to_ids("zh_CN")}
    with torch.no_grad():
        ids = model.generate(**inputs, max_new_tokens=4, num_beams=1, **first)
    assert ids.shape[0] == 4
    assert set(ids[:, 0].tolist()) == {first.get("decoder_start_token_id", start)}


@pytest.mark.parametrize("family", [*PUBLISHED, "bart"])
def test_text_comes_back_in_every_language_it_was_trained_on(bilingual: Callable[[str], Path], family: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(bilingual(family))
    for text in [*TEXTS, *CHINESE, "Austin", "北京没有人"]:
        ids = tokenizer(text)["input_ids"]
        assert tokenizer.unk_token_id not in ids
        found = tokenizer.decode(ids, skip_special_tokens=True)
        assert unicodedata.normalize("NFKC", found) == unicodedata.normalize("NFKC", text)


LANGUAGES = {
    "m2m_100": {"en": "__en__", "zh": "__zh__", "de": "__de__", "fr": "__fr__"},
    "mbart": {code: code for code in ("en_XX", "zh_CN", "de_DE", "fr_XX")},
    "mbart50": {code: code for code in ("en_XX", "zh_CN", "de_DE", "fr_XX")},
    "nllb": {code: code for code in ("eng_Latn", "zho_Hans", "deu_Latn", "fra_Latn")},
}


@pytest.mark.parametrize("family", LANGUAGES)
def test_both_sides_carry_their_language(bilingual: Callable[[str], Path], family: str) -> None:
    english, chinese, *_ = LANGUAGES[family]
    folder = bilingual(family)
    tokenizer = AutoTokenizer.from_pretrained(folder, src_lang=english, tgt_lang=chinese)
    codes = {name: tokenizer.convert_tokens_to_ids(token) for name, token in LANGUAGES[family].items()}
    assert len(set(codes.values()) | {tokenizer.unk_token_id}) == 5
    assert set(codes.values()) <= set(tokenizer.all_special_ids)
    place = -1 if family == "mbart" else 0
    assert tokenizer(TEXTS[0])["input_ids"][place] == codes[english]
    assert tokenizer(text_target=CHINESE[0])["input_ids"][place] == codes[chinese]
    tokenizer.src_lang = list(codes)[2]
    assert tokenizer(TEXTS[0])["input_ids"][place] == list(codes.values())[2]


def test_the_hidden_size_can_be_larger(tmp_path: Path) -> None:
    for family in ("t5", "marian", "bert"):
        folder = make_tiny_checkpoint(tmp_path / family, family, TEXTS, hidden=64)
        assert AutoConfig.from_pretrained(folder).hidden_size == 64


@pytest.mark.parametrize("family", FAMILIES)
def test_no_dropout_is_left(tiny_checkpoint: Callable[..., Path], family: str) -> None:
    """Else checks that train twice would fail for a right task."""
    config = AutoConfig.from_pretrained(tiny_checkpoint(family)).to_dict()
    dropouts = {name: value for name, value in config.items() if "drop" in name or name.endswith("pdrop")}
    assert dropouts
    assert not any(dropouts.values()), dropouts


def test_weights_are_the_same_each_time_and_the_global_state_is_left_alone(tmp_path: Path) -> None:
    def weights(name: str) -> torch.Tensor:
        folder = make_tiny_checkpoint(tmp_path / name, "bert", TEXTS)
        weight: torch.Tensor = AutoModel.from_pretrained(folder).embeddings.word_embeddings.weight
        return weight.detach()

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, same = weights("a"), weights("b")
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(one, same)


MADE = """
import hashlib, sys
from pathlib import Path
from taskzoo.testing import make_tiny_checkpoint
for family in sys.argv[3:]:
    folder = make_tiny_checkpoint(Path(sys.argv[1]) / family, family, sys.argv[2].splitlines())
    print(family, hashlib.md5(b"".join(file.read_bytes() for file in sorted(folder.iterdir()))).hexdigest())
"""


def test_another_process_makes_the_same_files(tmp_path: Path) -> None:
    """One family for each way to train a tokenizer, whose hash tables have another order there."""
    families = ("electra", "gpt2", "deberta-v2", "nllb")
    texts = TEXTS * 2 + CHINESE
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    command = [sys.executable, "-c", MADE, str(tmp_path / "there"), "\n".join(texts), *families]
    there = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    folders = [make_tiny_checkpoint(tmp_path / "here" / family, family, texts) for family in families]
    found = [hashlib.md5(b"".join(file.read_bytes() for file in sorted(folder.iterdir()))) for folder in folders]
    here = [f"{family} {digest.hexdigest()}" for family, digest in zip(families, found, strict=True)]
    assert there.splitlines() == here


@pytest.mark.parametrize("family", FAMILIES)
def test_it_reacts_to_text(tiny_checkpoint: Callable[..., Path], family: str) -> None:
    """Else two texts have the same score to four digits, after few steps of training too."""
    folder = tiny_checkpoint(family)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    found = []
    for text in TEXTS:
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        first = {"decoder_input_ids": torch.tensor([[0]])} if model.config.is_encoder_decoder else {}
        with torch.no_grad():
            found.append(model(input_ids=ids, **first).last_hidden_state[0, -1 if family in DECODERS else 0])
    assert (found[0] - found[1]).abs().mean() > 0.02


def test_an_unknown_family_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'roberta'"):
        make_tiny_checkpoint(tmp_path / "x", "robrta", TEXTS)
    assert not (tmp_path / "x").exists()
