"""Tokenizers load from the very files that a family is published with, and not from none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch
from transformers import AutoConfig, AutoModel, AutoModelForSeq2SeqLM, AutoTokenizer, CanineTokenizer

from taskzoo.errors import RequestError
from taskzoo.models.loading import explain_load_errors
from taskzoo.models.pieces import PieceSettings, train_pieces
from taskzoo.models.refs import ModelRef, resolve_model
from taskzoo.models.tokenizers import fit_vocabulary, load_tokenizer
from taskzoo.models.warm_start import warm_start

TEXTS = [
    "the cat sat on the mat and looked at the other cat",
    "demand in the city was strong and the mayor said so",
    "we went to the market to buy bread and some milk",
] * 30
SENTENCE = "the market in the city"
VOCABULARY_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "*.spm",
    "*.model",
)

T5 = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}
FAIRSEQ = {"unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": -1}
DEBERTA = {"pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3}
DEBERTA |= {"pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]"}
ALBERT = {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "control_symbols": ["[CLS]", "[SEP]", "[MASK]"]}

SENTENCEPIECE = {
    "albert": ("spiece.model", ALBERT, 0),
    "deberta-v2": ("spm.model", DEBERTA, 0),
    "mbart50": ("sentencepiece.bpe.model", FAIRSEQ, 1),
    "mt5": ("spiece.model", T5, 0),
    "pegasus": ("spiece.model", T5, 103),
    "t5": ("spiece.model", T5, 0),
    "xlm-roberta": ("sentencepiece.bpe.model", FAIRSEQ, 1),
}
"""Family -> the one file of its tokenizer on the hub, its special pieces, and by how much ids are shifted."""

PLAIN = {
    "bart": {"vocab.json", "merges.txt"},
    "bert": {"vocab.txt"},
    "distilbert": {"vocab.txt"},
    "electra": {"vocab.txt"},
    "gpt2": {"vocab.json", "merges.txt"},
    "m2m_100": {"vocab.json", "sentencepiece.bpe.model"},
    "marian": {"vocab.json", "source.spm", "target.spm"},
    "modernbert": {"tokenizer.json", "tokenizer_config.json"},
    "nllb": {"tokenizer.json", "tokenizer_config.json"},
    "qwen2": {"vocab.json", "merges.txt"},
    "roberta": {"vocab.json", "merges.txt"},
}
"""Family -> the files that hold its vocabulary on the hub."""

Copy = Callable[..., Path]


@pytest.fixture
def bare(tmp_path: Path, tiny_checkpoint: Any) -> Copy:
    """A function from a family to a copy of its checkpoint without any file of the tokenizer."""

    def make(family: str) -> Path:
        folder = shutil.copytree(tiny_checkpoint(family), tmp_path / "copy")
        for pattern in VOCABULARY_FILES:
            for file in folder.glob(pattern):
                file.unlink()
        return folder

    return make


@pytest.mark.parametrize("family", SENTENCEPIECE)
def test_a_sentencepiece_file_alone_is_enough(bare: Copy, family: str) -> None:
    folder = bare(family)
    name, special, shift = SENTENCEPIECE[family]
    settings = PieceSettings("unigram", 120, special, bytes_for_rare=False, rule="nmt_nfkc")
    (folder / name).write_bytes(model := train_pieces(TEXTS, settings))
    tokenizer = load_tokenizer(resolve_model(str(folder)))
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
    expected = [i + shift for i in pieces.encode(SENTENCE)]
    assert tokenizer(SENTENCE, add_special_tokens=False)["input_ids"] == expected
    assert tokenizer.unk_token_id not in expected
    assert tokenizer.decode(expected) == SENTENCE


@pytest.mark.parametrize("family", PLAIN)
def test_the_published_files_are_enough(bare: Copy, tiny_checkpoint: Any, family: str) -> None:
    whole = AutoTokenizer.from_pretrained(tiny_checkpoint(family))
    folder = bare(family)
    for name in PLAIN[family]:
        source = tiny_checkpoint(family) / name
        if source.is_file():
            shutil.copy(source, folder)
        else:  # older files of the same vocabulary
            saved = json.loads(whole.backend_tokenizer.to_str())["model"]
            merges = "#version: 0.2\n" + "\n".join(" ".join(pair) for pair in saved.get("merges", ()))
            words = sorted(whole.get_vocab(), key=whole.get_vocab().get)
            content = {"vocab.txt": "\n".join(words), "vocab.json": json.dumps(whole.get_vocab()), "merges.txt": merges}
            (folder / name).write_text(content[name], encoding="utf-8")
    tokenizer = load_tokenizer(resolve_model(str(folder)))
    spaced = family in ("gpt2", "roberta", "bart", "modernbert")  # loaded so that a word has a space in front
    text = f" {SENTENCE}" if spaced else SENTENCE
    assert tokenizer(SENTENCE)["input_ids"] == whole(text)["input_ids"]


@pytest.mark.parametrize("family", [*PLAIN, *SENTENCEPIECE])
def test_a_checkpoint_without_tokenizer_is_refused(bare: Copy, family: str) -> None:
    folder = bare(family)
    with pytest.raises(RequestError, match=r"has no tokenizer: none of its files holds a vocabulary.*Copy") as caught:
        load_tokenizer(resolve_model(str(folder)))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("family", ["bert", "t5", "roberta"])
def test_settings_without_a_vocabulary_are_no_tokenizer(bare: Copy, tiny_checkpoint: Any, family: str) -> None:
    folder = bare(family)
    shutil.copy(tiny_checkpoint(family) / "tokenizer_config.json", folder)
    with pytest.raises(RequestError, match="has no tokenizer"):
        load_tokenizer(resolve_model(str(folder)))


def test_a_step_of_trainer_finds_the_tokenizer_above_it(bare: Copy) -> None:
    folder = bare("bert")
    (folder.parent / "tokenizer.json").write_text("{}")
    with pytest.raises(RequestError, match=f"Copy the tokenizer's files into it: those in '{folder.parent}'"):
        load_tokenizer(resolve_model(str(folder)))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"model": 1}', "\x00\x01"])
def test_a_damaged_tokenizer_is_one_sentence(bare: Copy, content: str) -> None:
    folder = bare("bert")
    (folder / "tokenizer.json").write_text(content)
    with pytest.raises(RequestError, match="tokenizer") as caught:
        load_tokenizer(resolve_model(str(folder)))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("family", ["bert", "gpt2", "bart", "t5", "marian", "warm"])
def test_tokens_that_were_added_get_embeddings(tmp_path: Path, tiny_checkpoint: Any, family: str) -> None:
    folder = shutil.copytree(tiny_checkpoint("bert" if family == "warm" else family), tmp_path / "copy")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = AutoConfig.from_pretrained(folder).vocab_size
    tokenizer.add_tokens([f"[E{i}]" for i in range(rows - len(tokenizer) + 2)])
    tokenizer.save_pretrained(folder)
    ref = resolve_model(str(folder))
    tokenizer = load_tokenizer(ref)
    with explain_load_errors(ref, "model"):
        if family == "warm":
            model = warm_start(str(folder), start=1, end=2, pad=0)
        else:
            auto = AutoModel if family in ("bert", "gpt2") else AutoModelForSeq2SeqLM
            model = auto.from_pretrained(folder)
        before = model.get_input_embeddings().weight.detach().clone()
        note = fit_vocabulary(model, tokenizer, "m")
    assert note.startswith("2 embeddings were added")
    after = model.get_input_embeddings().weight
    assert after.shape[0] == rows + 2 == max(tokenizer.get_vocab().values()) + 1
    assert torch.equal(after[:rows], before)
    ids = tokenizer("[E0] [E1]", return_tensors="pt")["input_ids"]
    inputs = {"input_ids": ids} if family in ("bert", "gpt2") else {"input_ids": ids, "decoder_input_ids": ids}
    assert model(**inputs)[0].isfinite().all()
    assert fit_vocabulary(model, tokenizer, "m") == ""


def test_the_tokenizer_of_another_model_is_refused(tmp_path: Path, tiny_checkpoint: Any) -> None:
    folder = shutil.copytree(tiny_checkpoint("bert"), tmp_path / "copy")
    shutil.copy(tiny_checkpoint("mbart50") / "tokenizer.json", folder)
    config = AutoConfig.from_pretrained(folder)
    config.vocab_size = 40
    model = AutoModel.from_config(config)
    tokenizer = AutoTokenizer.from_pretrained(tiny_checkpoint("bert"))
    with pytest.raises(RequestError, match="and its model 40 embeddings, so they belong to different models"):
        fit_vocabulary(model, tokenizer, "m")


def test_a_name_for_messages_is_the_name_given(tmp_path: Path) -> None:
    ref = ModelRef("mine", str(tmp_path / "nothing"))
    with pytest.raises(RequestError, match="'mine'"):
        load_tokenizer(ref)


def test_a_length_that_is_written_as_a_text_counts(bare: Copy, tiny_checkpoint: Any) -> None:
    folder = shutil.copytree(tiny_checkpoint("bert"), bare("bert"), dirs_exist_ok=True)
    settings = folder / "tokenizer_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"model_max_length": "64"}))
    assert load_tokenizer(resolve_model(str(folder))).model_max_length == 64


def test_a_vocabulary_without_its_unknown_token_is_the_tokenizers_fault(bare: Copy) -> None:
    folder = bare("bert")
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "a"]))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    with pytest.raises(RequestError, match=r"vocabulary of the tokenizer of .* has no \[UNK\]"):
        load_tokenizer(resolve_model(str(folder)))


def test_a_tokenizer_that_is_not_json_is_named(bare: Copy) -> None:
    folder = bare("bert")
    (folder / "tokenizer.json").write_text("<!DOCTYPE html>")
    with pytest.raises(RequestError, match=r"tokenizer.json' is not JSON; copy or download it again"):
        load_tokenizer(resolve_model(str(folder)))


def test_a_model_without_a_table_of_embeddings_is_refused() -> None:
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    model = AutoModel.from_config(AutoConfig.for_model("canine", max_position_embeddings=16, **sizes))
    with pytest.raises(RequestError, match=r"'c' \(canine\) has no table of embeddings"):
        fit_vocabulary(model, CanineTokenizer(), "c")
