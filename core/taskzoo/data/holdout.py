"""How many rows are split off the training rows: ``--holdout 1000``, ``0.05``, or ``500,1000`` for each part."""

from __future__ import annotations

from taskzoo.errors import RequestError
from taskzoo.option_names import option_name

DEFAULT = 0.1


def parse_holdout(text: str) -> tuple[float, ...]:
    """One size for both parts or one each, validation then test; numbers from 1 are rows, below 1 a share of the rows.

    ``""`` gives nothing. 0 leaves a part without rows.

    Raises:
        RequestError: another form.
    """
    try:
        sizes = tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        sizes = (-1.0,)
    if len(sizes) > 2 or any(not 0 <= size < 1 and not (size >= 1 and size.is_integer()) for size in sizes):
        known = "a number of rows such as 1000, a share such as 0.05, or two of them, for validation and test: 500,1000"
        raise RequestError(f"{option_name('holdout')} {text!r} is not {known}.")
    return sizes


def held_out(text: str, rows: int, *, validation: bool, test: bool, shots: bool = False) -> tuple[float, float]:
    """The shares of the training rows that become validation and test rows.

    Args:
        text: the size or sizes asked for; by default a tenth for each part.
        rows: the number of training rows.
        validation: whether validation rows are missing and wanted.
        test: the same for test rows.
        shots: few rows are trained on, so validation rows are split off only if their number is given by itself.

    Raises:
        RequestError: sizes that cannot be: no part is missing, or no training rows remain.
    """
    sizes = parse_holdout(text)
    wanted = (validation and (len(sizes) == 2 or not shots), test)
    if sizes and not any(wanted):
        nothing = "has nothing to split off: validation and test are given; leave it out"
        raise RequestError(f"{option_name('holdout')} {text} {nothing}.")
    both = sizes if len(sizes) == 2 else (sizes or (DEFAULT,)) * 2
    counts = [size if size >= 1 else size * rows for size in both]
    shares = [count / rows if part else 0.0 for count, part in zip(counts, wanted, strict=True)]
    if sizes and sum(shares) >= 1:
        none = f"leaves none of the {rows} rows to train on; hold out fewer"
        raise RequestError(f"{option_name('holdout')} {text} {none}.")
    return shares[0], shares[1]
