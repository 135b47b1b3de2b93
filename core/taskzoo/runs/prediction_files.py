"""Files that predictions are written to: JSON lines, or CoNLL where they have words and tags."""

from __future__ import annotations

from pathlib import Path

from taskzoo.data.readers.conll import Conll
from taskzoo.errors import RequestError
from taskzoo.spec import TaskSpec
from taskzoo.types import Prediction

from .directory import check_output


def check_prediction_file(path: Path, spec: TaskSpec) -> None:
    """Refuse a file that the task's predictions cannot be written to.

    Raises:
        RequestError: it is a folder, its folder is missing, or it is to be CoNLL and the task does not read CoNLL.
    """
    check_output(path)
    if path.suffix in Conll.suffixes and Conll.name not in spec.formats:
        raise RequestError(f"--output {str(path)!r} would be CoNLL, and {spec.id} predicts no tags; name it .jsonl.")


def conll_sentence(prediction: Prediction, number: int) -> str:
    """A word, a tab and its tag per line, and an empty line.

    Args:
        prediction: has ``tokens`` and ``tags``.
        number: of its row, for a message.

    Raises:
        RequestError: a word holds a tab or a line end, so that CoNLL cannot have it.
    """
    lines = []
    for token, tag in zip(prediction["tokens"], prediction["tags"], strict=True):
        if any(char in token for char in "\t\n\r"):
            raise RequestError(f"Word {token!r} of row {number} cannot be written as CoNLL; name the file .jsonl.")
        lines.append(f"{token}\t{tag}\n")
    return "".join([*lines, "\n"])
