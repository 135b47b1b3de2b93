"""Summarization: the task this package registers (nothing heavy is imported here)."""

from collections.abc import Callable
from pathlib import Path

from taskzoo import Column, Option, TaskSpec, hookimpl
from taskzoo.seq2seq.seq2seq_options import SEQ2SEQ_OPTIONS, SOURCE_NAMES, TARGET_NAMES

SUMMARIZATION = TaskSpec(
    id="summarization",
    contract=2,
    entry_point="taskzoo_summarization.task:SummarizationTask",
    summary="Generate a short summary of a text.",
    columns={
        "source": Column(
            "the text, or a list of its sentences",
            required=True,
            names=(*SOURCE_NAMES, "text", "content", "正文", "全文"),
        ),
        "target": Column(
            "its summary, or a list of several", required=True, target=True, names=(*TARGET_NAMES, "abstract")
        ),
    },
    options={
        "language": Option("", "language of the texts, e.g. en (detected where their script says it)"),
        "references": Option(
            "best",
            "for rows with several summaries: score against the best one or all",
            choices=("best", "all"),
        ),
        "stemming": Option(False, "ROUGE on word stems (English only), as many papers report it"),
        **SEQ2SEQ_OPTIONS,
    },
    demo="taskzoo_summarization:demo",
    default_model="t5-small",
    demo_model="scratch:marian-tiny",
    kinds=("encoder-decoder", "decoder", "encoder"),
)


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``summarization``."""
    register(SUMMARIZATION)


@hookimpl
def taskzoo_register_catalogue(add: Callable[[Path], None]) -> None:
    """Add the recipes."""
    add(Path(__file__).with_name("recipes.yaml"))
