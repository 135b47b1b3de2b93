"""NER on WNUT-17: zoo against ``transformers.Trainer`` set as the library's ``run_ner.py`` example sets it.

    python benchmarks/ner.py --data path/to/wnut17 --seeds 1 2 3 [--arms peer zoo lora] [--out results.json]

Every arm runs in a process of its own, in turn, once per seed. Both are scored by the same code: strict spans
(an entity is B-X followed by I-X) and seqeval's default reading. The time is that of training: for the peer
``trainer.train()``, for zoo training *and* its validation after each epoch, which the peer does not do.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FILES = {"train": "wnut17train.conll", "validation": "emerging.dev.conll", "test": "emerging.test.annotated"}
MODEL = "minilm"
ARMS = ("peer", "zoo", "lora")


def read_conll(path: Path) -> tuple[list[list[str]], list[list[str]]]:
    """Tokens and tags of a two-column file."""
    from taskzoo.data import read_rows

    rows = read_rows(path, formats=("conll",), roles={"tokens": "", "tags": ""})
    return [row["tokens"] for row in rows], [row["tags"] for row in rows]


def run_peer(data: Path, seed: int, folder: Path) -> dict[str, Any]:
    """``Trainer`` with ``run_ner.py``'s defaults: batch 8, 5e-5, 3 epochs, fp32, first sub-token labelled."""
    import numpy as np
    import torch
    from transformers import (
        AutoModelForTokenClassification,
        AutoTokenizer,
        DataCollatorForTokenClassification,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    from taskzoo import registry

    checkpoint = str(registry.model_path(registry.model(MODEL)))
    set_seed(seed)
    train_tokens, train_tags = read_conll(data / FILES["train"])
    test_tokens, test_tags = read_conll(data / FILES["test"])
    labels = sorted({tag for tags in train_tags for tag in tags})
    label_ids = {label: i for i, label in enumerate(labels)}
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)

    def encode(tokens: list[list[str]], tags: list[list[str]]) -> list[dict[str, Any]]:
        encoded = tokenizer(tokens, truncation=True, is_split_into_words=True, padding=False)
        examples = []
        for i, sentence in enumerate(tags):
            previous, ids = None, []
            for word in encoded.word_ids(i):
                ids.append(-100 if word is None or word == previous else label_ids[sentence[word]])
                previous = word
            examples.append(
                {
                    "input_ids": encoded["input_ids"][i],
                    "attention_mask": encoded["attention_mask"][i],
                    "token_type_ids": encoded["token_type_ids"][i],
                    "labels": ids,
                }
            )
        return examples

    model = AutoModelForTokenClassification.from_pretrained(
        checkpoint, id2label=dict(enumerate(labels)), label2id=label_ids, num_labels=len(labels)
    )
    arguments = TrainingArguments(
        output_dir=str(folder), seed=seed, num_train_epochs=3, save_strategy="no", report_to="none", disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
    )  # fmt: skip
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=encode(train_tokens, train_tags),
        processing_class=tokenizer,
        data_collator=DataCollatorForTokenClassification(tokenizer),
    )
    wall, cpu = time.perf_counter(), time.process_time()
    trainer.train()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    output = trainer.predict(encode(test_tokens, test_tags))
    best = np.argmax(output.predictions, axis=2)
    predicted = []
    for row, ids, tags in zip(best, output.label_ids, test_tags, strict=True):
        found = [labels[p] for p, gold in zip(row, ids, strict=True) if gold != -100]
        # words that were cut off or have no sub-token count as O
        predicted.append((found + ["O"] * len(tags))[: len(tags)])
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return {"wall": wall, "cpu": cpu, "predicted": predicted, "trained": trainable / model.num_parameters()}


