"""When the engine calls which member of a task.

``tests/docs/test_contract.py`` records real runs and compares them with this; ``docs/generate_contract.py`` makes the
tables of docs/contract.md from it.
"""

from __future__ import annotations

RUN: dict[str, tuple[str, ...]] = {
    "the task is made": ("__init__",),
    "rows are read, split and compared": (
        "incomplete_rows",
        "prepare",
        "group",
        "filter_train_rows",
        "augment",
        "dedup_key",
    ),
    "the task learns from training rows": ("fit", "describe", "references"),
    "the checkpoint is opened": ("load_processor", "configure"),
    "rows are encoded, and two of them go the whole way": (
        "encode",
        "head",
        "collator",
        "forward",
        "predict_batch",
        "decode",
        "loss",
        "assemble",
        "metrics",
    ),
    "training is set up": ("vocabulary_texts", "state", "pack", "has_baseline", "score_of", "token_ids"),
    "after training": ("tune", "logit_scaling", "plain_use"),
}
"""Stage of a run with ``--method full`` -> members in the order of their first calls."""

LOAD = ("__init__", "restore", "load_processor", "configure", "head", "collator")
"""A finished run is loaded."""

PREDICT = ("prepare", "encode", "forward", "predict_batch", "decode", "assemble")
"""A loaded run predicts."""

EVALUATE = (*PREDICT[:-1], "loss", "assemble", "remarks", "references", "metrics")
"""A loaded run is scored on labelled rows."""

ELSEWHERE: dict[str, tuple[str, str]] = {
    "migrate": ("a run of an older `state_version` is loaded", "runs/identity.py"),
    "extend": ("a run goes on from another (`--from`), in the place of `fit`", "runs/learnt.py"),
    "telling_rows": ("rows are kept on disk (`--set on_disk=true`), before they are prepared", "runs/large.py"),
    "make_scratch": ("`--model scratch:NAME` names one of `TaskSpec.scratch_models`", "runs/loading.py"),
    "token_target": ("a linear probe is fitted", "engine/probe.py"),
    "logit_targets": ("R-Drop or distillation is asked for", "engine/strategies/checks.py"),
    "target_logits": ("training with R-Drop or distillation", "engine/strategies/rdrop.py"),
    "class_weightings": ("a linear probe is fitted", "engine/probe.py"),
    "weigh_classes": ("a linear probe is fitted", "engine/probe.py"),
    "classes": ("rows are counted by class (`--shots`, learning curves, `--method auto`)", "methods/auto.py"),
    "languages": ("files are read for columns that have a language", "runs/data.py"),
    "input_roles": ("`run.predict` gets a tuple of texts", "runs/inputs.py"),
    "empty_prediction": ("a row to predict is blank", "runs/load.py"),
    "abstain": ("predicting with `--min-confidence`", "runs/load.py"),
    "calibration_note": ("predicting with `--min-confidence`", "runs/load.py"),
    "label_sets": ("predicting with `--coverage`", "runs/load.py"),
    "evidence": ("`zoo explain` asks", "explanations/asking.py"),
    "quick_baseline_rows": ("there is a `baseline`, and the run was not asked for it", "runs/baseline.py"),
    "baseline": ("it was written, and is asked for or quick", "runs/baseline.py"),
}
"""Members that a plain run never calls -> when core calls them, and a file of core that does."""
