"""How plain ``transformers`` uses a saved model for whole texts, for its card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from taskzoo.models.text_encoding import DEFAULT_LENGTH, encode_texts
from taskzoo.types import SavedModel

from .base import Head

_PAIR = ("one text", "another")
_JOINTS = ("\n", "\n ", " \n ", " ")
"""Between the texts of a pair, where the tokenizer of a model puts nothing."""


def plain_use(head: Head, saved: SavedModel, options: Mapping[str, Any], *, pairs: bool) -> str:
    """Markdown with the lines that predict as the run does, and what they cannot do.

    Args:
        head: fitted and tuned.
        saved: the model.
        options: of the task.
        pairs: whether the texts are pairs.
    """
    limit = options["max_length"] or min(saved.processor.model_max_length, DEFAULT_LENGTH)
    trust = ", trust_remote_code=True" if saved.own_code else ""
    joint = _joint(saved.processor) if pairs else None
    text = '"some text"'
    if joint:
        text = f'"some text" + {json.dumps(joint)} + "another text"'
    elif pairs:
        text = '{"text": "some text", "text_pair": "another text"}'
    code = [
        "from transformers import pipeline",
        "",
        f'classify = pipeline("text-classification", model={json.dumps(saved.shown, ensure_ascii=False)}{trust})',
        f"outputs = classify([{text}], top_k=None, truncation=True, max_length={limit})[0]",
        *head.plain_lines(),
    ]
    notes = []
    if options["long_texts"] != "truncate":
        how = "their beginning and end" if options["long_texts"] == "head_tail" else "all of them, in windows"
        notes.append(f"Of texts longer than {limit} tokens these lines read the beginning; `zoo predict` reads {how}.")
    if joint == "":
        notes.append("The tokenizer joins the two texts of a pair in another way than `zoo predict`, so scores differ.")
    return "\n\n".join(["\n".join(["```python", *code, "```"]), *notes])


def _joint(tokenizer: Any) -> str | None:
    """What makes one text of a pair as the run encodes it; ``None``: the tokenizer takes pairs so; ``""``: nothing."""

    def ids(*texts: str) -> list[int]:
        found: list[int] = tokenizer(*texts)["input_ids"]
        return found

    ours = encode_texts(tokenizer, _PAIR[:1], _PAIR[1:]).features[0]["input_ids"]
    if ids(*_PAIR) == ours:
        return None
    return next((joint for joint in _JOINTS if ids(joint.join(_PAIR)) == ours), "")
