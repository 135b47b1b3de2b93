"""One training by zoo and one by ``transformers.Trainer`` of the same checkpoint on the same rows."""

from __future__ import annotations

import gc
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from taskzoo.callbacks import Callback

from .flops import Work, peak, work_of
from .models import EPOCHS, TASKS, Material

RANK, ALPHA, DROPOUT = 16, 32, 0.05
RECORDED = 4
"""Epochs after which graphs of nearly all shapes are there."""


@dataclass(frozen=True)
class Arm:
    """What is trained, and how.

    Args:
        material: checkpoint and rows.
        precision: ``fp32``, ``bf16`` or ``fp16``.
        method: ``full`` or ``lora``.
        compile: with ``torch.compile``; ``cuda_graphs``: replayed, for zoo alone.
        unpadded: with attention that leaves padding out, for zoo alone.
    """

    material: Material
    precision: str
    method: str
    compile: bool = False
    cuda_graphs: bool = False
    unpadded: bool = False

    @property
    def warm(self) -> int:
        """Epochs that are not timed; each shape of a batch is computed twice before its graph is replayed."""
        return RECORDED if self.cuda_graphs else 1

    @property
    def epochs(self) -> int:
        """That are trained."""
        return EPOCHS - 1 + self.warm

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return self.material.size.rows // self.material.size.batch


@dataclass
class Clock(Callback):
    """When each epoch has ended; a line is logged at the end of each, which waits for the device."""

    times: list[float] = field(default_factory=list)

    def step(self, values: Any) -> None:
        self.times.append(now())


