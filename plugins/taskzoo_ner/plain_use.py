"""How plain ``transformers`` uses a saved model, for its card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from typing import Any

from taskzoo.models.tokenizers import WordEncoder
from taskzoo.types import SavedModel

from . import chain

_WORDS = ["Ada", "went", "to", "Oslo", "."]


def plain_use(saved: SavedModel, options: Mapping[str, Any]) -> str:
    """Markdown with the lines that tag as the run does. The decoding that they need is put beside the model."""
    trust = ", trust_remote_code=True" if saved.own_code else ""
    has_crf, constrained = options["head"] == "crf", options["decoding"] == "constrained"
    code = [
        *(["import sys", ""] if has_crf or constrained else []),
        "import torch",
        *(["from safetensors.torch import load_file"] if has_crf else []),
        "from transformers import AutoModelForTokenClassification, AutoTokenizer",
        "",
        f"folder = {json.dumps(saved.shown, ensure_ascii=False)}",
        "tokenizer = AutoTokenizer.from_pretrained(folder)",
        f"model = AutoModelForTokenClassification.from_pretrained(folder{trust})",
        "labels = [model.config.id2label[i] for i in range(model.config.num_labels)]",
        f"words = {_WORDS!r}",
        f"inputs = tokenizer({_given(saved.processor)}, is_split_into_words=True, return_tensors='pt')",
        "first = [inputs.word_ids().index(i) for i in range(len(words))]  # sub-tokens that have the labels",
        "with torch.no_grad():",
        "    logits = model(**inputs).logits[:, first]",
        *_decoding(has_crf, constrained),
    ]
    notes = [_note(has_crf, constrained)]
    if has_crf or constrained:
        shutil.copyfile(chain.__file__, saved.folder / "chain.py")
    return "\n\n".join(["\n".join(["```python", *code, "```"]), *notes])


def _given(tokenizer: Any) -> str:
    """The words as the tokenizer must be given them: some put the space before a word into its first sub-token."""
    ours = [i for ids in WordEncoder(tokenizer)(_WORDS) for i in ids]
    plain = tokenizer(_WORDS, is_split_into_words=True, add_special_tokens=False)["input_ids"]
    return "words" if plain == ours else '[f" {word}" for word in words]'


def _decoding(has_crf: bool, constrained: bool) -> list[str]:
    if not (has_crf or constrained):
        return ["tags = [labels[i] for i in logits[0].argmax(-1).tolist()]"]
    rules = "iob2_constraints(labels)" if constrained else "(0, 0, 0)"
    lines = ["", "sys.path.insert(0, folder)", "from chain import iob2_constraints, viterbi_decode", ""]
    if has_crf:
        lines += [
            'weights = load_file(f"{folder}/model.safetensors")',
            'learnt = [weights[f"crf.{part}"].numpy() for part in ("transitions", "start", "end")]',
            f"scores = [rule + own for rule, own in zip({rules}, learnt)]",
        ]
    else:
        lines.append(f"scores = {rules}")
    return [*lines, "tags = [labels[i] for i in viterbi_decode(logits.numpy(), [[True] * len(words)], scores)[0]]"]


def _note(has_crf: bool, constrained: bool) -> str:
    windows = "Texts longer than the model's limit are read in overlapping windows by `zoo predict` only."
    if has_crf:
        what = (
            "The CRF's transitions are not part of `transformers`' token classifier: it reports `crf.*` as unexpected, "
            "leaves them out, and its pipeline tags by the linear layer alone. `chain.py` in the folder applies them."
        )
    elif constrained:
        what = (
            "`transformers`' pipeline takes the likeliest tag of each word, so that `I-X` may follow `O`; `chain.py` "
            "in the folder decodes under constraints, as `zoo predict` does."
        )
    else:
        what = "`transformers`' pipeline splits a text into other words than `zoo predict`."
    return f"{what} {windows}"
