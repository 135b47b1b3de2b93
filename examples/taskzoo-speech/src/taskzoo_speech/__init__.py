"""Speech recognition: the task that this package registers (nothing heavy is imported here)."""

from collections.abc import Callable
from pathlib import Path

from taskzoo import Column, Option, TaskSpec, hookimpl

SPEECH = TaskSpec(
    id="speech",
    contract=2,
    entry_point="taskzoo_speech.task:SpeechTask",
    summary="Transcribe speech, character by character (CTC).",
    columns={
        "audio": Column(
            "a WAV file, or its samples",
            required=True,
            path=True,
            names=("path", "file", "audio_filepath", "file_name", "wav"),
        ),
        "start": Column("seconds at which it starts in the file", names=("offset",)),
        "duration": Column("seconds that it lasts"),
        "text": Column(
            "what is said",
            required=True,
            target=True,
            names=("transcript", "transcription", "sentence", "normalized_text"),
        ),
    },
    options={
        "case": Option("lower", "letters of the transcripts", choices=("lower", "keep")),
        "max_seconds": Option(30.0, "longest audio of a training row; longer ones are left out", minimum=0.1),
    },
    formats=("jsonl", "json", "csv", "tsv", "parquet"),
    demo="taskzoo_speech:demo",
    default_model="scratch:wav2vec2-tiny",
    kinds=("encoder",),
    text_input="audio",
    scratch_models=("wav2vec2-tiny",),
)


@hookimpl
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Register ``speech``."""
    register(SPEECH)


@hookimpl
def taskzoo_register_catalogue(add: Callable[[Path], None]) -> None:
    """Add the recipes."""
    add(Path(__file__).with_name("recipes.yaml"))