def now() -> float:
    """The time when all that was given to the device is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def train_zoo(arm: Arm) -> dict[str, Any]:
    """The figures of zoo; its settings are those of the command line, but for those that the arms share."""
    from taskzoo.engine.checkpoint import TrainingState
    from taskzoo.engine.memory import training_memory
    from taskzoo.engine.progress import Silent
    from taskzoo.engine.random_state import seeded
    from taskzoo.runs.loading import load_session
    from taskzoo.runs.plan import make_plan
    from taskzoo.runs.request import DataRequest, RunRequest, resolve_request

    material, clock = arm.material, Clock()
    data = DataRequest(train=str(material.train), validation="none", test="none")
    plan = make_plan(resolve_request(RunRequest(TASKS[material.kind], str(material.checkpoint), data, _settings(arm))))
    with tempfile.TemporaryDirectory() as folder, seeded(1):
        loaded = load_session(plan, Silent(), Path(folder))
        session = loaded.session
        rows = [(feature.length, feature.target_length) for feature in session.encoded["train"].features]
        work = work_of(session.model, material.kind)
        weights = 4 * sum(parameter.numel() for parameter in session.trained.parameters())
        estimate = training_memory(session) + weights
        session.callbacks.append(clock)
        _forget_memory()
        loaded.method.train(session, TrainingState(Path(folder) / "checkpoints"))
        found = figures(arm, clock.times, rows, work)
    del loaded, session
    return {**found, "estimated_gib": round(estimate / 2**30, 3), "weights_gib": round(weights / 2**30, 3)}


def _settings(arm: Arm) -> dict[str, Any]:
    """Settings without anything that would be evaluated, saved or fitted besides."""
    own = {"class_weights": "none"} if arm.material.kind == "encoder" else {}
    return own | {
        "epochs": arm.epochs,
        "batch_size": arm.material.size.batch,
        "log_every": arm.steps,
        "checkpoint_every": 10**9,
        "checkpoint_minutes": 0,
        "learning_rate": 1e-4,
        "probe_first": False,
        "baseline": False,
        "method": arm.method,
        "precision": arm.precision,
        "compile": arm.compile,
        "cuda_graphs": arm.cuda_graphs,
        "unpadded": arm.unpadded,
        "lora_rank": RANK,
        "lora_alpha": ALPHA,
        "lora_dropout": DROPOUT,
    }


def train_peer(arm: Arm) -> dict[str, Any]:
    """The figures of ``Trainer`` at its best flags: fused AdamW, batches of similar lengths, workers, pinned memory."""
    from accelerate.state import AcceleratorState
    from transformers import AutoTokenizer, TrainerCallback, TrainingArguments, set_seed

    material, times = arm.material, list[float]()
    on_gpu = torch.cuda.is_available()

    class EpochEnds(TrainerCallback):
        def on_epoch_end(self, *_: Any, **__: Any) -> None:
            times.append(now())

    set_seed(1)
    tokenizer = AutoTokenizer.from_pretrained(material.checkpoint)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model, dataset, collate, trainer_class, arguments_class = _peer_parts(arm, tokenizer)
    work = work_of(model, material.kind)
    if arm.method == "lora":
        model = _with_adapters(model, material.kind)
    flags = set(TrainingArguments.__dataclass_fields__)
    strategy = {"train_sampling_strategy": "group_by_length"}
    grouped = strategy if "train_sampling_strategy" in flags else {"group_by_length": True}
    with tempfile.TemporaryDirectory() as folder:
        arguments = arguments_class(
            output_dir=folder,
            num_train_epochs=arm.epochs,
            per_device_train_batch_size=material.size.batch,
            learning_rate=1e-4,
            weight_decay=0.01,
            bf16=arm.precision == "bf16",
            fp16=arm.precision == "fp16",
            optim="adamw_torch_fused",
            torch_compile=arm.compile,
            dataloader_num_workers=4 if on_gpu else 0,
            dataloader_persistent_workers=on_gpu,
            dataloader_pin_memory=on_gpu,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=not on_gpu,
            **grouped,
        )
        trainer = trainer_class(
            model=model,
            args=arguments,
            train_dataset=dataset,
            processing_class=tokenizer,
            data_collator=collate,
            callbacks=[EpochEnds()],
        )
        _forget_memory()
        trainer.train()
        rows = [_lengths(row, material.kind) for row in dataset]
        found = figures(arm, times, rows, work)
    del trainer, model
    AcceleratorState._reset_state(reset_partial_state=True)
    return found


def _peer_parts(arm: Arm, tokenizer: Any) -> tuple[Any, list[dict[str, Any]], Any, Any, Any]:
    """Model, tokenized rows, collator, and the classes of trainer and arguments."""
    import transformers as t

    material, block = arm.material, 1 if arm.precision == "fp32" else 8
    rows, place = material.rows, str(material.checkpoint)
    ids = [row[:512] for row in tokenizer([row["text"] for row in rows])["input_ids"]]
    if material.kind == "encoder":
        names = sorted({row["label"] for row in rows})
        model = t.AutoModelForSequenceClassification.from_pretrained(place, num_labels=len(names))
        dataset = [{"input_ids": i, "labels": names.index(row["label"])} for i, row in zip(ids, rows, strict=True)]
        collate: Any = t.DataCollatorWithPadding(tokenizer, pad_to_multiple_of=block)
        return model, dataset, collate, t.Trainer, t.TrainingArguments
    targets = tokenizer(text_target=[row["summary"] for row in rows])["input_ids"]
    if material.kind == "decoder":
        model = t.AutoModelForCausalLM.from_pretrained(place)
        end = [tokenizer.eos_token_id]
        dataset = [
            {"input_ids": [*i, *end, *o, *end], "labels": [-100] * (len(i) + 1) + [*o, *end]}
            for i, o in zip(ids, targets, strict=True)
        ]
        collate = t.DataCollatorForSeq2Seq(tokenizer, pad_to_multiple_of=block)
        return model, dataset, collate, t.Trainer, t.TrainingArguments
    model = t.AutoModelForSeq2SeqLM.from_pretrained(place)
    dataset = [{"input_ids": i, "labels": o} for i, o in zip(ids, targets, strict=True)]
    collate = t.DataCollatorForSeq2Seq(tokenizer, model=model, pad_to_multiple_of=block)
    return model, dataset, collate, t.Seq2SeqTrainer, t.Seq2SeqTrainingArguments


def _lengths(row: dict[str, Any], kind: str) -> tuple[int, int]:
    if kind == "encoder":
        return len(row["input_ids"]), 0
    targets = sum(label != -100 for label in row["labels"])
    return len(row["input_ids"]) - (targets if kind == "decoder" else 0), targets


def _with_adapters(model: Any, kind: str) -> Any:
    from peft import LoraConfig, get_peft_model

    tasks = {"encoder": "SEQ_CLS", "decoder": "CAUSAL_LM", "encoder-decoder": "SEQ_2_SEQ_LM"}
    config = LoraConfig(
        task_type=tasks[kind], r=RANK, lora_alpha=ALPHA, lora_dropout=DROPOUT, target_modules="all-linear"
    )
    return get_peft_model(model, config)


def figures(arm: Arm, times: list[float], rows: list[tuple[int, int]], work: Work) -> dict[str, Any]:
    """Speed over the epochs after those that warm up, and the most memory of the device."""
    epochs = len(times) - arm.warm
    seconds = (times[-1] - times[arm.warm - 1]) / epochs
    tokens = sum(s + t for s, t in rows)
    flops = work.training(rows, adapters=arm.method == "lora")
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    most = peak(device, arm.precision)
    gib = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else None
    return {
        "tokens_per_second": round(tokens / seconds, 1),
        "step_ms": round(1000 * seconds / arm.steps, 2),
        "tflops": round(flops / seconds / 1e12, 3),
        "mfu": None if most is None else round(flops / seconds / most, 4),
        "peak_gib": None if gib is None else round(gib, 3),
        "tokens_of_epoch": tokens,
        "epochs_timed": epochs,
    }


def _forget_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
