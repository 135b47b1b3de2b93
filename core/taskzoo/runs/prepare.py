"""Loading what a run needs - tokenizer, features, model - and trying it, before anything is written."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo import registry
from taskzoo.engine.progress import Reporter

from .data import SPLITS, left_out_notes, overlap_notes, split_note
from .from_scratch import scratch_arguments
from .manifest import environment, model_hashes
from .methods import check_method
from .plan import Plan, describe_settings

if TYPE_CHECKING:
    from taskzoo.models.checkpoints import Checkpoint
    from taskzoo.task import Feature


class Prepared:
    """The loaded parts of a run.

    Attributes:
        model: the ``PreTrainedModel``; ``trained`` is the same, or wrapped with adapters.
        encoded: split -> features, for the splits that have rows.
        collate: features to a batch.
        manifest: what the run records of all this.
        unlabelled: features of the unlabelled rows; their ``target`` is ``None``.
        probe_first: whether training starts from the head of a linear probe.
    """

    probe_first = False

    def __init__(self, plan: Plan, reporter: Reporter) -> None:
        import numpy
        import torch

        from taskzoo.engine.freezing import freeze
        from taskzoo.engine.lora import add_lora, count_parameters
        from taskzoo.engine.precision import make_accelerator, resolve_precision
        from taskzoo.engine.probe import last_linear
        from taskzoo.models.checkpoints import model_kind
        from taskzoo.models.loading import explain_load_errors, load_config, quiet_transformers
        from taskzoo.models.tokenizers import load_tokenizer

        began = time.perf_counter()
        quiet_transformers()
        training = plan.config.training
        self.precision = resolve_precision(training.precision, family=plan.checkpoint.family)
        self.accelerator = make_accelerator(self.precision)
        random.seed(training.seed)
        numpy.random.seed(training.seed % 2**32)
        torch.manual_seed(training.seed)
        checkpoint = plan.checkpoint
        if checkpoint.is_scratch:
            checkpoint = self._from_scratch(plan, reporter)
        self.tokenizer = load_tokenizer(checkpoint)
        if hasattr(plan.task, "adapt"):
            with explain_load_errors(checkpoint, "configuration"):
                config = load_config(checkpoint)
            plan.task.adapt(self.tokenizer, config)
        self.collate = plan.task.collator(self.tokenizer)
        self.encoded = {
            split: plan.task.encode(rows, self.tokenizer) for split, rows in plan.splits.rows.items() if rows
        }
        self.unlabelled: list[Feature] = []
        if plan.splits.unlabelled:
            encoded = plan.task.encode(plan.splits.unlabelled, self.tokenizer)
            self.unlabelled = [{**feature, "target": None} for feature in encoded.features]
        loading: dict[str, Any] = {"revision": checkpoint.revision} if checkpoint.revision else {}
        with explain_load_errors(checkpoint, "model"):
            self.model = plan.task.head(checkpoint.location, dtype=torch.float32, **loading)
        if self.model.config.pad_token_id is None or model_kind(self.model.config.to_dict()) == "decoder":
            # by this id the heads of decoders find the last token of a text
            self.model.config.pad_token_id = self.tokenizer.pad_token_id
        self.use_cache = getattr(self.model.config, "use_cache", None)
        if self.use_cache is not None:  # a cache of keys and values serves generation only
            self.model.config.use_cache = False
        freeze(self.model, training.freeze)
        if training.method == "linear-probe":
            self.model.requires_grad_(False)
            last_linear(self.model).requires_grad_(True)
        if training.gradient_checkpointing:
            self.model.gradient_checkpointing_enable({"use_reentrant": False})
        self.trained = add_lora(self.model, training) if training.lora else self.model
        self.trained.to(self.accelerator.device)
        self.trainable, self.parameters = count_parameters(self.trained)
        self._try_one_batch(plan)
        self.seconds = {"load": time.perf_counter() - began}
        provider = registry.provider(plan.config.task)
        self.manifest: dict[str, Any] = {
            "task": {"id": plan.config.task, **provider},
            "model": {
                "name": plan.checkpoint.name,
                "location": plan.checkpoint.location,
                "family": self.model.config.model_type,
                "sha256": model_hashes(plan.checkpoint.location),
                "parameters": self.parameters,
                "trainable": self.trainable,
            },
            "precision": self.precision,
            "processes": self.accelerator.num_processes,
            "seed": training.seed,
            "recipe": {"values": plan.recipe, "sources": plan.recipe_sources},
            "data": plan.splits.sources,
            "splits": plan.splits.made,
            "rows": {split: len(rows) for split, rows in plan.splits.rows.items()},
            "overlap": plan.splits.overlap,
            "counts": {split: encoded.counts for split, encoded in self.encoded.items()},
            "environment": environment(),
        }

    def _try_one_batch(self, plan: Plan) -> None:
        """Model, loss and decoding on two examples, so that what cannot work is refused before anything is written."""
        import torch

        from taskzoo.engine.batches import to_device
        from taskzoo.engine.forward import decode_batch

        smallest = sorted(self.encoded["train"].features, key=lambda f: len(f["input_ids"]))[:2]
        batch = to_device(self.collate(smallest), self.accelerator.device)
        self.trained.eval()
        with torch.no_grad():
            _, outputs = decode_batch(plan.task, self.trained, batch, self.accelerator, with_outputs=True)
            plan.task.loss(outputs, batch, label_smoothing=plan.config.training.label_smoothing)

    def token_ids(self) -> set[int]:
        """All tokens that training and its validation can meet."""
        features = [
            f for split in ("train", "validation") if split in self.encoded for f in self.encoded[split].features
        ]
        features += self.unlabelled
        used = {i for feature in features for i in (*feature["input_ids"], *feature.get("target_ids", ()))}
        return used.union(self.tokenizer.all_special_ids)

    def _from_scratch(self, plan: Plan, reporter: Reporter) -> Checkpoint:
        from taskzoo.models.scratch import make_scratch

        self._folder = tempfile.TemporaryDirectory(prefix="taskzoo-scratch-")
        reporter.say("Training a tokenizer on the training rows; the model starts without any pretraining.")
        texts, keywords = scratch_arguments(plan)
        folder = Path(self._folder.name)
        return make_scratch(plan.checkpoint, texts, folder, seed=plan.config.training.seed, **keywords)


def prepare(plan: Plan, reporter: Reporter) -> Prepared:
    """Say what is about to happen, and load everything.

    Raises:
        RequestError: the model cannot be loaded, or a setting does not suit it.
    """
    for line in _opening(plan):
        reporter.say(line)
    prepared = Prepared(plan, reporter)
    check_method(plan, prepared)
    share = prepared.trainable / prepared.parameters
    reporter.say(
        f"model     {plan.checkpoint.name} ({prepared.model.config.model_type}, {prepared.parameters / 1e6:.1f}M "
        f"parameters, {share:.1%} trained), {prepared.precision} on {prepared.accelerator.device.type}"
    )
    for split, encoded in prepared.encoded.items():
        noted = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in encoded.counts.items() if value)
        if noted:
            reporter.say(f"{split:<10} {noted}")
    return prepared


def _opening(plan: Plan) -> list[str]:
    lines = []
    if plan.config.data.name == "demo":
        lines.append(f"No data named: using the built-in demo set of {plan.config.task}.")
    rows = ", ".join(f"{split} {len(plan.splits.rows[split])}" for split in SPLITS)
    note = split_note(plan.splits.made)
    made = f" ({note})" if note else ""
    lines.append(f"data      {rows} rows{made}")
    notes = [*left_out_notes(plan.splits.sources), *overlap_notes(plan.splits.overlap)]
    lines.extend(f"warning   {note}" for note in notes)
    if hasattr(plan.task, "describe"):
        what = "texts" if hasattr(plan.task, "generate") else "labels"
        lines.append(f"{what:<10}{plan.task.describe()}")
    lines.append(f"settings  {describe_settings(plan.config.training)}")
    if plan.recipe:
        values = ", ".join(f"{name}={value}" for name, value in plan.recipe.items())
        lines.append(f"recipe    {values} (from {'; '.join(plan.recipe_sources)})")
    return lines
