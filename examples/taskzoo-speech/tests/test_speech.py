"""The contract by the kit that taskzoo ships, and what is special about this task by hand."""

from __future__ import annotations

import json
import math
import random
import struct
import wave
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from taskzoo_speech import SPEECH
from taskzoo_speech.ctc import collapse, ctc_loss, frames_needed, frames_of, samples_for
from taskzoo_speech.demo import generate as demo
from taskzoo_speech.metrics import ErrorRates, edits
from taskzoo_speech.scratch import make_tiny
from taskzoo_speech.sound import row_sound
from taskzoo_speech.task import SpeechTask
from transformers import (
    AutoFeatureExtractor,
    AutoModelForCTC,
    Wav2Vec2Config,
    Wav2Vec2ForCTC,
    WhisperFeatureExtractor,
    pipeline,
)

import taskzoo
from taskzoo import DataError, RequestError, Row
from taskzoo.data.readers import ReadRequest, read_rows
from taskzoo.testing import TaskContract

DEMO = Path(demo.__file__).parent
RATE = 4000


class TestContract(TaskContract):
    task = "speech"


def write_wav(file: Path, values: Any, *, width: int = 2, channels: int = 1, rate: int = RATE) -> Path:
    """Samples from -1 to 1, of ``channels`` in turn."""
    scaled = [round(value * (2 ** (8 * width - 1) - 1)) for value in values]
    with wave.open(str(file), "wb") as out:
        out.setparams((channels, width, rate, 0, "NONE", ""))
        if width == 1:
            out.writeframes(bytes(value + 128 for value in scaled))
        else:
            out.writeframes(b"".join(struct.pack("<i", value << (32 - 8 * width))[4 - width :] for value in scaled))
    return file


def row(file: Path, **fields: Any) -> Row:
    return Row({"audio": str(file), **fields}, "rows.csv", 3)


# sounds


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_samples_of_every_width(width: int, tmp_path: Path) -> None:
    values = [0.0, 0.5, -0.5, 0.99, -0.99]
    found = row_sound(row(write_wav(tmp_path / "a.wav", values, width=width))).read(RATE)
    assert found == pytest.approx(values, abs=0.01 if width == 1 else 1e-4)
    assert found.dtype == np.float32


def test_channels_are_averaged_and_the_rate_is_changed(tmp_path: Path) -> None:
    times = np.arange(8000) / 8000
    tone = 0.5 * np.sin(2 * np.pi * 440 * times)
    stereo = np.stack([tone, np.zeros_like(tone)], axis=1).flatten()
    sound = row_sound(row(write_wav(tmp_path / "a.wav", stereo, channels=2, rate=8000)))
    assert sound.seconds == 1
    found = sound.read(RATE)
    wanted = 0.25 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    assert found[100:-100] == pytest.approx(wanted[100:-100], abs=0.01)


