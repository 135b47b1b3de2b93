"""Labels spread along neighbours, and only there."""

from __future__ import annotations

import numpy as np
import torch

from taskzoo.engine.label_spreading import NEIGHBOURS, UNKNOWN, neighbour_graph, spread_labels


def arc(start: float, end: float, count: int) -> torch.Tensor:
    """Points on the unit circle, evenly between two angles in degrees; shape ``[count, 2]``."""
    angles = torch.linspace(start, end, count) * torch.pi / 180
    return torch.stack([angles.cos(), angles.sin()], -1)


def test_labels_follow_a_chain_of_texts_farther_than_distance_would_carry_them() -> None:
    # Each class is an arc; its only labelled text stands at one end, and the far end is nearer to the other's.
    first, second = arc(0, 100, 80), arc(120, 220, 80)
    labelled = torch.stack([first[0], second[0]])
    unlabelled = torch.cat([first[1:], second[1:]])
    nearest = (unlabelled @ labelled.T).argmax(1).numpy()
    wanted = np.repeat([0, 1], [79, 79])
    assert (nearest != wanted).sum() > 20
    assert (spread_labels(labelled, np.array([0, 1]), unlabelled) == wanted).all()


def test_the_length_of_a_vector_does_not_matter() -> None:
    labelled, unlabelled = arc(0, 90, 2), arc(1, 89, 60)
    lengths = torch.rand(60, 1) * 9 + 0.1
    found = spread_labels(labelled, np.array([3, 1]), unlabelled)
    assert (spread_labels(labelled * 7, np.array([3, 1]), unlabelled * lengths) == found).all()
    assert set(found.tolist()) == {1, 3}


def test_where_no_path_leads_nothing_is_known() -> None:
    near, far = arc(0, 5, 3 * NEIGHBOURS), arc(180, 185, 3 * NEIGHBOURS)
    found = spread_labels(near[:2], np.array([0, 1]), torch.cat([near[2:], far]))
    assert (found[: len(near) - 2] != UNKNOWN).all()
    assert (found[len(near) - 2 :] == UNKNOWN).all()


def test_the_graph_is_symmetric_and_leads_to_the_nearest_ones_but_not_to_oneself() -> None:
    vectors = torch.randn(50, 8, generator=torch.Generator().manual_seed(0)).numpy()
    graph = neighbour_graph(vectors).toarray()
    assert np.allclose(graph, graph.T)
    assert (graph.diagonal() == 0).all()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = unit @ unit.T - 2 * np.eye(50)
    for row, weights in zip(cosines, graph, strict=True):
        assert (weights[np.argsort(-row)[:NEIGHBOURS]] > 0).all()


def test_two_texts_suffice() -> None:
    assert spread_labels(torch.eye(2)[:1], np.array([0]), torch.eye(2)[1:] + 0.1).tolist() == [0]
