"""How plain ``transformers`` uses a saved model that generates, for its card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from taskzoo.scripts import WIDE
from taskzoo.types import SavedModel

from .sequence_format import SequenceFormat
from .text_decoder import TextDecoder


def plain_use(saved: SavedModel, form: SequenceFormat, options: Mapping[str, Any]) -> str:
    """Markdown with the lines that generate as the run does, and what they cannot do."""
    decoder, writing = form.kind == "decoder", TextDecoder(saved.processor)
    auto = "AutoModelForCausalLM" if decoder else "AutoModelForSeq2SeqLM"
    before, after = list(form.before), list(form.after)
    room = form.source_limit - len(before) - len(after)
    source = f"{form.prefix!r} + text" if form.prefix else "text"
    tidy = ", clean_up_tokenization_spaces=True" if writing.separates_marks else ""
    code = [
        "import torch",
        f"from transformers import {auto}, AutoTokenizer",
        "",
        f"tokenizer = AutoTokenizer.from_pretrained({json.dumps(saved.shown, ensure_ascii=False)})",
        f"model = {auto}.from_pretrained({json.dumps(saved.shown, ensure_ascii=False)})",
        'text = "some text"',
        f'ids = tokenizer({source}, add_special_tokens=False)["input_ids"][:{room}]',
        f"ids = torch.tensor([{before} + ids + {after}])  # with the special tokens used in training",
        f"generated = model.generate(input_ids=ids)[0]{'[ids.shape[1] :]' if decoder else ''}",
        f"output = tokenizer.decode(generated, skip_special_tokens=True{tidy}).strip()",
    ]
    if writing.separates_wide:
        code.insert(1, "import regex  # comes with transformers")
        code += [
            f'wide = r"{WIDE}"  # next to Chinese characters and marks there is no space',
            'output = regex.sub(rf"(?<={wide}) | (?={wide})", "", output, flags=regex.V1)',
        ]
    notes = ["`generation_config.json` in the folder holds the run's generation settings."]
    if options["long_sources"] == "chunks":
        notes.append(f"Only `zoo predict` splits sources longer than {room} tokens into chunks.")
    return "\n\n".join(["\n".join(["```python", *code, "```"]), " ".join(notes)])
