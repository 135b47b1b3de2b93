"""A task that generates a text from a text, with every kind of model that can."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from taskzoo.errors import RequestError
from taskzoo.languages import language_code, script_language
from taskzoo.models.text_encoding import content_ids
from taskzoo.scripts import joiner
from taskzoo.task import Task
from taskzoo.types import (
    IGNORE_INDEX,
    Batch,
    Encoded,
    Example,
    LogitTargets,
    Loss,
    Metric,
    Prediction,
    Row,
    SavedModel,
)

from .evidence import GeneratedEvidence
from .exported_generator import ExportedGenerator, batch_sources, generate_exported
from .generation_settings import check_effects, check_generation, generation_settings
from .outputs import Output, mean_log_probability
from .pair_collator import PairCollator
from .pair_encoding import encode_pairs
from .pair_examples import pair_example, target_references, text_predictions
from .plain_use import plain_use
from .seq2seq_options import GENERATION_OPTIONS
from .sequence_format import LANGUAGE_HINT, FormatRequest, SequenceFormat, find_sequence_format
from .target_language import TargetLanguage
from .text_decoder import TextDecoder

if TYPE_CHECKING:
    import torch
    from transformers import GenerationConfig, PreTrainedModel

    from taskzoo.models.vocabulary import HiddenStates

LONGEST, CHUNK = 100, 10_000
"""Training targets, the longest in characters, among which the longest in tokens is looked for; targets in memory."""


class Seq2SeqTask(Task):
    """A whole task but for its metrics.

    Such as::

        class RhymeTask(Seq2SeqTask):
            primary_metric = "rougeL"

            def metrics(self):
                return [Rouge(self.output_language), GeneratedText(), *super().metrics()]

    Its options are :data:`~taskzoo.seq2seq.seq2seq_options.SEQ2SEQ_OPTIONS` and its own; its columns are ``source`` and
    ``target``.

    Attributes:
        source_lang, target_lang: ISO 639 codes or codes of the tokenizer; ``""``: unknown.
        output_language: code of the language of generated texts, known or guessed by :meth:`fit`; ``""``: unknown.
    """

    generates = True
    multi_reference = True
    inference_options = tuple(GENERATION_OPTIONS)

    language_hint: ClassVar[str] = LANGUAGE_HINT
    """How people set the languages, for messages."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        check_generation(self.options)
        self.source_lang = self.target_lang = self.output_language = ""
        self._target_language = TargetLanguage()
        self._longest: list[str] = []
        self._longest_target = 0
        self._form: SequenceFormat | None = None
        self._decoder: Callable[[list[int]], str] = str
        self._model: PreTrainedModel | None = None
        self._gives_states = False

    @property
    def languages(self) -> dict[str, str]:
        return {"source": self.source_lang, "target": self.target_lang}

    @property
    def form(self) -> SequenceFormat:
        """That of the checkpoint, once the task was configured for one."""
        if self._form is None:
            raise RequestError("Call task.configure(...) before encoding: the encoding depends on the checkpoint.")
        return self._form

    # what a task may want otherwise

    def prefix(self, config: Any) -> str:
        """The text before every source that the checkpoint with this configuration was pretrained with."""
        return ""

    def guess_language(self, texts: Iterable[str]) -> str:
        """The language of training targets where no option says it, or ``""``; by default what their script says."""
        return script_language(texts)

    def join_chunks(self, texts: Sequence[str]) -> str:
        """What was generated for the chunks of one source, as one text."""
        return joiner(self.output_language).join(texts)

    def metrics(self) -> Sequence[Metric]:
        """The score of similar meaning, where the options ask for it; a task puts its own before it."""
        return [self._similarity] if self.options["similarity"] else []

    # from rows to features

    def telling_rows(self, rows: Iterable[Row]) -> list[Row] | None:
        """None, where :meth:`prepare` is that of this class."""
        return [] if type(self).prepare is Seq2SeqTask.prepare else None

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        return [pair_example(row, split) for row in rows]

    def dedup_key(self, example: Example) -> tuple[str, str]:
        return example["source"], "\n".join(example["targets"])

    def vocabulary_texts(self, examples: Sequence[Example]) -> tuple[list[str], list[str]]:
        return [example["source"] for example in examples], [t for example in examples for t in example["targets"]]

    def fit(self, examples: Sequence[Example]) -> None:
        def targets() -> Iterator[str]:
            return (target for example in examples for target in example["targets"])

        check_effects(self.options)
        self.output_language = language_code(self.target_lang) if self.target_lang else self.guess_language(targets())
        self._target_language = TargetLanguage.of(targets(), self.output_language)
        self.metrics()  # refuses what cannot be scored before anything is written
        self._longest, all_targets = [], targets()
        while some := set(islice(all_targets, CHUNK)):  # examples may be on disk, and more than fit into memory
            self._longest = sorted({*self._longest, *some}, key=lambda text: (-len(text), text))[:LONGEST]

    def extend(self, examples: Sequence[Example]) -> None:
        language = self.output_language
        self.fit(examples)
        if language and self.output_language not in ("", language):
            raise RequestError(
                f"The earlier run generates texts in {language}, and these targets are in {self.output_language}; "
                "train on them from the base model."
            )
        self.output_language = language or self.output_language

    def configure(self, processor: Any, config: Any) -> None:
        options = self.options
        self._decoder = TextDecoder(processor)
        self._form = find_sequence_format(
            processor,
            config,
            FormatRequest(
                source_lang=self.source_lang,
                target_lang=self.target_lang,
                prefix=self.prefix(config) if options["prefix"] == "auto" else options["prefix"],
                max_source_length=options["max_source_length"],
                max_target_length=options["max_target_length"],
                language_hint=self.language_hint,
            ),
        )
        if self._longest:
            around = len(self._form.target_before) + len(self._form.target_after)
            longest = around + max(map(len, content_ids(processor, self._longest, targets=True)))
            self._longest_target = max(longest, self._longest_target)  # an earlier run may have had longer ones

    def configure_exported(self, processor: Any, form: SequenceFormat) -> None:
        """What :meth:`configure` does, where the format is known and there is no configuration to find it in."""
        self._decoder, self._form = TextDecoder(processor), form

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        return encode_pairs(examples, processor, self.form, long_sources=self.options["long_sources"])

    # the model

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        from taskzoo.models.vocabulary import gives_states

        from .seq2seq_model import load_seq2seq_model

        model = load_seq2seq_model(checkpoint, self.form, **loading)
        self._model, self._gives_states = model, gives_states(model)
        self._set_generation(model)
        return model

    def collator(self, processor: Any) -> PairCollator:
        return PairCollator(self.form)

    def forward(self, model: Any, batch: Batch) -> Any:
        if self._gives_states and self._model is not None:
            from taskzoo.models.vocabulary import forward_states

            return forward_states(model, self._model, batch.inputs)
        return model(**batch.inputs)

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        from taskzoo.models.losses import cross_entropy
        from taskzoo.models.vocabulary import HiddenStates
        from taskzoo.models.vocabulary_loss import vocabulary_cross_entropy

        outputs, labels = self._aligned(outputs, batch.targets["labels"])
        if isinstance(outputs, HiddenStates):
            return vocabulary_cross_entropy(outputs, labels, label_smoothing=label_smoothing)
        return cross_entropy(outputs, labels, label_smoothing=label_smoothing)

    @property
    def logit_targets(self) -> LogitTargets:
        return LogitTargets("softmax")

    def target_logits(self, outputs: Any, batch: Batch) -> torch.Tensor:
        """As everywhere; unlike the loss, these hold the whole vocabulary for every target at once."""
        from taskzoo.models.vocabulary import HiddenStates

        outputs, labels = self._aligned(outputs, batch.targets["labels"])
        active = labels != IGNORE_INDEX
        if isinstance(outputs, HiddenStates):
            return replace(outputs, states=outputs.states[active]).logits()
        logits: torch.Tensor = outputs[active]
        return logits

    # predictions

    def predict_batch(self, model: Any, batch: Batch, outputs: Any = None) -> list[Output | None]:
        """What is generated for each feature; ``None`` where nothing is wanted."""
        if isinstance(model, ExportedGenerator):
            generated = generate_exported(model, batch, self._generation_settings(model.own))
        else:
            from .generation import generate_ids

            generated = generate_ids(model, batch, self._set_generation(model), seed=self.options["sample_seed"])
        scores = iter(self.token_scores(model, batch, generated))
        found: list[Output | None] = []
        for ids in generated:
            each = next(scores) if ids else []
            cut = ids is not None and ids[-1:] != [self.form.end]
            found.append(None if ids is None else Output(self._decoder(ids), cut, sum(each, 0.0), len(each)))
        return found

    def token_scores(self, model: Any, batch: Batch, outputs: Sequence[list[int] | None]) -> list[list[float]]:
        """Log-probabilities of the tokens of each output that has any, in their order; a forced token has none."""
        if not any(outputs):
            return []
        if isinstance(model, ExportedGenerator):
            sources = [source for source, ids in zip(batch_sources(batch), outputs, strict=True) if ids]
            return model.token_log_probabilities(sources, [ids for ids in outputs if ids])
        import torch

        from .output_scores import scoring_batch, token_log_probabilities

        scored = scoring_batch(batch, outputs, self.form)
        with torch.no_grad():
            return token_log_probabilities(*self._aligned(self.forward(model, scored), scored.targets["labels"]))

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[Any]]) -> list[Prediction]:
        found = [[part for part in of_example if part is not None] for of_example in parts]
        predictions = text_predictions(examples, [self.join_chunks([part.text for part in each]) for each in found])
        for prediction, each in zip(predictions, found, strict=True):
            score = mean_log_probability(each)
            prediction["score"] = None if score is None else round(score, 4)
            prediction["_truncated"] = any(part.cut for part in each)
        return predictions

    def empty_prediction(self, row: Row) -> Prediction:
        return {"source": row.get("source", ""), "text": ""}

    def remarks(self, examples: Sequence[Example]) -> Sequence[str]:
        return self._target_language.remarks([target for example in examples for target in example["targets"]])

    def references(self, examples: Sequence[Example]) -> list[Prediction]:
        return target_references(examples)

    def evidence(self, role: str) -> GeneratedEvidence:
        return GeneratedEvidence(self, role)

    @cached_property
    def _similarity(self) -> Metric:
        from taskzoo.metrics.similarity import Similarity
        from taskzoo.models.token_vectors import token_vectors

        return Similarity(token_vectors(self.options["similarity"]))

    # without this library

    def plain_use(self, saved: SavedModel) -> str:
        return plain_use(saved, self.form, self.options)

    # storage

    def state(self) -> dict[str, Any]:
        return {
            "languages": self.languages,
            "output_language": self.output_language,
            "longest_target": self._longest_target,
            "target_language": self._target_language.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.source_lang, self.target_lang = state["languages"]["source"], state["languages"]["target"]
        self.output_language = state["output_language"]
        self._longest_target = state["longest_target"]
        if "target_language" in state:
            self._target_language = TargetLanguage.from_state(state["target_language"])

    def _aligned(self, outputs: Any, labels: torch.Tensor) -> tuple[HiddenStates | torch.Tensor, torch.Tensor]:
        """Hidden states or logits of the positions whose output is for the label there."""
        from taskzoo.models.vocabulary import HiddenStates

        shifted = self.form.kind == "decoder"  # there the output at a position is for the token after it
        labels = labels[:, 1:] if shifted else labels
        if isinstance(outputs, HiddenStates):
            return replace(outputs, states=outputs.states[:, :-1]) if shifted else outputs, labels
        return outputs.logits[:, :-1] if shifted else outputs.logits, labels

    def _set_generation(self, model: Any) -> GenerationConfig:
        """Settings that hold now; the model keeps them, so that, saved, it generates the same in ``transformers``."""
        from .generation import generation_config

        plain = self._model if self._model is not None else model
        limit = {"longest_target": self._longest_target or 64}
        plain.generation_config = generation_config(self.options, self.form, plain.generation_config, **limit)
        return plain.generation_config

    def _generation_settings(self, own: Mapping[str, Any]) -> dict[str, Any]:
        return generation_settings(self.options, self.form, own, longest_target=self._longest_target or 64)
