"""Files that predictions are written to: JSON lines, or CoNLL where they have words and tags."""

from __future__ import annotations

import re
from pathlib import Path

from taskzoo.data.readers.conll import Conll
from taskzoo.errors import RequestError
from taskzoo.spec import TaskSpec
from taskzoo.types import Prediction

from .directory import check_output

_NOT_IN_CONLL = re.compile(r"-DOCSTART-|.*[\t\n\r]|\Z", re.DOTALL)


def check_prediction_file(path: Path, spec: TaskSpec) -> None:
    """Refuse a file that the task's predictions cannot be written to.

    Raises:
        RequestError: it is a folder, its folder is missing, or it is to be CoNLL and the task does not read CoNLL.
    """
    check_output(path)
    if path.suffix in Conll.suffixes and Conll.name not in spec.formats:
        raise RequestError(f"--output {str(path)!r} would be CoNLL, and {spec.id} predicts no tags; name it .jsonl.")


def not_in_conll(prediction: Prediction) -> str | None:
    """The first word that CoNLL cannot have, so that it would not be read again as it is; if there is one."""
    return next((word for word in prediction["tokens"] if _NOT_IN_CONLL.match(word)), None)


def conll_sentence(prediction: Prediction) -> str:
    """A word, a tab and its tag per line, and an empty line; of ``tokens`` and ``tags``."""
    words = zip(prediction["tokens"], prediction["tags"], strict=True)
    return "".join([*(f"{word}\t{tag}\n" for word, tag in words), "\n"])
