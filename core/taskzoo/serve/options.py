"""What a request may ask for besides its predictions."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from taskzoo.errors import RequestError
from taskzoo.runs.load import check_confidence, check_coverage

from .failures import HttpError


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """Those of ``zoo predict``; ``None``: as the server was started.

    Args:
        min_confidence: see :meth:`taskzoo.Run.predict`.
        coverage: see :meth:`taskzoo.Run.predict`.

    Raises:
        RequestError: a value that cannot be.
    """

    min_confidence: float | None = None
    coverage: float | None = None

    def __post_init__(self) -> None:
        check_confidence(self.min_confidence)
        check_coverage(self.coverage)

    def over(self, defaults: PredictOptions) -> PredictOptions:
        """These, and ``defaults`` for what they do not say."""
        found = {name: getattr(self, name) for name in NAMES}
        return PredictOptions(
            **{name: getattr(defaults, name) if value is None else value for name, value in found.items()}
        )


NAMES = tuple(field.name for field in fields(PredictOptions))


def take_options(given: dict[str, Any]) -> PredictOptions:
    """Those among ``given``, which are removed from it.

    Raises:
        HttpError: 422, a value that cannot be.
    """
    try:
        return PredictOptions(**{name: given.pop(name) for name in NAMES if name in given})
    except RequestError as error:
        raise HttpError(422, str(error)) from None
