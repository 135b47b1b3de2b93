"""Write the demo set: ``python -m taskzoo_readability.demo.generate FOLDER`` (the same bytes every time).

Sentences are put together from short and long clauses; the grade is what the Flesch-Kincaid formula gives. The
splits share no subject.
"""

from __future__ import annotations

import json
import random
import re
import sys
from pathlib import Path

SUBJECTS = {
    "train": [
        "the dog",
        "my aunt",
        "the council",
        "an engineer",
        "the committee",
        "our neighbour",
        "the children",
        "the university",
        "a fisherman",
        "the newspaper",
        "the orchestra",
        "the mayor",
    ],
    "validation": ["the cat", "an accountant", "the parliament"],
    "test": ["my friend", "the laboratory", "a photographer"],
}
SHORT = ["ran home", "ate some bread", "saw the sun", "sat by the door", "went to bed", "sang a song", "lost a shoe"]
LONG = [
    "recommended a comprehensive reorganisation of municipal administration",
    "investigated the environmental consequences of agricultural intensification",
    "established an international association for technological cooperation",
    "questioned the reliability of contemporary meteorological observations",
    "acknowledged considerable uncertainty concerning the financial projections",
]
LINKS = ["and", "but", "although everybody hesitated,", "because the situation deteriorated unexpectedly,"]
ROWS = {"train": 240, "validation": 60, "test": 60}


def grade(text: str) -> float:
    """The Flesch-Kincaid grade, with a syllable for each group of vowels."""
    words = re.findall(r"[a-z]+", text.lower())
    sentences = max(1, text.count("."))
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", word))) for word in words)
    return round(0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59, 2)


def sentence(subjects: list[str], difficulty: float, chance: random.Random) -> str:
    """One sentence; the more ``difficulty`` (0 to 1), the longer its words and clauses."""
    clauses = [f"{chance.choice(subjects)} {chance.choice(LONG if chance.random() < difficulty else SHORT)}"]
    while len(clauses) < 3 and chance.random() < difficulty:
        predicate = chance.choice(LONG if chance.random() < difficulty else SHORT)
        clauses.append(f"{chance.choice(LINKS)} {chance.choice(subjects)} {predicate}")
    text = " ".join(clauses)
    return text[0].upper() + text[1:] + "."


def rows(split: str) -> list[dict[str, object]]:
    """The rows of one split, none twice."""
    chance = random.Random(f"readability {split}")
    found: dict[str, float] = {}
    while len(found) < ROWS[split]:
        difficulty = chance.random()
        text = " ".join(sentence(SUBJECTS[split], difficulty, chance) for _ in range(chance.randint(1, 3)))
        found[text] = grade(text)
    return [{"text": text, "grade": value} for text, value in found.items()]


def main(folder: Path) -> None:
    """Write the three files into ``folder``."""
    for split in ROWS:
        lines = (json.dumps(row) + "\n" for row in rows(split))
        (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
