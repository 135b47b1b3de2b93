"""Translation: zoo against ``transformers.Seq2SeqTrainer`` on the same model, tokenizer, rows and number of tokens.

    python benchmarks/translation.py --data cmn.txt --source en --target zh --seeds 1 [--limit 8000] [--epochs 2]

``--data`` is a file of pairs without header, the source in one column and the target in another (``--columns 0 1``).
The script holds out ``--test`` rows by source sentence, once, makes one untrained checkpoint (``--model``, a
``scratch:`` name) with a tokenizer learnt from the training rows, and gives both to each arm, in a process of its own.
Both arms train for the same number of epochs, so on the same target tokens, with the same optimizer, peak rate, warm-up
and linear decay, 32 sentences in random order at a time; what differs is the loop (bf16, the loss over active positions
only, dropout and attention) and how it writes. With ``--pool 8`` zoo trains on batches of like lengths, drawn within
pools of 8 batches. Then both write greedily for the test rows, and the same code scores what they wrote.

Figures: target tokens a second in training (padding not counted), sentences a second in evaluation, loss per target
token on the test rows, BLEU, chrF.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import Figures, alternate, make_parser, mean_interval, peak_mib, train_peer

ARMS = ("peer", "zoo")
BATCH, POOL = 32, 1
RATE, WARMUP = 1e-3, 0.1
NEW_TOKENS = 64


def read_pairs(path: Path, columns: list[int]) -> list[dict[str, str]]:
    """The pairs of a file of tabs, which may have a byte order mark, more columns and stray carriage returns."""
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    cells = [line.rstrip("\r").split("\t") for line in lines if line.strip()]
    return [{"source": row[columns[0]].strip(), "target": row[columns[1]].strip()} for row in cells]


def hold_out(rows: list[dict[str, str]], test: int, limit: int | None) -> dict[str, list[dict[str, str]]]:
    """``train`` and ``test``; no source stands in both."""
    sources = sorted({row["source"] for row in rows})
    random.Random(0).shuffle(sources)
    held = set(sources[:test])
    train = [row for row in rows if row["source"] not in held]
    random.Random(1).shuffle(train)
    return {"train": train[:limit], "test": [row for row in rows if row["source"] in held][:test]}


def target_tokens(tokenizer: Any, rows: list[dict[str, str]]) -> int:
    """Target tokens of one epoch, end tokens included."""
    return sum(map(len, tokenizer(text_target=[row["target"] for row in rows])["input_ids"]))


def scores(texts: list[str], rows: list[dict[str, str]], language: str) -> Figures:
    """BLEU and chrF."""
    from taskzoo.metrics.translation import TranslationScores

    found = TranslationScores(language, ter=False).compute(
        predictions=[{"text": text} for text in texts], references=[{"targets": [row["target"]]} for row in rows]
    )
    return {name: float(value) for name, value in (found or {}).items()}


def run_peer(folder: Path, job: dict[str, Any], seed: int) -> Figures:
    """``Seq2SeqTrainer`` as its documentation shows it: dynamic padding, fp32, generation in batches of 8."""
    import torch
    from transformers import (
        AutoModelForSeq2SeqLM,
        AutoTokenizer,
        DataCollatorForSeq2Seq,
        Seq2SeqTrainer,
        Seq2SeqTrainingArguments,
        set_seed,
    )

    set_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(job["checkpoint"])
    model = AutoModelForSeq2SeqLM.from_pretrained(job["checkpoint"])

    def encode(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
        sources = tokenizer([row["source"] for row in rows])["input_ids"]
        targets = tokenizer(text_target=[row["target"] for row in rows])["input_ids"]
        return [{"input_ids": s, "labels": t} for s, t in zip(sources, targets, strict=True)]

    arguments = Seq2SeqTrainingArguments(
        output_dir=str(folder / f"peer-{seed}"),
        seed=seed,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        per_device_train_batch_size=BATCH,
        num_train_epochs=job["epochs"],
        learning_rate=RATE,
        warmup_steps=WARMUP,
        weight_decay=0.01,
        lr_scheduler_type="linear",
        predict_with_generate=True,
        generation_max_length=NEW_TOKENS,
        use_cpu=not torch.cuda.is_available(),
    )
    trainer = Seq2SeqTrainer(
        model=model,
        args=arguments,
        train_dataset=encode(job["train"]),
        processing_class=tokenizer,
        data_collator=DataCollatorForSeq2Seq(tokenizer, model=model),
    )
    figures = train_peer(trainer)
    before = time.perf_counter()
    output = trainer.predict(encode(job["test"]))
    seconds = time.perf_counter() - before
    ids = [[i if i >= 0 else tokenizer.pad_token_id for i in row] for row in output.predictions.tolist()]
    texts = [text.strip() for text in tokenizer.batch_decode(ids, skip_special_tokens=True)]
    return {
        **figures,
        "evaluation": seconds,
        **scores(texts, job["test"], job["target"]),
        "peak_mib": peak_mib(),
        "loss": exact_loss(model, tokenizer, job["test"]),
    }


def run_zoo(folder: Path, job: dict[str, Any], seed: int) -> Figures:
    """``zoo run translation``; each batch holds the like lengths of a pool of batches."""
    import taskzoo

    run = taskzoo.finetune(
        "translation",
        model=job["checkpoint"],
        train=job["train"],
        validation=[],
        test=job["test"],
        source_lang=job["source"],
        target_lang=job["target"],
        epochs=job["epochs"],
        learning_rate=RATE,
        warmup=WARMUP,
        batch_size=BATCH,
        length_pool=job["pool"],
        label_smoothing=0.0,
        max_new_tokens=NEW_TOKENS - 1,
        seed=seed,
        output=folder / f"zoo-{seed}",
    )
    manifest = json.loads((run.path / "manifest.json").read_text(encoding="utf-8"))
    lines = (run.path / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    figures = {"wall": manifest["seconds"]["train_and_validate"], "cpu": manifest["seconds"]["train_and_validate_cpu"]}
    return {
        **figures,
        "trained": 1.0,
        "evaluation": manifest["seconds"]["predict_test"],
        **scores(texts, job["test"], job["target"]),
        "peak_mib": peak_mib(),
        "loss": exact_loss(run.model, run.tokenizer, job["test"]),
    }


def exact_loss(model: Any, tokenizer: Any, rows: list[dict[str, str]]) -> float:
    """Cross-entropy per target token in fp32, by plain ``transformers``, one sentence at a time."""
    import torch

    model.eval()
    total, tokens = 0.0, 0
    with torch.no_grad():
        for row in rows:
            source = tokenizer(row["source"], return_tensors="pt")
            labels = tokenizer(text_target=row["target"], return_tensors="pt")["input_ids"]
            total += float(model(**source, labels=labels).loss) * labels.numel()
            tokens += labels.numel()
    return total / tokens


def summarise(results: dict[str, list[Figures]], job: dict[str, Any]) -> str:
    """A Markdown table with ratios to the peer, paired by seed."""
    heads = ["arm", "seeds", "BLEU", "chrF", "test loss", "train tok/s", "eval sent/s", "peak MiB", "train ×", "eval ×"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    peers = {run["seed"]: run for run in results.get("peer", [])}
    for arm, runs in results.items():
        pairs = [(peers[run["seed"]], run) for run in runs if run["seed"] in peers]
        rates = [job["tokens"] / run["wall"] for run in runs], [len(job["test"]) / run["evaluation"] for run in runs]
        means = [sum(p[k] / r[k] for p, r in pairs) / max(1, len(pairs)) for k in ("wall", "evaluation")]
        ratios = [f"{mean:.2f}" if pairs else "–" for mean in means]
        cells = [
            arm,
            str(len(runs)),
            *(mean_interval([run[k] for run in runs]) for k in ("bleu", "chrf", "loss")),
            *(f"{sum(values) / len(values):.0f}" for values in rates),
            f"{sum(run['peak_mib'] for run in runs) / len(runs):.0f}",
            *ratios,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def make_checkpoint(name: str, rows: list[dict[str, str]], folder: Path) -> str:
    """The untrained checkpoint that both arms start from."""
    from taskzoo.models.refs import resolve_model
    from taskzoo.models.scratch import ScratchRecipe, make_scratch

    folder.mkdir()
    sources, targets = [row["source"] for row in rows], [row["target"] for row in rows]
    return make_scratch(resolve_model(name), ScratchRecipe(sources, targets), folder).location


def main() -> None:
    """The command line."""
    parser = make_parser(__doc__, ARMS, ARMS)
    parser.add_argument("--data", type=Path, required=True, help="a file of pairs")
    parser.add_argument("--columns", type=int, nargs=2, default=[0, 1], help="of source and target, from 0")
    parser.add_argument("--source", default="en")
    parser.add_argument("--target", default="zh")
    parser.add_argument("--model", default="scratch:marian-tiny")
    parser.add_argument("--epochs", type=float, default=4.0)
    parser.add_argument("--limit", type=int, help="training pairs: enough for a ratio of times")
    parser.add_argument("--test", type=int, default=1000)
    parser.add_argument("--pool", type=int, default=POOL, help="batches whose sentences zoo sorts by length together")
    arguments = parser.parse_args()
    if arguments.one:
        job = json.loads((arguments.data / "job.json").read_text(encoding="utf-8"))
        run = run_peer if arguments.one == "peer" else run_zoo
        print(json.dumps(run(arguments.data, job, arguments.seeds[0])))
        return
    splits = hold_out(read_pairs(arguments.data, arguments.columns), arguments.test, arguments.limit)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = make_checkpoint(arguments.model, splits["train"], Path(folder) / "checkpoint")
        from transformers import AutoTokenizer

        tokens = target_tokens(AutoTokenizer.from_pretrained(checkpoint), splits["train"]) * arguments.epochs
        job = {
            **splits,
            "checkpoint": checkpoint,
            "source": arguments.source,
            "target": arguments.target,
            "epochs": arguments.epochs,
            "tokens": tokens,
            "pool": arguments.pool,
        }
        (Path(folder) / "job.json").write_text(json.dumps(job), encoding="utf-8")
        results = alternate(__file__, Path(folder), arguments)
    print(f"{len(splits['train'])} training pairs, {tokens:.0f} target tokens, {len(splits['test'])} test pairs\n")
    print(summarise(results, job))


if __name__ == "__main__":
    sys.exit(main())
