"""Characters as the tokenizers of wav2vec 2.0 write them, so that plain ``transformers`` spells as the run does."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from transformers import Wav2Vec2CTCTokenizer

PAD, SPACE, UNKNOWN = "<pad>", "|", "<unk>"


def ctc_tokenizer(names: Sequence[str]) -> Wav2Vec2CTCTokenizer:
    """A tokenizer of the outputs ``names`` in their order, and of one for what is unknown, which no output is."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "vocab.json"
        file.write_text(json.dumps({name: i for i, name in enumerate([*names, UNKNOWN])}), encoding="utf-8")
        return Wav2Vec2CTCTokenizer(
            str(file), pad_token=PAD, unk_token=UNKNOWN, word_delimiter_token=SPACE, bos_token=None, eos_token=None
        )
