"""Translation: the task this package registers (nothing heavy is imported here)."""

from collections.abc import Callable
from pathlib import Path

from taskzoo import Column, Option, TaskSpec, hookimpl
from taskzoo.seq2seq.seq2seq_options import SEQ2SEQ_OPTIONS, SOURCE_NAMES, TARGET_NAMES

TRANSLATION = TaskSpec(
    id="translation",
    contract=2,
    entry_point="taskzoo_translation.task:TranslationTask",
    summary="Translate sentences from one language into another.",
    columns={
        "source": Column("the text to translate", required=True, names=SOURCE_NAMES, language="source_lang"),
        "target": Column(
            "its translation, or a list of several",
            required=True,
            target=True,
            names=TARGET_NAMES,
            language="target_lang",
        ),
    },
    options={
        "source_lang": Option("", "language of the sources, e.g. en (detected from the names of columns and files)"),
        "target_lang": Option("", "language of the targets, e.g. zh"),
        "filter": Option(
            "none",
            "suspicious training pairs: keep them, count them, or count and drop them",
            choices=("none", "report", "drop"),
        ),
        "bleu_tokenize": Option("", "BLEU tokenizer (default: zh, char or 13a, depending on the target language)"),
        "ter": Option(False, "also score the translation edit rate (slow for long texts)"),
        **SEQ2SEQ_OPTIONS,
    },
    formats=("jsonl", "json", "csv", "tsv", "parquet", "parallel", "tmx", "xliff", "po"),
    demo="taskzoo_translation:demo",
    default_model="opus-mt-en-zh",
    demo_model="scratch:marian-tiny",
    kinds=("encoder-decoder", "decoder", "encoder"),
)


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``translation``."""
    register(TRANSLATION)


@hookimpl
def taskzoo_register_catalogue(add: Callable[[Path], None]) -> None:
    """Add the recipes."""
    add(Path(__file__).with_name("recipes.yaml"))
