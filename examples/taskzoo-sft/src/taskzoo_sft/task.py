"""The task ``sft``: conversations to tokens, a causal language model, perplexity and generated answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from transformers import AutoModelForCausalLM, PreTrainedModel

from taskzoo import (
    Batch,
    DataError,
    Encoded,
    Example,
    Feature,
    Loss,
    Metric,
    Prediction,
    RequestError,
    Row,
    SavedModel,
    Task,
)
from taskzoo.models.losses import cross_entropy
from taskzoo.models.vocabulary import HiddenStates, forward_states, gives_states
from taskzoo.models.vocabulary_loss import vocabulary_cross_entropy

from .chat import Chat
from .collator import SftCollator
from .conversations import conversation
from .encoding import Lengths, encode
from .generation import check_effects, generate, generation_config
from .losses import aligned, row_losses
from .metrics import ChrF, ExactMatch, Perplexity
from .packing import keeps_apart, pack

LONGEST = 2048
"""Tokens of a row, where no option says otherwise and the model has no lower limit."""


class Part(NamedTuple):
    """What is predicted for a row: nats and number of its answer's tokens, and a generated answer, if wanted."""

    nats: float
    tokens: int
    text: str | None
    cut: bool


class SftTask(Task):
    """Supervised fine-tuning (see :class:`taskzoo.Task` for the contract)."""

    primary_metric = "perplexity"
    generates = True
    multi_reference = True
    inference_options = ("max_new_tokens", "temperature", "top_p", "sample_seed")

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        if self.options["top_p"] > 1:
            raise RequestError(f"top_p={self.options['top_p']:g} must be at most 1; it is a probability.")
        self._tokenizer: Any = None
        self._chat: Chat | None = None
        self._model: PreTrainedModel | None = None
        self._gives_states = False
        self._rows = ""

    # from rows to features

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        labelled = split != "predict"
        examples = [conversation(row, labelled=labelled, system=self.options["system"]) for row in rows]
        if labelled and self.options["generate"]:
            for example in examples:
                if not example["messages"]:
                    wrong = "a plain text has no answer to compare a generated one with; leave generate=true out."
                    raise DataError(wrong, file=example.source, line=example.line)
        return examples

    def dedup_key(self, example: Example) -> tuple[str, str]:
        said = [f"{message['role']}: {message['content']}" for message in example["messages"]]
        return "\n".join(said) or example["plain"], example["answer"] or ""

    def vocabulary_texts(self, examples: Sequence[Example]) -> tuple[list[str], list[str]]:
        said = [message["content"] for example in examples for message in example["messages"]]
        texts = [example["plain"] for example in examples if not example["messages"]]
        return said + texts, [example["answer"] for example in examples if example["answer"]]

    def fit(self, examples: Sequence[Example]) -> None:
        check_effects(self.options)
        chats = [example for example in examples if example["messages"]]
        answers = sum(1 + sum(m["role"] == "assistant" for m in example["messages"]) for example in chats)
        kinds = [(len(chats), f"conversations with {answers} answers"), (len(examples) - len(chats), "plain texts")]
        self._rows = " and ".join(f"{count} {what}" for count, what in kinds if count)

    def describe(self) -> str:
        return f"{self._rows}; the loss counts {'all tokens' if self.options['train_on'] == 'all' else 'answers'}"

    def configure(self, processor: Any, config: Any) -> None:
        self._tokenizer, self._chat = processor, Chat(processor)

    @property
    def _lengths(self) -> Lengths:
        limit, asked, new = self._tokenizer.model_max_length, self.options["max_length"], self.options["max_new_tokens"]
        if asked > limit:
            raise RequestError(f"max_length={asked} exceeds the {limit} tokens that the model takes; lower it.")
        if new >= limit:
            raise RequestError(f"max_new_tokens={new} leaves no room for a prompt in the model's {limit} tokens.")
        return Lengths(asked or min(limit, LONGEST), limit - new)

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        assert self._chat is not None, "configure() comes first"
        counts = Counter(truncated_prompts=0, truncated_answers=0, answers_not_learnt=0, unanswered_messages=0)
        features, lengths, generated = [], self._lengths, self.options["generate"]
        for row, example in enumerate(examples):
            feature, cut = encode(example, row, self._chat, lengths, generate=generated)
            features.append(feature)
            counts.update(cut)
        return Encoded(features, dict(counts))

    def pack(self, features: Sequence[Feature]) -> Sequence[Feature]:
        length: int = self.options["pack"]
        return pack(features, length) if length else features

    # the model

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(checkpoint, **loading)
        if (length := self.options["pack"]) and not keeps_apart(model):
            raise RequestError(
                f"pack={length} puts rows into one sequence, in which a model of the family {model.config.model_type} "
                "would see them all; leave pack out."
            )
        self._model, self._gives_states = model, gives_states(model)
        self._generation(model)
        return model

    def collator(self, processor: Any) -> SftCollator:
        return SftCollator(processor.pad_token_id, self.options["train_on"] == "all")

    def forward(self, model: Any, batch: Batch) -> Any:
        if self._gives_states and self._model is not None:
            return forward_states(model, self._model, batch.inputs)
        return model(**batch.inputs)

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        predicted, labels = aligned(outputs, batch.targets["labels"])
        if isinstance(predicted, HiddenStates):
            return vocabulary_cross_entropy(predicted, labels, label_smoothing=label_smoothing)
        return cross_entropy(predicted, labels, label_smoothing=label_smoothing)

    # predictions and scores

    def predict_batch(self, model: Any, batch: Batch, outputs: Any = None) -> list[Part]:
        targets = batch.targets
        scored = bool((targets["answers"] >= 0).any())
        if scored and outputs is None:
            outputs = self.forward(model, batch)
        losses = row_losses(outputs, targets["answers"]) if scored else [(0.0, 0)] * len(targets["answers"])
        wanted = targets["prompt_mask"].any(1)
        answers: list[tuple[str | None, bool]] = [(None, False)] * len(wanted)
        if wanted.any():
            config = self._generation(model)
            ids, mask = targets["prompt_ids"][wanted], targets["prompt_mask"][wanted]
            made = generate(model, ids, mask, config, seed=self.options["sample_seed"])
            for place, new in zip(wanted.nonzero().flatten().tolist(), made, strict=True):
                text = self._tokenizer.decode(new, skip_special_tokens=True)
                answers[place] = text.strip(), not {*new[-1:]} & {*config.eos_token_id}
        return [Part(*loss, *answer) for loss, answer in zip(losses, answers, strict=True)]

    def _generation(self, model: Any) -> Any:
        """Settings that hold now, which the model keeps."""
        assert self._chat is not None
        plain = self._model if self._model is not None else model
        plain.generation_config = generation_config(self.options, self._chat.ends, self._tokenizer.pad_token_id)
        return plain.generation_config

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[Part]]) -> list[Prediction]:
        return [_prediction(example, part) for example, (part,) in zip(examples, parts, strict=True)]

    def references(self, examples: Sequence[Example]) -> list[Prediction]:
        answers = [e["answer"] if e["messages"] else e["plain"] for e in examples]
        return [{**e["given"], "answer": a, "targets": [a]} for e, a in zip(examples, answers, strict=True)]

    def metrics(self) -> Sequence[Metric]:
        return [Perplexity(), *([ExactMatch(), ChrF()] if self.options["generate"] else [])]

    def empty_prediction(self, row: Row) -> Prediction:
        return {"prompt": "", "text": ""}

    # without this library

    def plain_use(self, saved: SavedModel) -> str:
        return f"""```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{saved.shown}")
model = AutoModelForCausalLM.from_pretrained("{saved.shown}")
prompt = [{{"role": "user", "content": "..."}}]
inputs = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_tensors="pt", return_dict=True)
answer = model.generate(**inputs)[0, inputs["input_ids"].shape[1]:]
print(tokenizer.decode(answer, skip_special_tokens=True))
```

The chat template and the settings of generation are saved with the model."""


def _prediction(example: Example, part: Part) -> Prediction:
    found: Prediction = dict(example["given"])
    if part.text is not None:
        found |= {"text": part.text, "_truncated": part.cut}
    if part.tokens:
        found |= {"nll": round(part.nats, 6), "tokens": part.tokens}
    return found
