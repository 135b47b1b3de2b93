"""The task ``speech``: sounds to samples, a model with a CTC head, characters to text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoFeatureExtractor,
    AutoModelForCTC,
    PreTrainedModel,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Processor,
)

from taskzoo import (
    Batch,
    DataError,
    Encoded,
    Example,
    Feature,
    Loss,
    Metric,
    Prediction,
    RequestError,
    Row,
    SavedModel,
    Task,
)

from .collator import collate
from .ctc import collapse, ctc_loss, frames_needed, frames_of, samples_for
from .metrics import ErrorRates
from .scratch import make_tiny
from .sound import Sound, row_sound
from .tokenizer import PAD, SPACE, ctc_tokenizer


class SpeechTask(Task):
    """Speech recognition (see :class:`taskzoo.Task` for the contract)."""

    primary_metric = "cer"
    parameters_without_gradient = ("masked_spec_embed",)

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.characters: list[str] = []
        self._summary = ""
        self._rate = 0
        self._kernels: tuple[int, ...] = ()
        self._strides: tuple[int, ...] = ()
        self._pads = True

    # from rows to features

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        return [self._example(row, labelled=split != "predict") for row in rows]

    def _example(self, row: Row, *, labelled: bool) -> Example:
        sound = row_sound(row)
        shown = {role: row[role] for role in ("start", "duration") if row.get(role) is not None}
        shown["audio"] = sound.name
        if not labelled:
            return row.example(sound=sound, shown=shown, text=None)
        text = row.get("text")
        if not isinstance(text, str) or not text.strip():
            raise DataError("the text is missing or empty.", file=row.source, line=row.line)
        if SPACE in text:
            raise DataError(f"the text holds {SPACE!r}, which stands for a space.", file=row.source, line=row.line)
        text = " ".join(text.split())
        return row.example(sound=sound, shown=shown, text=text.lower() if self.options["case"] == "lower" else text)

    def dedup_key(self, example: Example) -> tuple[str, str]:
        return _sound(example).key, example["text"] or ""

    def filter_train_rows(self, examples: Sequence[Example]) -> tuple[list[Example], dict[str, int]]:
        kept = [example for example in examples if _sound(example).seconds <= self.options["max_seconds"]]
        return kept, {"too_long_audio": len(examples) - len(kept)}

    def fit(self, examples: Sequence[Example]) -> None:
        self.characters = sorted({character for example in examples for character in example["text"]})
        seconds = [_sound(example).seconds for example in examples]
        self._summary = (
            f"{len(self.characters)} characters; sounds of {fmean(seconds):.1f} s, {max(seconds):.1f} s at most"
        )

    def describe(self) -> str:
        return self._summary

    def load_processor(self, checkpoint: str, **loading: Any) -> Any:
        extractor = AutoFeatureExtractor.from_pretrained(checkpoint, **loading)
        if not isinstance(extractor, Wav2Vec2FeatureExtractor):
            raise RequestError(
                f"The model reads its input by {type(extractor).__name__}, not as samples; take wav2vec 2.0, HuBERT, "
                "WavLM or similar."
            )
        return Wav2Vec2Processor(extractor, ctc_tokenizer(self._names))

    def make_scratch(self, name: str, folder: Path, seed: int) -> None:
        make_tiny(folder, seed)

    def configure(self, processor: Any, config: Any) -> None:
        self._kernels, self._strides = tuple(config.conv_kernel), tuple(config.conv_stride)
        self._rate, self._pads = processor.feature_extractor.sampling_rate, config.feat_extract_norm == "layer"

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        counts = {"too_short_audio": 0, "unknown_characters": 0}
        places = {character: place for place, character in enumerate(self.characters, 1)}
        features = []
        for row, example in enumerate(examples):
            samples = _sound(example).read(self._rate)
            samples = np.pad(samples, (0, max(0, samples_for(1, self._kernels, self._strides) - len(samples))))
            values = processor.feature_extractor(samples, sampling_rate=self._rate)["input_values"][0]
            frames, text = frames_of(len(values), self._kernels, self._strides), example["text"] or ""
            target = [places[character] for character in text if character in places]
            counts["unknown_characters"] += len(text) - len(target)
            if frames_needed(target) > frames:  # no alignment exists, and the loss would be infinite
                counts["too_short_audio"] += 1
                target = []
            features.append(Feature(row, frames, {"input_values": values, "characters": target}))
        return Encoded(features, counts)

    # the model

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        names = self._names
        labels = {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}
        model: PreTrainedModel = AutoModelForCTC.from_pretrained(
            checkpoint, vocab_size=len(names), pad_token_id=0, ignore_mismatched_sizes=True, **labels, **loading
        )
        model.config.apply_spec_augment = False  # its masks are longer than short sounds
        return model

    def collator(self, processor: Any) -> Any:
        return collate

    def forward(self, model: Any, batch: Batch) -> torch.Tensor:
        """Logits ``[B, T, V]``. Where padding would be seen (normalisation over time), each row is read by itself."""
        values, mask = batch.inputs["input_values"], batch.inputs["attention_mask"]
        if self._pads:
            return _logits(model(input_values=values, attention_mask=mask))
        rows = [
            _logits(model(input_values=row[seen].unsqueeze(0)))[0]
            for row, seen in zip(values, mask.bool(), strict=True)
        ]
        return torch.nn.utils.rnn.pad_sequence(rows, True)

    def loss(self, outputs: torch.Tensor, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        if label_smoothing:
            raise RequestError("label_smoothing has no meaning for CTC; leave it at 0.")
        targets = batch.targets
        return ctc_loss(outputs, targets["frames"], targets["characters"], targets["lengths"])

    # predictions and scores

    def decode(self, outputs: torch.Tensor, batch: Batch) -> list[list[int]]:
        likeliest = outputs.argmax(-1).cpu().numpy()
        return [collapse(row[:frames]) for row, frames in zip(likeliest, batch.targets["frames"].tolist(), strict=True)]

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[list[int]]]) -> list[Prediction]:
        texts = ("".join(self.characters[i - 1] for i in ids) for (ids,) in parts)
        return [{**e["shown"], "text": " ".join(t.split())} for e, t in zip(examples, texts, strict=True)]

    def references(self, examples: Sequence[Example]) -> list[Prediction]:
        return [{**e["shown"], "text": e["text"], "targets": [e["text"]]} for e in examples]

    def metrics(self) -> Sequence[Metric]:
        return [ErrorRates()]

    # what was learnt

    @property
    def _names(self) -> list[str]:
        """Of the outputs of the model."""
        return [PAD, *(SPACE if character == " " else character for character in self.characters)]

    def state(self) -> dict[str, Any]:
        return {"characters": self.characters}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.characters = list(state["characters"])

    def plain_use(self, saved: SavedModel) -> str:
        return f"""```python
from scipy.io import wavfile
from transformers import pipeline

transcribe = pipeline("automatic-speech-recognition", "{saved.shown}")
rate, samples = wavfile.read("some file")  # one channel, {self._rate} samples per second
text = transcribe({{"raw": samples.astype("float32"), "sampling_rate": rate}})["text"]
```"""


def _logits(outputs: Any) -> torch.Tensor:
    logits: torch.Tensor = outputs.logits
    return logits


def _sound(example: Example) -> Sound:
    sound: Sound = example["sound"]
    return sound
