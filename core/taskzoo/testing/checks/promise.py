"""A check with all that a person needs when it fails: what must hold, why it matters, and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..bench import Bench, NoRun
from .common import NotApplicable


class Follows(AssertionError):  # noqa: N818 - as pytest's outcomes
    """A check failed, and so did an earlier one that it builds on, which is to be mended first."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of the contract.

    Args:
        name: for people, such as ``token ids``.
        holds: what must hold.
        why: what goes wrong for users of the task where it does not.
        fix: what its author is to do.
        after: names of the checks that it builds on: if one of them fails, this one may fail for the same reason.
        function: raises ``AssertionError`` with what was found.
    """

    name: str
    holds: str
    why: str
    fix: str
    after: tuple[str, ...]
    function: Callable[[Bench], None]

    def __call__(self, bench: Bench) -> None:
        """Raises as the function does, but :class:`Follows` where a check failed on ``bench`` that it builds on."""
        try:
            self.function(bench)
        except (NotApplicable, NoRun):
            raise
        except (Exception, SystemExit) as error:
            cause = next((name for name in self.after if name in bench.failed), "")
            bench.failed.add(self.name)
            if cause:
                raise Follows(f"mend {cause!r} first; {str(error) or type(error).__name__}") from error
            raise


def promise(*, why: str, fix: str, after: str = "") -> Callable[[Callable[[Bench], None]], Check]:
    """Make a :class:`Check` of a function ``check_NAME``, whose docstring begins with what must hold.

    ``after`` are names of functions without ``check_``, separated by spaces.
    """

    def make(function: Callable[[Bench], None]) -> Check:
        docstring = (function.__doc__ or "").partition("\n\n")[0].replace("``", "`")
        holds = " ".join(re.sub(r":\w+:(?=`)", "", docstring).split())
        return Check(_words(function.__name__), holds, why, fix, tuple(map(_words, after.split())), function)

    return make


def _words(name: str) -> str:
    return name.removeprefix("check_").replace("_", " ")
