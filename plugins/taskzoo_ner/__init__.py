"""Named entity recognition: the task this package registers (nothing heavy is imported here)."""

from collections.abc import Callable
from pathlib import Path

from taskzoo import Column, Extension, Option, TaskSpec, hookimpl
from taskzoo.heads.text_options import TEXT_COLUMNS

NER = TaskSpec(
    id="ner",
    contract=2,
    entry_point="taskzoo_ner.task:NerTask",
    summary="Find names of persons, places, organisations or anything else in text (token classification).",
    columns={
        "tokens": Column("the words of a sentence or document", names=("words", "token", "word")),
        "tags": Column(
            "one tag per word, IOB1, IOB2 or BIOES, e.g. B-PER",
            target=True,
            names=("ner_tags", "labels", "ner", "tag", "label", "word_labels", "named_entities"),
        ),
        "text": Column("plain text, instead of tokens", names=TEXT_COLUMNS["text"].names),
        "spans": Column(
            "entities in characters of the text: {start, end, label} or [start, end, label]",
            target=True,
            names=("entities", "annotations", "annotation"),
        ),
    },
    options={
        "head": Option("linear", "classifier over sub-token states", choices=("linear", "crf")),
        "decoding": Option(
            "constrained", "best valid tag sequence, or each word's best tag", choices=("constrained", "argmax")
        ),
        "scheme": Option("auto", "tag scheme of the data", choices=("auto", "IOB1", "IOB2", "BIOES", "BILOU", "IO")),
        "max_length": Option(
            0, "sub-tokens per window; longer rows get several (0: the model's limit, at most 512)", minimum=0
        ),
        "overlap": Option(-1, "sub-tokens of context on each side of a window (-1: an eighth)", minimum=-1),
    },
    formats=("conll", "jsonl", "json", "parquet", "lines"),
    demo="taskzoo_ner:demo",
    default_model="minilm",
    demo_model="minilm",
)


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``ner``."""
    register(NER)


@hookimpl
def taskzoo_register_readers(register: Callable[[Extension], None]) -> None:
    """Register the formats of annotation tools."""
    for name, place, summary in (
        ("label-studio", "label_studio:LabelStudio", "JSON export of Label Studio, for tasks with spans"),
        ("prodigy", "prodigy:Prodigy", "JSON lines of Prodigy, for tasks with spans"),
        ("brat", "brat:Brat", "texts and annotations of brat (.txt and .ann), for tasks with spans"),
        ("webanno", "webanno:WebAnno", "WebAnno TSV 3, for tasks with tags"),
        ("spacy", "spacy:SpacyPairs", "texts with entities as spaCy is trained on, for tasks with spans"),
        ("spacy-json", "spacy:SpacyJson", "JSON of spaCy 2, for tasks with tags"),
        ("word-spans", "word_spans:WordSpans", "JSON whose entities count words (GLiNER, DyGIE, W2NER, UIE)"),
        ("tagged-words", "inline:TaggedWords", "a sentence per line with a tag behind each word, as in Ada/B-PER"),
        ("marked-text", "inline:MarkedText", "a text per line with <PER>Ada</PER> or [Ada](PER) in it"),
        ("table", "token_table:TokenTable", "a CSV of words and tags with a column for the sentence"),
    ):
        register(Extension(name, f"taskzoo_ner.readers.{place}", summary))


@hookimpl
def taskzoo_register_catalogue(add: Callable[[Path], None]) -> None:
    """Add the recipes."""
    add(Path(__file__).with_name("recipes.yaml"))
