"""The kinds of predictions that there are."""

from __future__ import annotations

from .answers import Answer
from .entities import Entities
from .finished import Finished
from .generated import Generated
from .kind import Kind
from .numbers import Numbers
from .one_label import OneLabel
from .other import Other
from .several_labels import SeveralLabels

KINDS: tuple[type[Kind], ...] = (Entities, Generated, Numbers, OneLabel, SeveralLabels, Other)


def kind_of(answer: Answer, run: Finished) -> Kind:
    """A new collector for predictions like this one."""
    return next(kind for kind in KINDS if kind.fits(answer))(run)
