"""Classes for unlabelled texts: labels spread from neighbour to neighbour (Zhou et al. 2004).

Texts whose vectors are close probably belong together. So each text is joined to its nearest ones, labelled or not,
and every text takes a share of what its neighbours are believed to be, again and again, while labelled texts hold on
to their labels. ``scikit-learn`` does the spreading; its own graph takes all neighbours for equal, so this one is ours.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from torch import Tensor

NEIGHBOURS = 10
TEMPERATURE = 0.1
"""A neighbour's weight is ``exp((cosine - 1) / TEMPERATURE)``."""
ALPHA = 0.9
"""What a text takes from its neighbours in each round; the rest is its own label. These three, with the method, were
chosen on training rows of BANKING77 (see docs/benchmarks.md)."""
UNKNOWN = -1


def spread_labels(labelled: Tensor, classes: np.ndarray, unlabelled: Tensor) -> np.ndarray:
    """The class ``[M]`` of each unlabelled text, :data:`UNKNOWN` where no short path leads to a labelled one.

    ``labelled`` are vectors ``[N, H]``, ``classes`` theirs, ids from 0 ``[N]``, ``unlabelled`` vectors ``[M, H]``.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.semi_supervised import LabelSpreading

    vectors = np.concatenate([labelled.cpu().numpy(), unlabelled.cpu().numpy()])
    known = np.concatenate([classes, np.full(len(unlabelled), UNKNOWN)])
    model = LabelSpreading(kernel=neighbour_graph, alpha=ALPHA)
    with warnings.catch_warnings():  # 30 rounds settle the classes, if not the last digits
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(vectors, known)
    beliefs = model.label_distributions_[len(classes) :]
    found: np.ndarray = np.where(beliefs.sum(1) > 0, model.classes_[beliefs.argmax(1)], UNKNOWN)
    return found


def neighbour_graph(vectors: np.ndarray, _: Any = None) -> Any:
    """Weights between vectors ``[N, H]`` and the nearest others of each by cosine: sparse, symmetric, ``[N, N]``."""
    from sklearn.neighbors import NearestNeighbors

    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
    nearest = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(unit) - 1), algorithm="brute").fit(unit)
    graph = nearest.kneighbors_graph(mode="distance")
    graph.data = np.exp(-(graph.data**2) / 2 / TEMPERATURE)  # of unit vectors, 1 - cosine is half the square
    return ((graph + graph.T) / 2).tocoo()
