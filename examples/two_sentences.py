"""Fine-tune a BERT on two sentences, by three optimizers: a lesson in how little that teaches it.

    python two_sentences.py [--model MODEL]

MODEL is anything that ``zoo run --model`` takes. The run directories lie in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import taskzoo

# Both sentences are friendly, so the labels cannot mean "good" and "bad". Two examples never say what a label means:
# a movie against a book? "love" against "great"? a sentence with "I"? The model is free to pick any of these.
TEXTS = ["I love this movie", "This is a great book"]
LABELS = [1, 0]

# Each new sentence has something of both, so nothing in the data says which label would be right.
NEW = ["I love this book", "This is a great movie"]

# Three epochs of one batch with both sentences are three steps: the weights move three times, and that is all.
SETTINGS: dict[str, Any] = {
    "method": "full",  # all weights from the first step on, without fitting the new head before
    "epochs": 3,
    "batch_size": 2,
    "learning_rate": 5e-5,
    "schedule": "constant",
    "warmup": 0.0,
    "weight_decay": 0.0,
    "max_length": 64,  # tokens; these sentences have six or seven, and padding goes no further than the longest
    "precision": "fp32",
    "seed": 42,  # the same new head and the same dropout for each optimizer
    "log_every": 1,
}

OPTIMIZERS = {
    # Adam divides each weight's gradient by the size it usually has. So every weight moves by about the learning rate
    # in every step, however small its gradient. For some ten million weights that makes a step thousands of times as
    # long as the one below, and three of them show.
    "adam": "adaptive step per weight",
    # Plain gradient descent moves each weight by the learning rate times its gradient. The gradient of all weights
    # together has a length of about 1 here, so a step is 5e-5 long altogether. It would need a far larger rate.
    "sgd": "learning rate x gradient",
    # Momentum adds 0.9 of the previous move to each step. Steps that agree build up to ten times the speed of plain
    # descent, but only after dozens of them. Three come not quite twice as far: twice almost nothing.
    "momentum": "the same, plus 0.9 x last move",
}


def train(model: str, optimizer: str, output: Path) -> tuple[list[float], float, list[str]]:
    """The loss of each step, the loss of the finished model, and its answers to the new sentences."""
    # Two rows leave none for validation and test. The empty lists say so; without them some rows would be held out.
    run = taskzoo.finetune(
        "classification",
        model=model,
        train=(TEXTS, LABELS),
        validation=[],
        test=[],
        optimizer=optimizer,
        output=output,
        **SETTINGS,
    )
    history = [json.loads(line) for line in (output / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    losses = [line["loss"] for line in history if "loss" in line]
    # Scores on training rows say what a model has memorised, never how good it is.
    after = run.evaluate((TEXTS, LABELS)).scores["loss"]
    answers = [f"{answer['label']} ({answer['score']:.2f})" for answer in run.predict(NEW)]
    return losses, after, answers


def main() -> None:
    """Train three times, print losses and predictions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="minilm", help="registry name, hub id or folder (default: %(default)s)")
    model = parser.parse_args().model

    # A fresh head gives both labels about the same probability, and -ln(1/2) = 0.693: every loss starts there.
    # The first number is the same for all three, for it is taken before any weight has moved. From there on the loss
    # jumps about with the units that dropout happens to switch off, by more than SGD changes in three steps; only
    # "after", measured without dropout, shows what was learnt.
    columns = "{:<10} {:>8} {:>8} {:>8} {:>8}   {}"
    print(columns.format("optimizer", "step 1", "step 2", "step 3", "after", "how it moves"))
    predictions = {}
    with tempfile.TemporaryDirectory() as folder:
        for optimizer, how in OPTIMIZERS.items():
            losses, after, predictions[optimizer] = train(model, optimizer, Path(folder) / optimizer)
            print(columns.format(optimizer, *(f"{loss:.4f}" for loss in (*losses, after)), how))

    # Scores near 0.5 mean "no idea". A useful classifier wants dozens of rows for each label, or a method made for few
    # (method="contrastive"), and only rows that it has not trained on can tell how good it is.
    print("\n{:<10} {:<24} {}".format("optimizer", *NEW))
    for optimizer, answers in predictions.items():
        print("{:<10} {:<24} {}".format(optimizer, *answers))


if __name__ == "__main__":
    main()
