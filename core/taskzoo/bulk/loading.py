"""A run to load, which another process may do."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from taskzoo.escapes import visible
from taskzoo.hub.load import load
from taskzoo.runs.load import Run

from .remarks import Remarks


@dataclass(frozen=True, slots=True)
class Loading:
    """The arguments of :func:`taskzoo.load`."""

    run: str
    precision: str = "auto"
    options: Mapping[str, Any] = field(default_factory=dict)
    trust_remote_code: bool = False

    @contextmanager
    def load(self) -> Iterator[Run]:
        """The run; what it has to say of rows is said on stderr when the block ends."""
        run = load(self.run, precision=self.precision, options=self.options, trust_remote_code=self.trust_remote_code)
        run.say = remarks = Remarks()
        try:
            yield run
        finally:
            for message in remarks.all():
                print(visible(message), file=sys.stderr)
