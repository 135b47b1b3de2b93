"""The kinds of package that ``zoo new`` writes, beside the files in ``template/``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_OVERRIDE = "`read_labels`, `fit_head` or any member of `taskzoo.Task` can be overridden"
_PRETRAINED = "taskzoo[starter]"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is special about one kind of package.

    Args:
        about: what the package does as generated, after "as generated,".
        files: Python file -> what it holds, for the README.
        recipe: settings for the demo set, as YAML.
        requires: the requirement without a version; ``taskzoo[starter]`` brings the pretrained model ``minilm``.
        parts: folders of the template whose files it has, beside ``shared`` and the one of its name.
    """

    about: str
    files: Mapping[str, str]
    recipe: str = "{epochs: 3, batch_size: 8, learning_rate: 2.0e-4}"
    requires: str = _PRETRAINED
    parts: tuple[str, ...] = ()


KINDS: Mapping[str, Kind] = {
    "classification": Kind(
        "it gives each text a label, with everything that `taskzoo.heads.text_task.TextTask` brings",
        {"task.py": f"the task; {_OVERRIDE}"},
        parts=("sentences",),
    ),
    "regression": Kind(
        "it predicts a number for each text: how sure the speaker is, from 0 to 100",
        {"task.py": f"the task: how a number is read; {_OVERRIDE}"},
        recipe="{epochs: 6, batch_size: 8, learning_rate: 2.0e-4}",
    ),
    "token": Kind(
        "it tags each word of a text: amounts, units and food in recipes",
        {
            "task.py": "rows to features, outputs to tags",
            "collator.py": "features to padded batches",
            "metrics.py": "the scores",
        },
        recipe="{epochs: 6, batch_size: 8, learning_rate: 2.0e-4}",
    ),
    "generation": Kind(
        "it generates a text from each text, with everything that `taskzoo.seq2seq.seq2seq_task.Seq2SeqTask` brings",
        {"task.py": "the task: its metrics; `prefix`, `join_chunks` or any member of `taskzoo.Task` can be overridden"},
        recipe="{epochs: 5, batch_size: 16, learning_rate: 2.0e-3, warmup: 0.1}",
        requires="taskzoo",
    ),
    "pair": Kind(
        "it gives each pair of texts a label: whether both have the same topic",
        {"task.py": f"the task; {_OVERRIDE}"},
        recipe="{epochs: 6, batch_size: 8, learning_rate: 2.0e-4}",
    ),
    "custom": Kind(
        "it gives each text a label, and every part is written out",
        {
            "task.py": "rows to features, outputs to predictions",
            "head.py": "the model",
            "collator.py": "features to padded batches",
            "loss.py": "the loss, as a sum and a weight",
            "metrics.py": "the scores",
        },
        parts=("sentences",),
    ),
}
"""What ``zoo new --kind`` takes, the simplest first."""

ALIASES = {"classifier": "classification"}
"""Former names of kinds."""
