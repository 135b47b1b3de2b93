"""The part of a job that one process does: ``3/16`` is the third of sixteen."""

from __future__ import annotations

import re
from dataclasses import dataclass

from taskzoo.errors import RequestError
from taskzoo.option_names import option_name


@dataclass(frozen=True, slots=True)
class Part:
    """Every ``count``-th shard, beginning with the ``number``-th; ``number`` counts from 1."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Part:
        """The part that ``3/16`` says.

        Raises:
            RequestError: it is not of this form, or the number is not from 1 to the count.
        """
        match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            asked = option_name("shard", text)
            raise RequestError(f"{asked} is not a part; the third of sixteen parts is 3/16, the first 1/16.")
        return cls(int(match[1]), int(match[2]))

    def has(self, shard: int) -> bool:
        """Whether a shard, counted from 0, belongs to this part."""
        return shard % self.count == self.number - 1
