"""The method ``hard-negatives``: training texts that the model confuses become negatives, once, before training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from taskzoo import RequestError
from taskzoo.config import Training
from taskzoo.methods.full import Full

from .retrieval import Right

if TYPE_CHECKING:
    from taskzoo.engine.checkpoint import TrainingState
    from taskzoo.engine.progress import Progress
    from taskzoo.engine.session import Session
    from taskzoo.types import Feature

CHUNK = 512


class HardNegatives(Full):
    """Full training of ``similarity`` on pairs with negatives that were mined among the training texts.

    The model mines them as it is before training (as ANCE does again and again, Xiong et al. 2021). A text is no
    negative of a row if it is right for it, or more similar to it than ``mining_margin`` times the row's own right
    text: such texts are often right, too (de Souza Moreira et al. 2024, NV-Retriever, TopK-PercPos).
    """

    name = "hard-negatives"
    one_process = True

    def __init__(self) -> None:
        self._added = 0

    def check(self, task: Any, settings: Training) -> None:
        from .pair_rows import PAIRS
        from .similarity_task import SimilarityTask

        super().check(task, settings)
        if not isinstance(task, SimilarityTask):
            raise RequestError(f"method={self.name} is for the task similarity; use another method.")
        if task.form != PAIRS:
            raise RequestError(f"method={self.name} needs pairs, and these rows have scores; use method=full.")

    def train(self, session: Session, state: TrainingState) -> Progress:
        from taskzoo.engine.evaluation import decode_split

        options, features = session.task.options, session.encoded["train"].features
        # these are the pretrained weights, also where training is resumed, so what is mined is the same
        parts = decode_split(session, session.trained, "train", "mining").parts
        vectors = [part[0] for part in parts]
        found = mine(features, vectors, options["mined"], options["mining_margin"])
        self._added = sum(map(len, found))
        session.reporter.say(f"mined     {self._added} negatives for {len(features)} training rows")
        mined = [with_negatives(f, [features[i] for i in rows]) for f, rows in zip(features, found, strict=True)]
        encoded = {**session.encoded, "train": replace(session.encoded["train"], features=mined)}
        return super().train(replace(session, encoded=encoded), state)

    def facts(self) -> dict[str, Any]:
        return {"mined_negatives": self._added}


def with_negatives(feature: Feature, others: Sequence[Feature]) -> Feature:
    """The feature with the right texts of ``others`` as further negatives."""
    ids = [other["side_ids"][1] for other in others]
    values = {**feature.values, "side_ids": [*feature["side_ids"], *ids]}
    values["texts"] = [*feature["texts"], *(other["texts"][1] for other in others)]
    return replace(feature, length=feature.length + sum(map(len, ids)), values=values)


def mine(features: Sequence[Feature], vectors: Sequence[np.ndarray], count: int, margin: float) -> list[list[int]]:
    """For each feature, up to ``count`` others whose right texts are its hardest negatives, the hardest first.

    Args:
        features: of pairs, in the order of their rows.
        vectors: of the texts of each, ``[2 and more, H]``, of length 1.
        count: negatives per feature at most.
        margin: a negative is at most this share as similar to the text as the right one is.
    """
    texts, others = (np.stack([v[side] for v in vectors]) for side in (0, 1))
    names = np.array([f["texts"][1] for f in features], dtype=object)
    first = {name: i for i, name in reversed(list(enumerate(names)))}  # each text once
    once = np.array([first[name] == i for i, name in enumerate(names)])
    right = Right((*feature["texts"][:2], feature["topic"]) for feature in features)
    found: list[list[int]] = []
    for start in range(0, len(features), CHUNK):
        for row, cosines in enumerate(texts[start : start + CHUNK] @ others.T, start):
            feature, own = features[row], cosines[row]
            possible = once & (cosines <= margin * own)
            passed = [{feature["texts"][0], *feature["texts"][2:]}, *right.of(feature["texts"][0])]
            order = np.flatnonzero(possible)[np.argsort(-cosines[possible], kind="stable")]
            wrong = (int(i) for i in order if not any(names[i] in one for one in passed))
            found.append(list(islice(wrong, count)))
    return found
