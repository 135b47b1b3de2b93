"""Which columns of a table without a header are likely its texts and its labels, for a message."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import fmean

_SAMPLE = 1000  # records
_ALIKE = 0.4  # a second text is at least so long, as a share of the first
_LETTER = re.compile(r"[^\W\d_]")


def likely_columns(records: Sequence[Sequence[str]], *, pairs: bool) -> dict[str, int]:
    """Role -> position: ``text`` the longest column that varies, ``label`` the one with the fewest values that repeat.

    Args:
        records: cells, equally many in each.
        pairs: whether there may be a ``text_pair``: another column that varies and is about as long as the text.

    Returns:
        nothing where the content does not tell.
    """
    table = list(zip(*records[:_SAMPLE], strict=True))
    values = [len({cell.strip() for cell in cells}) for cells in table]
    lengths = [fmean(map(len, cells)) for cells in table]
    wordy = [sum(bool(_LETTER.search(cell)) for cell in cells) > len(cells) / 2 for cells in table]
    texts = sorted((i for i in range(len(table)) if wordy[i] and values[i] > 1), key=lambda i: -lengths[i])
    if not texts:
        return {}
    text = texts[0]
    labels = [i for i in range(len(table)) if i != text and 1 < values[i] < len(table[i])]
    if not labels:
        return {}
    label = min(labels, key=lambda i: (values[i], lengths[i]))
    others = [i for i in texts[1:] if i != label and lengths[i] >= _ALIKE * lengths[text]] if pairs else []
    first, second = sorted([text, others[0]]) if others else (text, None)
    return {"text": first, **({} if second is None else {"text_pair": second}), "label": label}
