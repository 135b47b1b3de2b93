"""Plugins with one fault each. The docstring says which; ``fault`` names the check that must find it, and no other."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from tests.contract import whole_head
from tests.contract.whole_task import SPEC, Accuracy, WholeEvidence, WholeTask

from taskzoo import Batch, Encoded, Example, Loss, Metric, Option, Row, Score
from taskzoo.evidence import Evidence, Question, Word
from taskzoo.models.text_encoding import encode_texts
from taskzoo.types import Collate, Feature, Prediction, SavedModel, Scorer

Mutant = type[WholeTask]
M = TypeVar("M", bound=Mutant)

UNHEARD = "zyxw"
"""A word that the tokenizer knows and no row has."""


def replace_text(example: Example, text: str) -> Example:
    return dataclasses.replace(example, fields={**example.fields, "text": text})


MUTANTS: dict[str, list[Mutant]] = {}
"""The check that must find them -> the mutants."""


def fault(check: str) -> Callable[[M], M]:
    def add(cls: M) -> M:
        MUTANTS.setdefault(check, []).append(cls)
        return cls

    return add


# what is registered


@fault("spec")
class OptionWithoutHelp(WholeTask):
    """An option has no help."""

    spec = dataclasses.replace(SPEC, options={**SPEC.options, "most_tokens": Option(0, "", minimum=0)})


@fault("import")
class ImportsTorch(WholeTask):
    """The module with the hooks imports torch."""

    plugin_module = "tests.contract.heavy_plugin"


@fault("members")
class RenamedParameters(WholeTask):
    """`encode(rows, tokenizer)`: parameters of other names."""

    def encode(self, rows: Any, tokenizer: Any) -> Any:  # type: ignore[override]
        return super().encode(rows, tokenizer)


# rows


@fault("rows")
class KeyIsNumber(WholeTask):
    """`dedup_key` gives a number instead of text."""

    def dedup_key(self, example: Example) -> Any:
        return example["text"], len(example["label"] or "")


@fault("rows")
class ChangesRows(WholeTask):
    """`prepare` changes the rows that it is given."""

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        for row in rows:
            row.fields["text"] = f" {row['text']}"  # type: ignore[index]
        return super().prepare(rows, split)


@fault("rows")
class LosesPlaces(WholeTask):
    """`prepare` forgets file and line."""

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        return [Example(example.fields) for example in super().prepare(rows, split)]


@fault("rows")
class ReferencesOfOthers(WholeTask):
    """`references` gives the answers in another order."""

    def references(self, examples: Sequence[Example]) -> list[Prediction]:
        return super().references(examples)[::-1]


@fault("rows")
class ReferencesCut(WholeTask):
    """`references` cuts long targets."""

    def references(self, examples: Sequence[Example]) -> list[Prediction]:
        return [{"label": example["label"][:200]} for example in examples]


@fault("rows")
class KeyWithoutInput(WholeTask):
    """`dedup_key` has the same input for all rows."""

    def dedup_key(self, example: Example) -> tuple[str, str]:
        return "", example["label"] or ""


@fault("rows")
class ClassesAreText(WholeTask):
    """`classes` gives the label itself instead of a list of labels."""

    def classes(self, example: Example) -> Any:
        return example["label"]


# what is learnt


@fault("fit")
class CountsHeldOutRows(WholeTask):
    """Counts of labels, which go into the state, are taken from the rows of all splits; the set of labels is right."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.seen = 0

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        self.seen += sum(len(row.get("label", "")) for row in rows) if split in ("validation", "test") else 0
        return super().prepare(rows, split)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "mean_label": self.seen / max(1, sum(self.counts))}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.seen = round(state["mean_label"] * sum(self.counts))


