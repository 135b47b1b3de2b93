"""Files as annotation tools write them, each with the same sentences and entities."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskzoo import DataError, Example, registry
from taskzoo.data.readers import ReadRequest, find_splits, read_rows
from taskzoo.errors import UnknownNameError
from taskzoo_ner.rows import prepare_rows

NAMES = [("Ada", "Oslo"), ("Bo", "Rome"), ("Cy", "Bonn")]
TEXTS = [f"{name} moved to {place} ." for name, place in NAMES]
SPANS = [[(0, len(name), "PER"), (len(name) + 10, len(name) + 10 + len(place), "LOC")] for name, place in NAMES]
TAGS = ["B-PER", "O", "O", "B-LOC", "O"]
ROWS = list(zip(TEXTS, SPANS, strict=True))
SPEC = registry.task("ner")


def lines(values: list[Any]) -> str:
    return "\n".join(json.dumps(value, ensure_ascii=False) for value in values) + "\n"


def objects(spans: list[tuple[int, int, str]], text: str, **more: Any) -> list[dict[str, Any]]:
    return [{"start": s, "end": e, "label": label, "text": text[s:e], **more} for s, e, label in spans]


def label_studio(annotations: str = "annotations") -> str:
    def result(text: str, spans: list[tuple[int, int, str]]) -> list[dict[str, Any]]:
        values = [{"start": s, "end": e, "text": text[s:e], "labels": [label]} for s, e, label in spans]
        regions = [{"value": v, "type": "labels", "from_name": "label", "to_name": "text"} for v in values]
        return [*regions, {"type": "relation", "from_id": "a", "to_id": "b"}]

    done = [{"result": result(text, spans), "was_cancelled": False} for text, spans in ROWS]
    tasks = [{"id": n, annotations: [d], "data": {"body": t}} for n, (d, t) in enumerate(zip(done, TEXTS, strict=True))]
    tasks.append({"id": 9, annotations: [{"result": [], "was_cancelled": True}], "data": {"body": "skipped"}})
    return json.dumps(tasks, indent=1)


def prodigy() -> str:
    tokens = [{"text": "Ada", "start": 0, "end": 3, "id": 0}]
    kept = [
        {"text": t, "tokens": tokens, "spans": objects(s, t), "_input_hash": 1, "answer": "accept"} for t, s in ROWS
    ]
    return lines([*kept, {"text": "no", "tokens": tokens, "spans": [], "_input_hash": 2, "answer": "reject"}])


def spacy_version_2() -> str:
    ner = {"B-PER": "U-PER", "B-LOC": "U-LOC"}
    documents = [
        [{"orth": word, "ner": ner.get(tag, "-")} for word, tag in zip(text.split(), TAGS, strict=True)]
        for text in TEXTS
    ]
    return json.dumps([{"id": 0, "paragraphs": [{"sentences": [{"tokens": tokens}]}]} for tokens in documents])


def webanno() -> str:
    head = "#FORMAT=WebAnno TSV 3.2\n#T_SP=x.POS|PosValue\n#T_SP=x.ner.type.NamedEntity|identifier|value\n\n\n"
    blocks = []
    for number, text in enumerate(TEXTS, 1):
        words = [
            f"{number}-{i}\t0-1\t{word}\tNN\t{'_' if tag == 'O' else '*'}\t{'_' if tag == 'O' else tag[2:]}\t\n"
            for i, (word, tag) in enumerate(zip(text.split(), TAGS, strict=True), 1)
        ]
        blocks.append(f"#Text={text}\n{''.join(words)}\n")
    return head + "".join(blocks)


def tokens(row: Callable[[int, int, str, str], str], between: str = "") -> str:
    """A line per token, of ``(sentence, position, word, tag)``."""
    blocks = [
        "".join(row(n, i, word, tag) + "\n" for i, (word, tag) in enumerate(zip(text.split(), TAGS, strict=True)))
        for n, text in enumerate(TEXTS)
    ]
    return between.join(blocks)


CLUENER = {"PER": "name", "LOC": "address"}
FILES: dict[str, tuple[str, str, dict[str, str]]] = {
    "Label Studio": ("a.json", label_studio(), {}),
    "Label Studio before 1.0": ("a.json", label_studio("completions"), {}),
    "Label Studio JSON-MIN": (
        "a.json",
        json.dumps(
            [{"text": t, "id": 1, "label": [{**o, "labels": [o.pop("label")]} for o in objects(s, t)]} for t, s in ROWS]
        ),
        {},
    ),
    "Label Studio CoNLL": (
        "a.conll",
        "-DOCSTART- -X- O O\n" + tokens(lambda n, i, word, tag: f"{word} -X- _ {tag}", "\n"),
        {},
    ),
    "doccano": ("a.jsonl", lines([{"id": 1, "text": t, "label": s, "Comments": []} for t, s in ROWS]), {}),
    "doccano labels": ("a.jsonl", lines([{"text": t, "labels": s} for t, s in ROWS]), {"spans": "labels"}),
    "doccano relations": (
        "a.jsonl",
        lines(
            [
                {
                    "text": t,
                    "relations": [],
                    "entities": [{"id": 7, "label": x, "start_offset": a, "end_offset": b} for a, b, x in s],
                }
                for t, s in ROWS
            ]
        ),
        {},
    ),
    "Prodigy": ("a.jsonl", prodigy(), {}),
    "Prodigy with columns": ("a.jsonl", prodigy(), {"text": "text", "spans": "spans"}),
    "spaCy Python": (
        "a.py",
        "import spacy\n# the data\nTRAIN_DATA = [\n"
        + "".join(f"  ({t!r}, {{'entities': {s!r}}}),\n" for t, s in ROWS)
        + "]\n",
        {},
    ),
    "spaCy tuples": ("a.txt", str([(t, {"entities": s}) for t, s in ROWS]), {}),
    "spaCy JSON": ("a.json", json.dumps([[t, {"entities": s}] for t, s in ROWS]), {}),
    "spaCy JSON lines": ("a.jsonl", lines([[t, {"entities": s}] for t, s in ROWS]), {}),
    "spaCy annotator": (
        "a.json",
        json.dumps({"classes": ["PER"], "annotations": [None, *([t + "\r", {"entities": s}] for t, s in ROWS)]}),
        {},
    ),
    "spaCy 2": ("a.json", spacy_version_2(), {}),
    "WebAnno": ("a.tsv", webanno(), {}),
    "GermEval": (
        "a.tsv",
        "\n".join(
            f"#\thttp://de.example/{n}\t[2009]\n{block}"
            for n, block in enumerate(tokens(lambda n, i, word, tag: f"{i + 1}\t{word}\t{tag}\tO", "\0").split("\0"))
        ),
        {"tokens": "1", "tags": "2"},
    ),
    "Dataturks": (
        "a.json",
        lines(
            [
                {
                    "content": t,
                    "annotation": [
                        {"label": [x], "points": [{"start": a, "end": b - 1, "text": t[a:b]}]} for a, b, x in s
                    ],
                }
                for t, s in ROWS
            ]
        ),
        {},
    ),
    "Kaggle": (
        "a.csv",
        "Sentence #,Word,POS,Tag\n" + tokens(lambda n, i, word, tag: f"{'' if i else f'Sentence: {n}'},{word},X,{tag}"),
        {},
    ),
    "numbered sentences": (
        "a.csv",
        "sentence_id;words;labels\n" + tokens(lambda n, i, word, tag: f"{n};{word};{tag}"),
        {},
    ),
    "AutoTrain": (
        "a.csv",
        "tokens,tags\n" + "".join(f'"{t.split()}","{TAGS}"\n' for t in TEXTS),
        {},
    ),
    "strings in a table": ("a.csv", "text,tags\n" + "".join(f"{t},{' '.join(TAGS)}\n" for t in TEXTS), {}),
    "spans in a table": ("a.csv", "text,entities\n" + "".join(f'{t},"{s}"\n' for t, s in ROWS), {}),
    "empty lines in a table": ("a.csv", "word,tag\n" + tokens(lambda n, i, word, tag: f"{word},{tag}", "\n"), {}),
    "empty records in a table": ("a.csv", "word,tag\n" + tokens(lambda n, i, word, tag: f"{word},{tag}", ",\n"), {}),
    "word,tag": ("a.csv", tokens(lambda n, i, word, tag: f"{word},{tag}", "\n"), {}),
    "word,tag as CoNLL": ("a.conll", tokens(lambda n, i, word, tag: f"{word},{tag}", "\n"), {}),
}


def prepared(path: Path, **wanted: Any) -> list[Example]:
    return prepare_rows(read_rows(path, ReadRequest(SPEC, **wanted)), "auto", labelled=True)


def entities(examples: list[Example]) -> list[list[tuple[str, str]]]:
    return [[(row["text"][e["start"] : e["end"]], e["label"]) for e in row["entities"]] for row in examples]


EXPECTED = [[(name, "PER"), (place, "LOC")] for name, place in NAMES]


@pytest.mark.parametrize("name", FILES)
def test_a_file_as_the_tool_writes_it(tmp_path: Path, name: str) -> None:
    file, content, columns = FILES[name]
    path = tmp_path / file
    path.write_text(content, encoding="utf-8")
    assert entities(prepared(path, columns=columns)) == EXPECTED


def test_cluener(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    rows = [{"text": t, "label": {CLUENER[x]: {t[a:b]: [[a, b - 1]]} for a, b, x in s}} for t, s in ROWS]
    path.write_text(lines(rows), encoding="utf-8")
    assert entities(prepared(path)) == [[(text, CLUENER[label]) for text, label in row] for row in EXPECTED]


def brat(folder: Path) -> Path:
    folder.mkdir()
    for number, (text, spans) in enumerate(ROWS):
        (folder / f"{number}.txt").write_text(text + "\n", encoding="utf-8")
        found = [f"T{i}\t{label} {a} {b}\t{text[a:b]}\n" for i, (a, b, label) in enumerate(spans, 1)]
        (folder / f"{number}.ann").write_text(
            "".join(found) + "R1\tin Arg1:T1 Arg2:T2\n#1\tNote T1\tx\n", encoding="utf-8"
        )
    return folder


def test_brat_by_folder_and_by_either_file(tmp_path: Path) -> None:
    folder = brat(tmp_path / "docs")
    assert entities(prepared(folder)) == EXPECTED
    assert entities(prepared(folder / "1.ann")) == entities(prepared(folder / "1.txt")) == EXPECTED[1:2]
    assert find_splits(folder, SPEC.columns) == {"train": folder}
    (folder / "0.ann").write_text("", encoding="utf-8")
    assert entities(prepared(folder)) == [[], *EXPECTED[1:]]
    brat(tmp_path / "dev")
    (tmp_path / "docs").rename(tmp_path / "train")
    assert find_splits(tmp_path, SPEC.columns) == {"train": tmp_path / "train", "validation": tmp_path / "dev"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("T1\tPER\tAda\n", "T1<TAB>TYPE START END"),
        ("T1\tPER 1 4\tAda\n", "says 'Ada' and the text has 'da ' there"),
    ],
)
def test_annotations_of_brat_that_cannot_be_used(tmp_path: Path, line: str, message: str) -> None:
    folder = brat(tmp_path / "docs")
    (folder / "0.ann").write_text(line, encoding="utf-8")
    with pytest.raises(DataError, match=r"0\.ann") as caught:
        prepared(folder)
    assert message in str(caught.value)


def test_an_annotation_without_its_text(tmp_path: Path) -> None:
    folder = brat(tmp_path / "docs")
    (folder / "2.txt").unlink()
    with pytest.raises(DataError, match=r"2\.txt is not next to them"):
        prepared(folder)


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    for name, said in (
        ("Prodigy", {"examples with the answer reject, left out": 1}),
        ("Label Studio", {"tasks without an annotation, left out": 1, "relations, left out": 3}),
    ):
        path = tmp_path / FILES[name][0]
        path.write_text(FILES[name][1], encoding="utf-8")
        notes: Counter[str] = Counter()
        read_rows(path, ReadRequest(SPEC, notes=notes))
        assert +notes == said


@pytest.mark.parametrize("name", [name for name in FILES if name != "strings in a table"])
def test_prediction_needs_no_labels(tmp_path: Path, name: str) -> None:
    file, content, columns = FILES[name]
    path = tmp_path / file
    path.write_text(content, encoding="utf-8")
    request = ReadRequest(SPEC, columns=columns, labelled=False)
    texts = [row["text"].strip() for row in prepare_rows(read_rows(path, request), "auto", labelled=False)]
    assert texts[:3] == TEXTS


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.spacy", b"x\x9c\x00\xff\x80" * 50, "binary DocBin of spaCy"),
        (
            "a.conll",
            b"bc/x 0 0 Ada (PER*)\nbc/x 0 1 left *\nbc/x 0 2 Oslo (LOC)\n",
            "the same for all tokens of a sentence",
        ),
        ("a.conll", b"Ada (PER*)\nleft *\n", "brackets of CoNLL-2012"),
        ("a.tsv", b"1-1\tAda\tB-PER\n1-2\tleft\tO\n1-3\t.\tO\n", "counts sentences and tokens"),
        ("a.tsv", b"1\tAda\tB-PER\tO\n2\tleft\tO\tO\n3\t.\tO\tO\n", 'columns={"tokens": "1", "tags": "2"}'),
        ("a.json", b'[["Ada left", {"entities": [[0, 3, "PER"]]}], ["Bo"]]', "a row of spaCy is a text and"),
        ("a.py", b"DATA = [('Ada', {'entities': [(0, int(3), 'PER')]})]\n", "Python code and not plain data"),
        ("a.txt", b"Ada left Oslo.\nBo came from Rome today.\n", "lines of text without labels"),
        ("a.csv", b"word,tag\n" + b"Ada,B-PER\nleft,O\n" * 150, "nothing says where sentences end"),
    ],
    ids=range(9),
)
def test_what_is_not_read_is_named_with_the_way(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        prepared(path)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_broken_line_of_json_is_named_as_in_any_json(tmp_path: Path) -> None:
    good = prodigy().splitlines()[0]
    for bad, said in [
        (good[:-5], "broken JSON at column"),
        (good.replace('"_input_hash": 1', '"_input_hash": 1, "text": "x"'), "the key 'text' occurs twice"),
        (good.replace("Ada moved", "Ada\\ud83d moved"), "a lone surrogate"),
        (good.replace('"', "'"), "a Python dictionary"),
    ]:
        path = tmp_path / "a.jsonl"
        path.write_text(f"{good}\n{bad}\n{good}\n", encoding="utf-8")
        with pytest.raises(DataError, match=rf"a\.jsonl:2: .*{said}"):
            read_rows(path, ReadRequest(SPEC))
        left_out: list[str] = []
        assert [row.line for row in read_rows(path, ReadRequest(SPEC, bad=left_out))] == [1, 3]
        assert said in left_out[0]


def test_the_formats_are_offered_to_tasks_with_spans_only(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(lines([{"text": "good", "label": "pos", "answer": "accept"}] * 2), encoding="utf-8")
    spec = registry.task("classification")
    assert [row["label"] for row in read_rows(path, ReadRequest(spec))] == ["pos", "pos"]
    with pytest.raises(UnknownNameError, match="This task reads"):
        read_rows(path, ReadRequest(spec, format="prodigy"))
