"""Labels by name: what the encoder reads for each."""

from __future__ import annotations

import re
from typing import NamedTuple

from taskzoo import RequestError


class Label(NamedTuple):
    """A label as it stands in predictions, and the text that the encoder reads for it."""

    name: str
    description: str

    @classmethod
    def named(cls, name: str) -> Label:
        """A label without a description: ``WORK_OF_ART`` is read as ``work of art``."""
        return cls(name, " ".join(re.split(r"[\s_-]+", name)).strip().lower())


def parse_labels(text: str) -> list[Label]:
    """The labels of the option ``labels``, in order.

    Raises:
        RequestError: one is empty or named twice.
    """
    found: list[Label] = []
    for part in text.split(",") if text.strip() else []:
        name, sign, description = (piece.strip() for piece in part.partition("="))
        if not name or (sign and not description):
            raise RequestError(f"labels={text!r}: write names, or name=description, separated by commas.")
        if name in {label.name for label in found}:
            raise RequestError(f"labels={text!r}: {name!r} is named twice.")
        found.append(Label(name, description) if description else Label.named(name))
    return found