def test_a_part_of_a_file_named_relative_to_the_list(tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()
    write_wav(tmp_path / "sounds" / "a.wav", [i / 100 for i in range(100)])
    listed = {"audio_filepath": "sounds/a.wav", "offset": 10 / RATE, "duration": 0.005, "text": "1"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(listed))
    [found] = read_rows(tmp_path / "rows.jsonl", ReadRequest(SPEECH))
    sound = row_sound(found)
    assert sound.read(RATE) == pytest.approx([i / 100 for i in range(10, 30)], abs=1e-4)
    assert sound.name == str(tmp_path / "sounds" / "a.wav")


def test_samples_in_memory() -> None:
    sound = row_sound(Row({"audio": {"array": [0.0, 0.5], "sampling_rate": RATE}}))
    assert (sound.seconds, sound.read(RATE).tolist()) == (2 / RATE, [0.0, 0.5])


def test_sounds_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    good = write_wav(tmp_path / "good.wav", [0.1] * 100)
    (tmp_path / "short.wav").write_bytes(good.read_bytes()[:-50])
    (tmp_path / "odd.wav").write_bytes(good.read_bytes()[:-3])
    (tmp_path / "header.wav").write_bytes(good.read_bytes()[:20])
    (tmp_path / "text.wav").write_text("this is no sound")
    write_wav(tmp_path / "empty.wav", [])
    cases: list[tuple[dict[str, Any], str]] = [
        ({"audio": "none.wav"}, "'none.wav' does not exist"),
        ({"audio": str(tmp_path)}, "is not a WAV file"),
        ({"audio": str(tmp_path / "text.wav")}, "is not a WAV file"),
        ({"audio": str(tmp_path / "header.wav")}, "is not a WAV file"),
        ({"audio": str(tmp_path / "empty.wav")}, "holds no samples"),
        ({"audio": str(tmp_path / "short.wav")}, "says 100 samples and holds 75"),
        ({"audio": str(tmp_path / "odd.wav")}, "says 100 samples and holds 98"),
        ({"audio": str(good), "start": 1}, "outside of"),
        ({"audio": str(good), "start": "soon"}, "the start 'soon' is not a number"),
        ({"audio": str(good), "duration": 0}, "is empty or outside"),
        ({"audio": [0.1, 0.2]}, "need a sampling_rate"),
        ({"audio": {"array": ["a"], "sampling_rate": RATE}}, "not numbers"),
        ({"audio": {"array": [math.nan], "sampling_rate": RATE}}, "finite numbers"),
    ]
    for fields, said in cases:
        with pytest.raises(DataError, match=r"f\.csv:3: ") as error:
            row_sound(Row(fields, "f.csv", 3))
        assert said in str(error.value), fields


def test_transcripts(tmp_path: Path) -> None:
    file = write_wav(tmp_path / "a.wav", [0.1] * 100)
    task = SpeechTask(SPEECH.resolve_options({}))
    [example] = task.prepare([row(file, text="  Hello   World ")], "train")
    assert example["text"] == "hello world"
    for wrong, said in ((" ", "missing or empty"), (None, "missing or empty"), ("a|b", "stands for a space")):
        with pytest.raises(DataError, match=said):
            task.prepare([row(file, text=wrong)], "train")


# CTC


def test_lengths_are_those_of_the_model(tmp_path: Path) -> None:
    make_tiny(tmp_path, 0)
    model: Any = AutoModelForCTC.from_pretrained(tmp_path)
    kernels, strides = model.config.conv_kernel, model.config.conv_stride
    shortest = samples_for(1, kernels, strides)
    for samples in (shortest - 1, shortest, shortest + 1, 400, 1234):
        found = frames_of(samples, kernels, strides)
        assert found == max(0, int(model._get_feat_extract_output_lengths(torch.tensor(samples))))
    assert frames_of(shortest, kernels, strides) == 1
    assert frames_needed([1, 1, 2, 2, 2]) == 8


def test_the_loss_is_the_sum_over_all_alignments() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 4, 3)
    frames, targets, lengths = torch.tensor([4, 3]), torch.tensor([[1, 2], [2, 0]]), torch.tensor([2, 1])
    wanted = 0.0
    for b in range(2):
        p = logits[b].softmax(-1)
        target = targets[b, : lengths[b]].tolist()
        paths = product(range(3), repeat=int(frames[b]))
        chances = [
            math.prod(float(p[t, i]) for t, i in enumerate(path))
            for path in paths
            if collapse(np.array(path)) == target
        ]
        wanted -= math.log(sum(chances))
    loss = ctc_loss(logits, frames, targets, lengths)
    assert float(loss.total) == pytest.approx(wanted, abs=1e-5)
    assert int(loss.weight) == 3


def test_a_row_that_is_too_short_for_its_text_does_not_count(tmp_path: Path) -> None:
    make_tiny(tmp_path, 0)
    task = SpeechTask(SPEECH.resolve_options({}))
    rows = [Row({"audio": {"array": [0.1, -0.1] * n, "sampling_rate": RATE}, "text": "112"}) for n in (10, 400)]
    examples = task.prepare(rows, "train")
    task.fit(examples)
    processor = task.load_processor(str(tmp_path))
    task.configure(processor, Wav2Vec2Config.from_pretrained(tmp_path))
    encoded = task.encode(examples, processor)
    assert encoded.counts == {"too_short_audio": 1, "unknown_characters": 0}
    assert [feature["characters"] for feature in encoded.features] == [[], [1, 1, 2]]
    model = task.head(str(tmp_path))
    batch = task.collator(processor)(encoded.features)
    loss = task.loss(task.forward(model, batch), batch)
    assert int(loss.weight) == 3
    (loss.total / loss.weight).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    with pytest.raises(RequestError, match="no meaning for CTC"):
        task.loss(task.forward(model, batch), batch, label_smoothing=0.1)