def run_zoo(data: Path, seed: int, folder: Path, *, lora: bool) -> dict[str, Any]:
    """``zoo run ner`` with the recipe's defaults."""
    import taskzoo

    files: dict[str, Any] = {split: str(data / name) for split, name in FILES.items()}
    run = taskzoo.finetune("ner", model=MODEL, seed=seed, lora=lora, output=folder / "run", **files)
    manifest = json.loads((run.path / "manifest.json").read_text(encoding="utf-8"))
    rows = [json.loads(line) for line in (run.path / "predictions.jsonl").read_text(encoding="utf-8").splitlines()]
    model = manifest["model"]
    return {
        "wall": manifest["seconds"]["train_and_validate"],
        "cpu": manifest["seconds"]["train_and_validate_cpu"],
        "predicted": [row["tags"] for row in rows],
        "trained": model["trainable"] / model["parameters"],
    }


def score(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> dict[str, float]:
    """Strict span F1, and seqeval's default."""
    from seqeval.metrics import f1_score
    from seqeval.scheme import IOB2

    return {
        "f1": float(f1_score(gold, predicted, mode="strict", scheme=IOB2)),
        "f1_seqeval": float(f1_score(gold, predicted)),
    }


def run_arm(arm: str, data: Path, seed: int) -> dict[str, Any]:
    """Train and score one arm in this process."""
    with tempfile.TemporaryDirectory() as folder:
        if arm == "peer":
            result = run_peer(data, seed, Path(folder))
        else:
            result = run_zoo(data, seed, Path(folder), lora=arm == "lora")
    _, gold = read_conll(data / FILES["test"])
    scores = score(result.pop("predicted"), gold)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**result, **scores, "peak_mib": peak}


def summarise(results: dict[str, list[dict[str, Any]]]) -> str:
    """A Markdown table: mean over seeds with its 95% t-interval, and ratios to the peer paired by seed."""
    lines = [
        "| arm | strict F1 | F1 (seqeval) | train wall s | train CPU s | peak MiB | trained | wall ratio | CPU ratio |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for arm, runs in results.items():
        peers = results.get("peer", [])
        pairs = list(zip(peers, runs, strict=False))
        ratio = {k: statistics.mean(p[k] / r[k] for p, r in pairs) if pairs else float("nan") for k in ("wall", "cpu")}
        cells = [
            mean_interval([r["f1"] for r in runs]),
            mean_interval([r["f1_seqeval"] for r in runs]),
            f"{statistics.mean(r['wall'] for r in runs):.0f}",
            f"{statistics.mean(r['cpu'] for r in runs):.0f}",
            f"{statistics.mean(r['peak_mib'] for r in runs):.0f}",
            f"{runs[0]['trained']:.1%}",
            f"{ratio['wall']:.2f}",
            f"{ratio['cpu']:.2f}",
        ]
        lines.append(f"| {arm} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def mean_interval(values: Sequence[float]) -> str:
    """``mean ± half-width`` of the 95% t-interval over seeds."""
    from scipy.stats import t

    mean = statistics.mean(values)
    if len(values) < 2:
        return f"{mean:.3f}"
    half = t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    return f"{mean:.3f} ± {half:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the three WNUT-17 files")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=["peer", "zoo", "lora"])
    parser.add_argument("--out", type=Path, help="write all figures here as JSON")
    parser.add_argument("--one", choices=ARMS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(run_arm(arguments.one, arguments.data, arguments.seeds[0])))
        return
    results: dict[str, list[dict[str, Any]]] = {arm: [] for arm in arguments.arms}
    for seed in arguments.seeds:
        for arm in arguments.arms:
            command = [sys.executable, __file__, "--data", str(arguments.data), "--one", arm, "--seeds", str(seed)]
            done = subprocess.run(
                command, capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"}, check=False
            )
            if done.returncode:
                sys.exit(f"{arm}, seed {seed} failed:\n{done.stderr[-3000:]}")
            results[arm].append(json.loads(done.stdout.splitlines()[-1]))
            shown = {k: round(v, 4) for k, v in results[arm][-1].items()}
            print(f"seed {seed} {arm}: {shown}", file=sys.stderr, flush=True)
            if arguments.out:
                arguments.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(summarise(results))


if __name__ == "__main__":
    main()