@fault("fit")
class LabelsOfAllSplits(WholeTask):
    """The labels are those of training, validation and test rows."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.found: set[str] = set()

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        self.found |= {row["label"] for row in rows if row.get("label")}
        return super().prepare(rows, split)

    def fit(self, examples: Sequence[Example]) -> None:
        super().fit(examples)
        missing = sorted(self.found - set(self.labels))
        self.labels, self.counts = self.labels + missing, self.counts + [0] * len(missing)


@fault("fit")
class LearnsWhileEncoding(WholeTask):
    """`encode` remembers the longest text that it has met, of whatever split."""

    longest = 0

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        self.longest = max(self.longest, *(len(example["text"]) for example in examples))
        return super().encode(examples, processor)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "longest": self.longest}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.longest = state["longest"]


# features


@fault("encoding")
class RowWithoutFeatures(WholeTask):
    """`encode` loses a row."""

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        encoded = super().encode(examples, processor)
        return Encoded([feature for feature in encoded.features if feature.row != 3], encoded.counts)


@fault("encoding")
class LabelsInOrderOfRows(WholeTask):
    """The labels are numbered in the order in which rows have them."""

    def fit(self, examples: Sequence[Example]) -> None:
        super().fit(examples)
        labels = list(dict.fromkeys(example["label"] for example in examples))
        self.counts = [self.counts[self.labels.index(label)] for label in labels]
        self.labels = labels


@fault("long inputs")
class NeverCut(WholeTask):
    """Texts longer than the model reads are passed on whole."""

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        encoded = super().encode(examples, processor)
        for feature in encoded.features:
            feature.values["input_ids"] = processor(examples[feature.row]["text"], verbose=False)["input_ids"]
        features = [dataclasses.replace(f, length=len(f["input_ids"])) for f in encoded.features]
        return Encoded(features, encoded.counts)


@fault("long inputs")
class CutSilently(WholeTask):
    """Texts are cut and nothing is counted."""

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        return Encoded(super().encode(examples, processor).features)


@fault("long inputs")
class FirstWindowOnly(WholeTask):
    """Of the windows of a long text only the first is kept."""

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        texts = [example["text"] for example in examples]
        windows = encode_texts(processor, texts, max_length=self.options["most_tokens"], long_texts="windows").features
        first = {feature.row: feature for feature in reversed(windows)}
        for feature in first.values():
            label = examples[feature.row]["label"]
            feature.values["label"] = self.labels.index(label) if label in self.labels else -100
        return Encoded([first[row] for row in sorted(first)])


@fault("token ids")
class PromptInCollator(WholeTask):
    """The collator adds a token that no feature has, and `token_ids` does not name it."""

    def collator(self, processor: Any) -> Collate:
        collate = super().collator(processor)

        def with_prompt(features: Sequence[Feature]) -> Batch:
            batch = collate(features)
            batch.inputs["input_ids"][:, 0] = processor.convert_tokens_to_ids(UNHEARD)
            return batch

        return with_prompt


@fault("token ids")
class AddsTokens(WholeTask):
    """`configure` adds a token to the vocabulary."""

    def configure(self, processor: Any, config: Any) -> None:
        processor.add_tokens(["<topic>"])


# the loss and training


@fault("loss")
class MeanLoss(WholeTask):
    """The loss is a mean."""

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        loss = super().loss(outputs, batch, label_smoothing=label_smoothing)
        reported = None if loss.reported is None else loss.reported / loss.weight
        return Loss(loss.total / loss.weight, torch.ones(()), reported)


@fault("loss")
class LossIsNan(WholeTask):
    """The loss is not a number."""

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        loss = super().loss(outputs, batch, label_smoothing=label_smoothing)
        return Loss(loss.total * float("nan"), loss.weight)


@fault("loss")
class SmoothsAlways(WholeTask):
    """Labels are smoothed although that is off."""

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        return super().loss(outputs, batch, label_smoothing=label_smoothing or 0.1)


@fault("loss")
class ReportsSmoothed(WholeTask):
    """With label smoothing, the smoothed loss is reported."""

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        return dataclasses.replace(super().loss(outputs, batch, label_smoothing=label_smoothing), reported=None)


@fault("loss")
class WeightOfOne(WholeTask):
    """The number of targets of a batch is always 8."""

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        return dataclasses.replace(
            super().loss(outputs, batch, label_smoothing=label_smoothing), weight=torch.tensor(8.0)
        )


@fault("packing")
class PackLosesRows(WholeTask):
    """`pack` leaves out what does not fill a sequence."""

    def pack(self, features: Sequence[Feature]) -> Sequence[Feature]:
        return features[:-1]


@fault("packing")
class PackCutsRows(WholeTask):
    """`pack` cuts rows so that more fit."""

    def pack(self, features: Sequence[Feature]) -> Sequence[Feature]:
        cut = [{**feature.values, "input_ids": feature["input_ids"][:3]} for feature in features]
        return [
            dataclasses.replace(f, length=len(v["input_ids"]), values=v) for f, v in zip(features, cut, strict=True)
        ]


@fault("packing")
class PackedAtRandom(WholeTask):
    """`pack` puts rows into another order each time."""

    def pack(self, features: Sequence[Feature]) -> Sequence[Feature]:
        return [features[i] for i in np.random.default_rng().permutation(len(features))]


@fault("probe")
class WeighsToNothing(WholeTask):
    """A way to weigh classes gives them all a weight of 0."""

    @property
    def class_weightings(self) -> Sequence[str]:
        return ("none", "balanced", "rare only")

    def weigh_classes(self, name: str) -> None:
        super().weigh_classes(name)
        if name == "rare only":
            self.weights = [0.0] * len(self.labels)


@fault("gradients")
class PartWithoutGradient(WholeTask):
    """A layer of the head is never used."""

    model_class = whole_head.IdleLayer


@fault("run")
class NotJson(WholeTask):
    """Predictions hold a number of numpy."""

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[Any]]) -> list[Prediction]:
        return [
            {**p, "top": logits.max()} for p, (logits,) in zip(super().assemble(examples, parts), parts, strict=False)
        ]


@fault("run")
class FewerAnswers(WholeTask):
    """`assemble` gives fewer predictions than there are rows."""

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[Any]]) -> list[Prediction]:
        return super().assemble(examples, parts)[1:]


@fault("options")
class NothingReadsIt(WholeTask):
    """Nothing reads an option."""

    spec = dataclasses.replace(SPEC, options={**SPEC.options, "lower_case": Option(False, "ignore case")})


@fault("options")
class ForgetsOptions(WholeTask):
    """The defaults are used whatever options are given."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__({name: option.default for name, option in SPEC.options.items()})


