"""Fine-tune a model for named entities on words and tags held in memory, and use it.

    python ner_from_python.py [MODEL]

MODEL is anything that ``zoo run --model`` takes. The run directory lies in a temporary folder.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import taskzoo

PEOPLE = ["Ada Lovelace", "Grace Hopper", "Alan Turing", "Kurt Weill", "Mary Shelley", "Isaac Stern", "Clara Schumann"]
PLACES = ["Paris", "New York", "Zurich", "Buenos Aires", "Cape Town", "Kyoto", "Oslo", "Lake Como"]
TEMPLATES = [
    "{person} lives in {place} .",
    "In {place} , we met {person} and drank tea .",
    "Has {person} ever been to {place} ?",
    "The train to {place} was late again .",
    "{person} wrote the letter by hand .",
    "It rained all week .",
]


def example(chance: random.Random) -> tuple[list[str], list[str]]:
    """The words of one sentence and an IOB2 tag for each."""
    names = {"{person}": ("PER", PEOPLE), "{place}": ("LOC", PLACES)}
    words: list[str] = []
    tags: list[str] = []
    for word in chance.choice(TEMPLATES).split():
        label, choices = names.get(word, ("", [word]))
        new = chance.choice(choices).split()
        words += new
        tags += [f"B-{label}", *[f"I-{label}"] * (len(new) - 1)] if label else ["O"] * len(new)
    return words, tags


def main(model: str = "minilm") -> None:
    """Train, print the scores and predict."""
    chance = random.Random(0)
    examples = [example(chance) for _ in range(120)]
    tokens, tags = [words for words, _ in examples], [labels for _, labels in examples]
    with tempfile.TemporaryDirectory() as folder:
        run = taskzoo.finetune(
            "ner",
            model=model,
            train=(tokens, tags),  # 10% of the rows each become validation and test
            output=Path(folder) / "run",
            epochs=2,
            batch_size=8,
            learning_rate=5e-4,
        )
        scores = run.metrics["test"]
        print(f"F1 on {scores['rows']} test rows: {scores['f1']:.2f}, 95% interval {scores['f1_ci95']}")
        for entity in run.predict("Yesterday Ada Turing took the boat to Cape York .")["entities"]:
            print(entity)


if __name__ == "__main__":
    main(*sys.argv[1:])