def test_padding_is_not_seen_by_models_that_normalise_over_time(tmp_path: Path) -> None:
    make_tiny(tmp_path, 0)
    config = Wav2Vec2Config.from_pretrained(tmp_path, feat_extract_norm="group", do_stable_layer_norm=False)
    Wav2Vec2ForCTC(config).save_pretrained(tmp_path)
    task = SpeechTask(SPEECH.resolve_options({}))
    sounds = [[random.Random(n).uniform(-1, 1) for _ in range(n)] for n in (300, 900)]
    rows = [Row({"audio": {"array": sound, "sampling_rate": RATE}, "text": "12"}) for sound in sounds]
    examples = task.prepare(rows, "train")
    task.fit(examples)
    processor = task.load_processor(str(tmp_path))
    task.configure(processor, config)
    model, features = task.head(str(tmp_path)).eval(), task.encode(examples, processor).features
    with torch.no_grad():
        alone, together = (task.forward(model, task.collator(processor)(some)) for some in (features[:1], features))
    assert torch.allclose(alone[0], together[0, : alone.shape[1]], atol=1e-5)


def test_models_that_read_something_else_are_refused(tmp_path: Path) -> None:
    WhisperFeatureExtractor().save_pretrained(tmp_path)
    with pytest.raises(RequestError, match="reads its input by WhisperFeatureExtractor, not as samples"):
        SpeechTask(SPEECH.resolve_options({})).load_processor(str(tmp_path))


# metrics


def test_scores_against_numbers_worked_out_by_hand() -> None:
    assert [edits(*pair) for pair in (("kitten", "sitting"), ("", "ab"), ("ab", ""), ("same", "same"))] == [3, 2, 2, 0]
    predictions = [{"text": "the cat sat"}, {"text": ""}]
    references = [{"text": "a cat sat down"}, {"text": "no"}]
    # characters: "the" -> "a" 3, " down" 5, "no" 2, of 14 + 2; words: 1 + 1 + 1 of 4 + 1
    assert ErrorRates().compute(predictions, references) == {"cer": 10 / 16, "wer": 3 / 5}


# a run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("runs") / "run"
    return taskzoo.finetune("speech", data=str(DEMO), output=folder, max_steps=2, precision="fp32", seed=1)


def test_the_saved_model_loads_with_plain_transformers(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    with wave.open(str(DEMO / demo.FILE.format(3)), "rb") as whole:
        samples = np.frombuffer(whole.readframes(3000), np.uint8)
    write_wav(file, (samples.astype(float) - 128) / 128)
    model, report = AutoModelForCTC.from_pretrained(run.path / "model", output_loading_info=True)
    assert not report["missing_keys"]
    extractor = AutoFeatureExtractor.from_pretrained(run.path / "model")
    values = extractor(row_sound(row(file)).read(RATE), sampling_rate=RATE, return_tensors="pt")["input_values"]
    with torch.no_grad():
        likeliest = model.eval()(values).logits[0].argmax(-1)
    names = model.config.id2label
    said = "".join(names[i] for i in collapse(likeliest.numpy())).replace("|", " ")
    assert run.predict(str(file))["text"] == " ".join(said.split())
    transcribe = pipeline("automatic-speech-recognition", str(run.path / "model"))
    assert transcribe({"raw": row_sound(row(file)).read(RATE), "sampling_rate": RATE})["text"].split() == said.split()


def test_the_tokenizer_that_is_saved_has_the_model_s_characters(run: Any) -> None:
    names = json.loads((run.path / "model" / "config.json").read_text(encoding="utf-8"))["id2label"]
    vocabulary = json.loads((run.path / "model" / "vocab.json").read_text(encoding="utf-8"))
    assert {name: int(i) for i, name in names.items()} == {k: v for k, v in vocabulary.items() if k != "<unk>"}


def test_the_demo_set_is_what_its_script_writes(tmp_path: Path) -> None:
    demo.main(tmp_path)
    for file in tmp_path.iterdir():
        if file.suffix == ".jsonl":
            assert file.read_bytes() == (DEMO / file.name).read_bytes()
            continue
        with wave.open(str(file)) as one, wave.open(str(DEMO / file.name)) as two:
            made, shipped = (np.frombuffer(w.readframes(w.getnframes()), np.uint8).astype(int) for w in (one, two))
        assert abs(made - shipped).max() <= 1  # a sine may differ in its last digit between machines
    assert sum(file.stat().st_size for file in DEMO.iterdir() if file.is_file()) < 400_000