@fault("accumulation")
class BatchNormalisation(WholeTask):
    """The head normalises by the batch that it is trained with."""

    model_class = whole_head.Normalised


# predictions


@fault("batching")
class SeesPadding(WholeTask):
    """The mean over the tokens of a text is also over its padding."""

    model_class = whole_head.MaskForgotten


@fault("batching")
class ComparesNeighbours(WholeTask):
    """`decode` compares the rows of a batch."""

    def decode(self, outputs: Any, batch: Batch) -> list[Any]:
        logits = np.stack(super().decode(outputs, batch))
        return list(logits - logits.mean(0))


@fault("batching")
class PartsInOtherOrder(WholeTask):
    """`decode` gives the parts of a batch in another order."""

    def decode(self, outputs: Any, batch: Batch) -> list[Any]:
        return super().decode(outputs, batch)[::-1]


@fault("predictions")
class MixesRows(WholeTask):
    """`assemble` gives each row the answer to another."""

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[Any]]) -> list[Prediction]:
        return super().assemble(examples, [*parts[1:], *parts[:1]])


@fault("predictions")
class EncodesTheLabel(WholeTask):
    """`encode` puts the label behind the text, where there is one."""

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        both = [replace_text(example, f"{example['text']} {example['label'] or ''}") for example in examples]
        return super().encode(both, processor)


