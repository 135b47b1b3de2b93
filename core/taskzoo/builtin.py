"""What the core itself brings, by the same hooks as any other plugin (nothing heavy is imported here)."""

from __future__ import annotations

from collections.abc import Callable

from taskzoo import Extension, hookimpl

Register = Callable[[Extension], None]


@hookimpl
def taskzoo_register_methods(register: Register) -> None:
    """Register the training methods."""
    for name, place, summary in (
        ("auto", "auto:Auto", "fit a linear probe, then train all weights from it; keep the better (default)"),
        ("full", "full:Full", "train all weights"),
        ("lora", "lora:Lora", "train low-rank adapters and the head"),
        ("linear-probe", "linear_probe:LinearProbe", "train only the head, on frozen features"),
        ("contrastive", "contrastive:Contrastive", "train the encoder on pairs of texts, then the head (SetFit)"),
        ("none", "none:Untrained", "train nothing: predict with the pretrained model as it is"),
    ):
        register(Extension(name, f"taskzoo.methods.{place}", summary))


@hookimpl
def taskzoo_register_readers(register: Register) -> None:
    """Register the file formats."""
    for name, place, summary in (
        ("jsonl", "objects:JsonLines", "one JSON object per line"),
        ("json", "objects:JsonArray", "a JSON array of objects"),
        ("csv", "tables:Csv", "comma-separated values with a header"),
        ("tsv", "tables:Tsv", "tab-separated values with a header"),
        ("parquet", "parquet:Parquet", "Apache Parquet"),
        ("fasttext", "fasttext:FastText", "one text per line with __label__NAME"),
        ("conll", "conll:Conll", "one token per line, empty lines between sentences"),
        ("lines", "lines:Lines", "plain text, one input per line, for prediction"),
        ("classes", "text_classes:TextClasses", "one file or folder of texts per class"),
        ("parallel", "parallel:ParallelFiles", "two text files, line by line"),
        ("tmx", "tmx:Tmx", "Translation Memory eXchange"),
        ("xliff", "xliff:Xliff", "XML Localization Interchange File Format"),
        ("po", "po:Po", "message catalogues of GNU gettext"),
        ("prodigy-labels", "labelling_tools:ProdigyLabels", "JSON lines of Prodigy, for tasks with labels of texts"),
        ("prodigy-texts", "labelling_tools:ProdigyTexts", "JSON lines of Prodigy, for tasks that generate text"),
        (
            "label-studio-choices",
            "labelling_tools:LabelStudioChoices",
            "JSON export of Label Studio, for labels of texts",
        ),
        ("label-studio-texts", "labelling_tools:LabelStudioTexts", "the same, for tasks that generate text"),
        ("doccano", "doccano:Doccano", "JSON lines of doccano, for tasks with spans"),
        ("doccano-texts", "doccano:DoccanoTexts", "the same, for tasks that generate text"),
        ("spacy-labels", "spacy_labels:SpacyLabels", "texts with cats as spaCy is trained on, for labels of texts"),
    ):
        register(Extension(name, f"taskzoo.data.readers.{place}", summary))


@hookimpl
def taskzoo_register_commands(register: Register) -> None:
    """Register the commands."""
    for name, place, summary in (
        ("run", "run:run", "Fine-tune a model."),
        ("resume", "resume:resume", "Resume an interrupted run."),
        ("eval", "evaluate:evaluate", "Score a finished run on a file."),
        ("report", "report:report", "Write a page about a finished run."),
        ("predict", "predict:predict", "Predict with a finished run."),
        ("audit", "audit:audit", "Find slices, words and groups for which a run is worse."),
        ("explain", "explain:explain", "Show which words speak for a prediction."),
        ("compare", "compare:compare", "Compare runs on the same rows, with intervals and tests."),
        ("runs", "runs:runs", "List the runs in a folder."),
        ("serve", "serve:serve", "Answer over HTTP with finished runs."),
        ("export", "export:export", "Export a finished run to ONNX."),
        ("push", "push:push", "Push a finished run to the hub."),
        ("tasks", "tasks:tasks", "List the tasks."),
        ("models", "models:models", "List the models of the catalogue."),
        ("datasets", "datasets:datasets", "List the data sets of the catalogue."),
        ("plugins", "plugins:plugins", "List the plugins and what they bring."),
        ("info", "info:info", "Show a task, a model or a data set."),
        ("inspect", "inspect:inspect", "Inspect a data set without training."),
        ("recommend", "recommend:recommend", "Recommend a model and method for your rows."),
        ("tune", "tune:tune", "Search settings by validation score."),
        ("labels", "labels:labels", "Find labels that look wrong."),
        ("suggest", "suggest:suggest", "Choose texts to label next."),
        ("doctor", "doctor:doctor", "Check the installation."),
        ("learning-curve", "learning_curve:learning_curve", "Train on growing shares of the data."),
        ("check", "check:check", "Check that a task keeps its contract."),
        ("check-catalogue", "check_catalogue:check_catalogue", "Compare the catalogue with the hub."),
        ("new", "new:new", "Create the package of a new task."),
    ):
        register(Extension(name, f"taskzoo.cli.{place}", summary))


@hookimpl
def taskzoo_register_callbacks(register: Register) -> None:
    """Register the callbacks."""
    register(Extension("history", "taskzoo.engine.history:History", "write history.jsonl in the run directory"))
    for name, place, summary in (
        ("tensorboard", "TensorBoard", "event files in the run directory"),
        ("wandb", "WandB", "Weights & Biases"),
        ("mlflow", "MLflow", "MLflow"),
        ("trackio", "Trackio", "Trackio"),
        ("swanlab", "SwanLab", "SwanLab"),
    ):
        register(Extension(name, f"taskzoo.engine.trackers:{place}", summary))
