"""Write the demo set: ``python -m taskzoo_speech.demo.generate FOLDER`` (the same bytes every time).

A digit is a pair of tones, much as telephones dial it; digits are grouped to words, and a space is a pause. Loudness,
speed and noise differ from row to row. Each split is one WAV file (4,000 samples of 8 bits per second) and a row for
each part of it, with ``start`` and ``duration``.
"""

from __future__ import annotations

import json
import sys
import wave
from pathlib import Path

import numpy as np

RATE = 4000
LOW, HIGH = (500, 650, 800, 950), (1150, 1350, 1550)
TONES = {digit: (LOW[i // 3], HIGH[i % 3]) for i, digit in enumerate("1234567890")}
ROWS = {"train": 150, "validation": 30, "test": 40}
SEED = {split: seed for seed, split in enumerate(ROWS, 1)}
FILE = "tones-{}.wav"


def sound(text: str, chance: np.random.Generator) -> np.ndarray:
    """Samples from -1 to 1 of one text."""
    speed, loudness = chance.uniform(0.85, 1.15), chance.uniform(0.3, 0.8)
    parts = []
    for character in text:
        length = round(RATE * speed * 0.06)
        times = np.arange(length) / RATE
        tones = TONES.get(character, ())
        tone = sum((np.sin(2 * np.pi * hertz * times + chance.uniform(0, 6)) for hertz in tones), np.zeros(length))
        parts += [tone / 2 * np.hanning(length) ** 0.25, np.zeros(round(RATE * speed * 0.015))]
    whole = loudness * np.concatenate(parts)
    return np.clip(whole + chance.normal(0, 0.12, len(whole)), -1, 1)


def texts(split: str) -> list[str]:
    """One to three words of one to three digits each; no two rows of all splits are alike."""
    chance = np.random.default_rng(7)
    known: dict[str, None] = {}
    while len(known) < sum(ROWS.values()):
        words = (
            "".join(map(str, chance.integers(10, size=chance.integers(1, 4)))) for _ in range(chance.integers(1, 4))
        )
        known[" ".join(words)] = None
    start = sum(count for name, count in ROWS.items() if SEED[name] < SEED[split])
    return list(known)[start : start + ROWS[split]]


def main(folder: Path) -> None:
    """Write all files."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in ROWS:
        chance = np.random.default_rng(SEED[split])
        samples, rows, start = [], [], 0
        for text in texts(split):
            made = sound(text, chance)
            rows.append(
                {"audio": FILE.format(SEED[split]), "start": start / RATE, "duration": len(made) / RATE, "text": text}
            )
            samples.append(made)
            start += len(made)
        with wave.open(str(folder / FILE.format(SEED[split])), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(1)
            file.setframerate(RATE)
            file.writeframes(np.round(np.concatenate(samples) * 127 + 128).astype(np.uint8).tobytes())
        lines = [json.dumps(row) + "\n" for row in rows]
        (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
