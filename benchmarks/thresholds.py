"""A threshold for each class, chosen on validation rows, against class weights chosen there: does macro F1 gain?

    python benchmarks/thresholds.py --data FOLDER [--sets afrisenti_pcm generated-2-50 ...] [--rows 100 300 1000 3000]
        [--seeds 1 2 3]

A logistic regression on the unit-length mean vectors of ``minilm`` stands for the probe. Its class weights are the best
of none, ``sqrt`` and ``balanced`` by the macro F1 of the validation rows. Then the log-probability of each class is
lowered by ``tau`` times the logarithm of its frequency (post-hoc logit adjustment, Menon et al. 2021), which for two
classes is moving the threshold; ``tau`` is the smallest of those that are best on the validation rows. Scores are of
rows outside the test split.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

import numpy as np
from common import mean_interval
from data_sets import Draw, draw, read
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

UNEVEN = ("afrisenti_pcm", "afrisenti_swa", "generated-2-50", "generated-20-10")
TAUS = np.linspace(-0.5, 1.5, 41)


def vectors() -> Callable[[Sequence[str]], np.ndarray]:
    """A function from texts to ``[texts, width]``, which embeds a text once."""
    from taskzoo.models.token_vectors import token_vectors

    embed, known = token_vectors("minilm"), dict[str, np.ndarray]()

    def of(texts: Sequence[str]) -> np.ndarray:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        for text, tokens in zip(new, embed(new), strict=True):
            whole = tokens.mean(axis=0) if len(tokens) else np.zeros(tokens.shape[1])
            known[text] = whole / max(float(np.linalg.norm(whole)), 1e-9)
        return np.array([known[text] for text in texts])

    return of


def compare(rows: Draw, embed: Callable[[Sequence[str]], np.ndarray]) -> tuple[float, float]:
    """Macro F1 on the test rows with the weights chosen, and with thresholds chosen besides."""
    parts = (rows.train, rows.validation, rows.test)
    train, held, test = (embed([row["text"] for row in part]) for part in parts)
    gold, held_gold, test_gold = (np.array([row["label"] for row in part]) for part in parts)
    classes, counts = np.unique(gold, return_counts=True)

    def macro(labels: np.ndarray, found: np.ndarray) -> float:
        return float(f1_score(labels, found, average="macro"))

    models = []
    for power in (0.0, 0.5, 1.0):
        weights = dict(zip(classes, (len(gold) / counts) ** power, strict=True))
        models.append(LogisticRegression(C=30, class_weight=weights, max_iter=500).fit(train, gold))
    model = max(models, key=lambda one: macro(held_gold, one.predict(held)))
    lowered = np.log(counts / counts.sum())

    def labels(vectors: np.ndarray, tau: float) -> np.ndarray:
        return np.asarray(model.classes_[(model.predict_log_proba(vectors) - tau * lowered).argmax(axis=1)])

    scores = [macro(held_gold, labels(held, tau)) for tau in TAUS]
    best = min((tau for tau, score in zip(TAUS, scores, strict=True) if score == max(scores)), key=abs)
    return macro(test_gold, labels(test, 0.0)), macro(test_gold, labels(test, best))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with a folder for each data set; generated ones need none")
    parser.add_argument("--sets", nargs="+", default=list(UNEVEN))
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 300, 1000, 3000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments = parser.parse_args()
    embed, differences = vectors(), []
    print("| data set | rows | weights | and thresholds |\n|---|---|---|---|")
    for name in arguments.sets:
        splits = read(name, arguments.data)
        for rows in arguments.rows:
            draws = [draw(splits, rows, seed, tuning=True, most=500) for seed in arguments.seeds]
            found = [compare(one, embed) for one in draws if len(one.train) == rows]
            if found:
                weights, thresholds = (mean(side) for side in zip(*found, strict=True))
                differences.append(thresholds - weights)
                print(f"| {name} | {rows} | {weights:.3f} | {thresholds:.3f} |", flush=True)
    print(f"\nMean difference over {len(differences)} lines: {mean_interval(differences)}")


if __name__ == "__main__":
    main()
