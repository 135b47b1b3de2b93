"""NER on WNUT-17: zoo against ``transformers.Trainer`` set as the library's ``run_ner.py`` example sets it.

    python benchmarks/ner.py --data path/to/wnut17 --seeds 1 2 3 [--arms peer zoo lora] [--limit N] [--out results.json]

Every arm runs in a process of its own, in turn, once per seed. Both are scored by the same code: strict spans
(an entity is B-X followed by I-X) and seqeval's default reading. The time is that of training: for the peer
``trainer.train()``, for zoo training *and* its validation after each epoch, which ``peer`` does not do.

``peer-best`` has the best flags for a CPU (``common.peer_flags``: bf16, batches of similar length) and the batch size,
rate and warm-up of zoo; ``peer-best-validated`` also scores the validation rows after each epoch, writes a checkpoint
and ends with the best one, as zoo does. ``-fp32`` arms compute in float32, and ``-1-epoch`` arms train for one epoch,
where the others have three, and ``-of-8`` ones on batches of 8.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
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

FILES = {"train": "wnut17train.conll", "validation": "emerging.dev.conll", "test": "emerging.test.annotated"}
MODEL = "minilm"
BATCH_SIZE = 16
ARMS = (*PEER_ARMS, *ZOO_ARMS)


def read_conll(path: Path) -> tuple[list[list[str]], list[list[str]]]:
    """Tokens and tags of a two-column file."""
    from taskzoo import registry
    from taskzoo.data.readers import ReadRequest, read_rows

    rows = read_rows(path, ReadRequest(registry.task("ner"), format="conll"))
    return [row["tokens"] for row in rows], [row["tags"] for row in rows]


def shorten(given: Path, file: Path, limit: int | None) -> None:
    """Write the first ``limit`` sentences of a file, or all, to another one; an empty line ends a sentence."""
    sentences = re.split(r"\n\s*\n", given.read_text(encoding="utf-8").strip())
    file.write_text("\n\n".join(sentences[:limit]) + "\n", encoding="utf-8")


def run_peer(data: Path, seed: int, folder: Path, flags: Figures) -> tuple[Figures, list[list[str]]]:
    """``Trainer`` with ``flags`` over ``run_ner.py``'s: batch 8, 5e-5, 3 epochs, fp32, first sub-token labelled."""
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
        output_dir=str(folder),
        seed=seed,
        report_to="none",
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
        **flags,
    )

    def tags_of(output: Any) -> Iterator[tuple[list[str], list[str]]]:
        """The predicted tags of the words that have a sub-token, and their own."""
        for row, ids in zip(np.argmax(output.predictions, axis=2), output.label_ids, strict=True):
            known = ids != -100
            yield [labels[i] for i in row[known]], [labels[i] for i in ids[known]]

    def scores(output: Any) -> dict[str, float]:
        predicted, gold = zip(*tags_of(output), strict=True)
        return score(predicted, gold)

    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=encode(train_tokens, train_tags),
        eval_dataset=encode(*read_conll(data / FILES["validation"])) if "eval_strategy" in flags else None,
        compute_metrics=scores,
        processing_class=tokenizer,
        data_collator=DataCollatorForTokenClassification(tokenizer),
    )
    figures = train_peer(trainer)
    trainer.compute_metrics = None
    output = trainer.predict(encode(test_tokens, test_tags))
    # words that were cut off or have no sub-token count as O
    return figures, [
        (found + ["O"] * len(tags))[: len(tags)] for (found, _), tags in zip(tags_of(output), test_tags, strict=True)
    ]


def run_zoo(data: Path, seed: int, folder: Path, *, arm: str) -> tuple[Figures, list[list[str]]]:
    """``zoo run ner`` with the recipe's defaults."""
    import taskzoo

    given: dict[str, Any] = {split: str(data / name) for split, name in FILES.items()} | zoo_settings(arm)
    run = taskzoo.finetune("ner", model=MODEL, seed=seed, output=folder / "run", **given)
    figures, rows = zoo_figures(run.path)
    return figures, [row["tags"] for row in rows]


def score(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> dict[str, float]:
    """Strict span F1, and seqeval's default."""
    from seqeval.metrics import f1_score
    from seqeval.scheme import IOB2

    return {
        "f1": float(f1_score(gold, predicted, mode="strict", scheme=IOB2)),
        "f1_seqeval": float(f1_score(gold, predicted)),
    }


def run_arm(arm: str, data: Path, seed: int) -> Figures:
    """Train and score one arm in this process."""
    with tempfile.TemporaryDirectory() as folder:
        if arm.startswith("peer"):
            figures, predicted = run_peer(data, seed, Path(folder), peer_flags(arm, BATCH_SIZE))
        else:
            figures, predicted = run_zoo(data, seed, Path(folder), arm=arm)
    _, gold = read_conll(data / FILES["test"])
    return {**figures, **score(predicted, gold), "peak_mib": peak_mib()}


def main() -> None:
    """The command line."""
    parser = make_parser(__doc__, ARMS, ("peer", "zoo", "lora"))
    parser.add_argument("--data", type=Path, required=True, help="folder with the three WNUT-17 files")
    parser.add_argument("--limit", type=int, help="the first sentences of each file only: enough for a ratio of times")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(run_arm(arguments.one, arguments.data, arguments.seeds[0])))
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in FILES.values():
            shorten(arguments.data / name, Path(folder) / name, arguments.limit)
        results = alternate(__file__, Path(folder), arguments)
    print(summarise(results, {"f1": "strict F1", "f1_seqeval": "F1 (seqeval)"}))


if __name__ == "__main__":
    main()
