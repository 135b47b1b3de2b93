"""Several rows in one sequence, none of which sees another."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from taskzoo import Feature


def pack(features: Sequence[Feature], length: int) -> list[Feature]:
    """Features as few sequences of at most ``length`` tokens; one that is longer stays alone.

    Best-fit decreasing (Johnson 1973; for language models Ding et al. 2024, "Fewer Truncations Improve Language
    Modeling"): the longest first, each into the fullest sequence that has room for it.
    """
    packed: list[list[Feature]] = []
    with_room: defaultdict[int, list[int]] = defaultdict(list)  # tokens that are left -> sequences, by index
    rooms: list[int] = []  # the keys that have any, sorted
    for feature in sorted(features, key=lambda feature: -feature.length):
        place = bisect_left(rooms, feature.length)
        if place < len(rooms):
            room = rooms[place]
            index = with_room[room].pop()
            if not with_room[room]:
                del rooms[place]
        else:
            room, index = max(length, feature.length), len(packed)
            packed.append([])
        packed[index].append(feature)
        if left := room - feature.length:
            if not with_room[left]:
                insort(rooms, left)
            with_room[left].append(index)
    return [_joined(sorted(found, key=lambda feature: feature.row)) for found in packed]


def _joined(features: Sequence[Feature]) -> Feature:
    """``lengths`` says how many tokens each of them has; nothing is generated from it."""
    values: dict[str, Any] = {
        name: list(chain.from_iterable(feature[name] for feature in features)) for name in ("input_ids", "answer")
    }
    values |= {"prompt_ids": [], "labelled": True, "lengths": [feature.length for feature in features]}
    rows = tuple(feature.row for feature in features)
    return Feature(rows[0], sum(values["lengths"]), values, also=rows[1:])


def apart(ids: torch.Tensor, lengths: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Arguments of a model for packed rows.

    ``transformers`` lets no token attend to those before the last token with position 0, if there is neither a mask nor
    a cache. Each token of padding has position 0.

    Args:
        ids: shape ``[B, T]``, padded on the right.
        lengths: of each sequence, the tokens of its rows.
    """
    places = pad_sequence([torch.cat([torch.arange(n) for n in each]) for each in lengths], batch_first=True)
    return {"input_ids": ids, "position_ids": places, "use_cache": False}


@torch.no_grad()
def keeps_apart(model: Any) -> bool:
    """Whether rows in one sequence do not see each other in ``model``, on the CPU, tried on six tokens."""
    ids = torch.arange(6).view(1, 6) % model.config.get_text_config().vocab_size
    was_training = model.training
    model.eval()
    try:
        alone = [model(input_ids=part, use_cache=False).logits for part in ids.split(3, dim=1)]
        together = model(**apart(ids, [[3, 3]])).logits
    except (RuntimeError, TypeError):  # takes no positions
        return False
    finally:
        model.train(was_training)
    wanted = torch.cat(alone, dim=1)
    return torch.allclose(together, wanted, rtol=1e-3, atol=1e-4 * float(wanted.abs().max()))