@fault("predictions")
class AnswersWithTheLabel(WholeTask):
    """`assemble` gives the label, where there is one."""

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[Any]]) -> list[Prediction]:
        found = super().assemble(examples, parts)
        return [{**p, "label": e["label"] or p["label"]} for p, e in zip(found, examples, strict=True)]


@fault("predictions")
class DecodesTheTarget(WholeTask):
    """`decode` adds to the logits of the labels that the batch has."""

    def decode(self, outputs: Any, batch: Batch) -> list[Any]:
        parts = super().decode(outputs, batch)
        for logits, label in zip(parts, batch.targets["labels"].tolist(), strict=True):
            if label >= 0:
                logits[label] += 1
        return parts


@fault("predictions")
class NeedsTargets(WholeTask):
    """`assemble` reads the label, which rows to predict do not have."""

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[Any]]) -> list[Prediction]:
        found = super().assemble(examples, parts)
        return [{**p, "letters": len(e["label"])} for p, e in zip(found, examples, strict=True)]


# scores


class AnyForm(Metric):
    """Accuracy by a scorer of its own."""

    scores: Sequence[Score] = (Score("accuracy"), Score("log_loss", False, (0.0, float("inf"))))

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        return Accuracy().statistics(predictions, references)

    def scorer(self, statistics: Any) -> Scorer:
        return lambda weights: self.weighted(statistics, weights)

    def weighted(self, statistics: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        return Accuracy().from_sums(weights @ statistics)


class Unweighted(AnyForm):
    def weighted(self, statistics: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        return super().weighted(statistics, np.ones(len(weights)))


class Relative(Accuracy):
    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        return super().statistics(predictions, references) / len(predictions)


class Undeclared(AnyForm):
    def weighted(self, statistics: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        return {**super().weighted(statistics, weights), "extra": 0.5}


class OutOfRange(AnyForm):
    def weighted(self, statistics: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        return {**super().weighted(statistics, weights), "log_loss": -0.5}


class Errors(AnyForm):
    scores = (Score("accuracy", higher_is_better=False),)


class Percent(Accuracy):
    def compute(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, float]:
        return {name: value / 100 for name, value in super().compute(predictions, references).items()}


class Online(Accuracy):
    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", 9), timeout=0.1).close()
        return super().from_sums(total)


class WithMetric(WholeTask):
    metric: type[Metric]

    def metrics(self) -> Sequence[Metric]:
        return [self.metric()]


@fault("metrics")
class IgnoresWeights(WithMetric):
    """The score ignores how often each row counts, so intervals are empty."""

    metric = Unweighted


@fault("metrics")
class DependsOnOthers(WithMetric):
    """Statistics of a row depend on how many rows there are."""

    metric = Relative


@fault("metrics")
class UndeclaredScore(WithMetric):
    """A score is not declared."""

    metric = Undeclared


@fault("metrics")
class ScoreOutOfRange(WithMetric):
    """A score is not within its declared range."""

    metric = OutOfRange


@fault("metrics")
class WrongDirection(WithMetric):
    """Accuracy is declared to be better when it is lower."""

    metric = Errors


@fault("metrics")
class TwoDefinitions(WithMetric):
    """`compute` gives another number than statistics and weights."""

    metric = Percent


@fault("metrics")
class AsksTheNetwork(WithMetric):
    """The metric tries to reach the network."""

    metric = Online


# explanations


class TwoNumbers(WholeEvidence):
    def value(self, question: Question, parts: Sequence[Any]) -> float:
        return super().value(question, parts) + 0.1


class Shifted(WholeEvidence):
    def places(self, question: Question, features: Sequence[Feature], processor: Any) -> list[list[Word | None]]:
        found = super().places(question, features, processor)
        return [[place and Word("text", place.start + 1, place.end) for place in places] for places in found]


class Nowhere(Evidence):
    differentiable = True
    value = WholeEvidence.value
    score = WholeEvidence.score


@fault("evidence")
class GradientsWithoutPlaces(WholeTask):
    """The evidence says that it has gradients, and tells no places of tokens."""

    def evidence(self, role: str) -> Evidence:
        return Nowhere(self, role)


@fault("evidence")
class OtherNumberForGradients(WholeTask):
    """`value` and `score` of the evidence are different numbers."""

    def evidence(self, role: str) -> Evidence:
        return TwoNumbers(self, role)


@fault("evidence")
class WrongOffsets(WholeTask):
    """Tokens are said to begin one letter later than they do."""

    def evidence(self, role: str) -> Evidence:
        return Shifted(self, role)


# storage


@fault("state")
class RestoresOtherLabels(WholeTask):
    """`restore` brings the labels back in another order."""

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.labels = self.labels[::-1]


@fault("state")
class KnowsWhatOthersLearnt(WholeTask):
    """The labels are kept at the class, so that a second object begins with those of the first."""

    known: ClassVar[set[str]] = set()

    def fit(self, examples: Sequence[Example]) -> None:
        self.known.update(example["label"] for example in examples)
        super().fit(examples)
        missing = sorted(self.known - set(self.labels))
        self.labels, self.counts = self.labels + missing, self.counts + [0] * len(missing)


@fault("state")
class LabelsOfASet(WholeTask):
    """The labels are numbered in the order of a set, which is another in each process."""

    def fit(self, examples: Sequence[Example]) -> None:
        super().fit(examples)
        labels = list({example["label"] for example in examples})
        self.counts = [self.counts[self.labels.index(label)] for label in labels]
        self.labels = labels


@fault("state")
class ExtendsTwice(WholeTask):
    """`extend` counts rows that it has counted before."""

    def extend(self, examples: Sequence[Example]) -> None:
        before = self.counts
        self.fit(examples)
        self.counts = [one + other for one, other in zip(before, self.counts, strict=True)]


@fault("plain transformers")
class CodeLeftBehind(WholeTask):
    """The class of the head is not saved with its weights."""

    model_class = whole_head.CodeLeftBehind


@fault("plain transformers")
class BorrowedType(WholeTask):
    """The head is saved under the model type of another class, which transformers would load."""

    model_class = whole_head.BorrowedType


class OwnConfig(whole_head.MeanConfig):
    model_type = "own_bert"


class OwnBert(whole_head.MeanBert):
    config_class = OwnConfig


whole_head.register(OwnConfig, OwnBert)


@fault("plain transformers")
class CodeNeedsTaskzoo(WholeTask):
    """The code that is saved with the head imports taskzoo."""

    model_class = OwnBert


@fault("save and load")
class HeadStartsAnew(WholeTask):
    """`head` draws the last layer at random, also for a finished run."""

    def head(self, checkpoint: str, **loading: Any) -> Any:
        model = super().head(checkpoint, **loading)
        torch.nn.init.normal_(model.classifier.weight)
        return model


@fault("save and load")
class TunedOutsideState(WholeTask):
    """What `tune` finds is not in the state."""

    offset = 0.0

    def tune(self, examples: Sequence[Example], parts: Sequence[Sequence[Any]]) -> dict[str, Any]:
        self.offset = 50.0
        return {"offset": self.offset}

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[Any]]) -> list[Prediction]:
        moved = [[logits + np.eye(len(logits))[0] * self.offset for logits in each] for each in parts]
        return super().assemble(examples, moved)


@fault("plain use")
class FalseLines(WholeTask):
    """The lines of the model card give the least likely label."""

    def plain_lines(self, saved: SavedModel) -> list[str]:
        return [line.replace("argmax", "argmin") for line in super().plain_lines(saved)]


@fault("plain use")
class LinesNeedTaskzoo(WholeTask):
    """The lines of the model card import taskzoo."""

    def plain_lines(self, saved: SavedModel) -> list[str]:
        return ["import taskzoo", *super().plain_lines(saved)]
