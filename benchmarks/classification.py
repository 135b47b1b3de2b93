"""Classification: zoo against ``transformers.Trainer`` set as the library's ``run_classification.py`` example sets it.

    python benchmarks/classification.py --data FOLDER --seeds 1 2 3 [--peer-seeds 1] [--arms peer zoo lora] [--out F]

FOLDER holds BANKING77 (train.csv, test.csv) or the sentence polarity data (rt-polarity.pos, rt-polarity.neg). The
script holds out a tenth of the training rows once, for validation; all arms train on the very same rows. Every arm runs
in a process of its own, in turn, once per seed, and all are scored by the same code on the same test rows. The time is
that of training: for the peer ``trainer.train()``, for zoo training *and* its validation after each epoch, which the
peer does not do.

``peer`` pads every text to 128 tokens, as the example does by default; ``peer-dynamic`` is the same but pads to the
longest of each batch (the example's ``--pad_to_max_length False``). ``peer-best`` has the best flags for a CPU
(``common.peer_flags``: bf16, batches of similar length; of 32, which take less time than zoo's of 16) and the rate and
warm-up of zoo; ``peer-best-validated`` also scores the validation rows after each epoch, writes a checkpoint and ends
with the best one, as zoo does. ``-fp32`` arms compute in float32, ``-1-epoch`` arms train for one epoch, the others
for three, and ``-of-8`` ones on batches of 8.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from common import (
    PEER_ARMS,
    ZOO_ARMS,
    Figures,
    alternate,
    make_parser,
    peak_mib,
    peer_flags,
    summarise,
    train_peer,
    zoo_figures,
    zoo_settings,
)
from texts import SPLITS, Texts, at_most, hold_out, read_csv, read_folder, score, write_csv

MODEL = "minilm"
PEER_BATCH = 32
ARMS = (*PEER_ARMS, "peer-dynamic", *ZOO_ARMS)
MAX_LENGTH = 128


def run_peer(data: Path, seed: int, folder: Path, *, padded: bool, flags: Figures) -> tuple[Figures, list[str]]:
    """``Trainer`` with ``flags`` over the example's: batch 8, 5e-5 without warm-up, 3 epochs, fp32, 128 tokens."""
    import torch
    from sklearn.metrics import f1_score
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        Trainer,
        TrainingArguments,
        default_data_collator,
        set_seed,
    )

    from taskzoo import registry

    checkpoint = str(registry.model_path(registry.model(MODEL)))
    set_seed(seed)
    train, test = read_csv(data / "train.csv"), read_csv(data / "test.csv")
    labels = sorted({label for _, label in train})
    label_ids = {label: i for i, label in enumerate(labels)}
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)

    def encode(rows: Texts) -> list[dict[str, Any]]:
        texts = [text for text, _ in rows]
        encoded = tokenizer(texts, padding="max_length" if padded else False, max_length=MAX_LENGTH, truncation=True)
        return [{key: values[i] for key, values in encoded.items()} for i in range(len(rows))]

    def labelled(rows: Texts) -> list[dict[str, Any]]:
        return [{**example, "label": label_ids[label]} for example, (_, label) in zip(encode(rows), rows, strict=True)]

    model = AutoModelForSequenceClassification.from_pretrained(
        checkpoint, id2label=dict(enumerate(labels)), label2id=label_ids, num_labels=len(labels)
    )
    arguments = TrainingArguments(
        output_dir=str(folder),
        seed=seed,
        report_to="none",
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
        **flags,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=labelled(train),
        eval_dataset=labelled(read_csv(data / "validation.csv")) if "eval_strategy" in flags else None,
        compute_metrics=lambda out: {"f1": f1_score(out.label_ids, out.predictions.argmax(1), average="macro")},
        processing_class=tokenizer,
        data_collator=default_data_collator if padded else None,
    )
    figures = train_peer(trainer)
    trainer.compute_metrics = None
    output = trainer.predict(encode(test))
    return figures, [labels[i] for i in output.predictions.argmax(axis=1)]


def run_zoo(data: Path, seed: int, folder: Path, *, arm: str) -> tuple[Figures, list[str]]:
    """``zoo run classification`` with the recipe's defaults."""
    import taskzoo

    given: dict[str, Any] = {split: str(data / f"{split}.csv") for split in SPLITS} | zoo_settings(arm)
    run = taskzoo.finetune("classification", model=MODEL, seed=seed, output=folder / "run", **given)
    figures, rows = zoo_figures(run.path)
    gold = [label for _, label in read_csv(data / "test.csv")]
    if [row["reference"]["label"] for row in rows] != gold:
        sys.exit("The run's test rows are not those of the file.")
    return figures, [row["label"] for row in rows]


def run_arm(arm: str, data: Path, seed: int) -> Figures:
    """Train and score one arm in this process."""
    with tempfile.TemporaryDirectory() as folder:
        if arm.startswith("peer"):
            flags = peer_flags(arm, PEER_BATCH)
            figures, predicted = run_peer(data, seed, Path(folder), padded=arm == "peer", flags=flags)
        else:
            figures, predicted = run_zoo(data, seed, Path(folder), arm=arm)
    gold = [label for _, label in read_csv(data / "test.csv")]
    return {**figures, **score(predicted, gold), "peak_mib": peak_mib()}


def main() -> None:
    """The command line."""
    parser = make_parser(__doc__, ARMS, ["peer", "zoo", "lora"])
    parser.add_argument("--data", type=Path, required=True, help="folder of BANKING77 or of the sentence polarity data")
    parser.add_argument("--limit", type=int, help="at most this many rows of each split: enough for a ratio of times")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(run_arm(arguments.one, arguments.data, arguments.seeds[0])))
        return
    splits = {name: at_most(rows, arguments.limit) for name, rows in read_folder(arguments.data).items()}
    splits["train"], splits["validation"] = hold_out(splits["train"], 0.1, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        for name, rows in splits.items():
            write_csv(Path(folder) / f"{name}.csv", rows)
        results = alternate(__file__, Path(folder), arguments)
    print(", ".join(f"{len(splits[name])} {name} rows" for name in SPLITS) + "\n")
    print(summarise(results, {"accuracy": "accuracy", "f1_macro": "macro F1"}))


if __name__ == "__main__":
    main()
