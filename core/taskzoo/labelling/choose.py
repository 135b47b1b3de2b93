"""Which of many rows to label next: those that a model is unsure of, and that differ from one another."""

from __future__ import annotations

import numpy as np

CANDIDATES = 20
"""Rows among which each is chosen: the most doubtful ones."""
_ROUNDS = 20


def choose(doubts: np.ndarray, vectors: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Indices of ``count`` rows, the most doubtful first.

    The candidates are clustered by k-means with their doubts as weights, and each cluster gives the row that is nearest
    to its centre (Zhdanov 2019, "Diverse mini-batch active learning"). :data:`CANDIDATES` for each are enough.

    Args:
        doubts: how unsure the model is of each row, ``[N]``, 0 or more.
        vectors: of the rows, ``[N, H]``.
        count: ``N`` at most.
        seed: of the clustering.
    """
    from sklearn.cluster import KMeans

    if count >= len(doubts):
        return np.argsort(-doubts, kind="stable")
    weights = np.maximum(doubts, 1e-9)
    distinct = min(count, len(np.unique(vectors, axis=0)))
    clusters = KMeans(distinct, n_init=1, max_iter=_ROUNDS, random_state=seed).fit(vectors, sample_weight=weights)
    off = np.linalg.norm(vectors - clusters.cluster_centers_[clusters.labels_], axis=1)  # of each row from its centre
    order = np.lexsort((off, clusters.labels_))
    _, nearest = np.unique(clusters.labels_[order], return_index=True)
    chosen = set(order[nearest].tolist())
    for place in np.argsort(-doubts, kind="stable").tolist():  # where rows are equal there are fewer clusters
        if len(chosen) == count:
            break
        chosen.add(place)
    found = np.array(sorted(chosen), dtype=np.int64)
    return found[np.argsort(-doubts[found], kind="stable")]
