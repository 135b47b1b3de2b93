"""``--skip-bad-rows`` in every command and format: what cannot be used is left out, counted and listed."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from tests.core.runs.kit import Result, sentences, write_conll, zoo

import taskzoo
from taskzoo.errors import RequestError

EN_DE = ("--set", "source_lang=en", "target_lang=de")
HEADER = '<?xml version="1.0"?>\n'
DTD = '<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n'


def inspect(task: str, *words: object) -> Result:
    model = ("--model", "scratch:marian-tiny") if task == "translation" else ()
    return zoo("inspect", task, *model, "--test", "none", "--validation", "none", "--json", *words)


def lines_of(result: Result) -> tuple[int, list[str]]:
    """The rows that were kept, and the places that were left out."""
    assert result.code == 0, result.err
    notes = result.json["notes"]
    at = next(i for i, note in enumerate(notes) if "cannot be used left out:" in note)
    count = int(notes[at].split()[1])
    places = [note.split()[0] for note in notes[at + 1 : at + 1 + count]]
    return result.json["splits"]["train"]["rows"], places


def unit(number: int, source: str = "", target: str = "") -> str:
    one = source or f'<tuv xml:lang="en"><seg>house {number}</seg></tuv>'
    other = target or f'<tuv xml:lang="de"><seg>Haus {number}</seg></tuv>'
    return f"<tu>{one}{other}</tu>\n"


def tmx(*units: str) -> str:
    return f'{HEADER}{DTD}<tmx version="1.4"><header srclang="en"/><body>\n{"".join(units)}</body></tmx>\n'


def segment(number: int, more: str = "") -> str:
    return (
        f'<unit id="{number}"><segment><source>a {number}{more}</source><target>b {number}</target></segment></unit>\n'
    )


def xliff(*units: str) -> str:
    start = f'{HEADER}<!DOCTYPE xliff SYSTEM "x.dtd">\n<xliff version="2.0" srcLang="en" trgLang="de"><file id="f">\n'
    return f"{start}{''.join(units)}</file></xliff>\n"


def message(number: int) -> str:
    return f'msgid "open {number}"\nmsgstr "auf {number}"\n\n'


PO = 'msgid ""\nmsgstr "Language: de\\n"\n\n'
GOOD = range(6)
FILES = {
    "json": [json.dumps({"text": f"Ada {i}", "spans": [[0, 3, "PER"]]}) for i in GOOD],
    "conll": "".join(f"Ada{i}\tB-PER\nsleeps\tO\n\n" for i in GOOD),
    "tmx": [unit(i) for i in GOOD],
    "xliff": [segment(i) for i in GOOD],
    "po": [message(i) for i in GOOD],
}


@pytest.mark.parametrize(
    ("task", "name", "content", "bad"),
    [
        ("ner", "a.conll", FILES["conll"] + "Bo\tB-PER\nis\there\tO\nand\n\nCy\tB-PER\n", [20]),
        ("ner", "a.conll", "Bo\tO\nis\t\n\n" + FILES["conll"], [2]),
        ("ner", "a.conll", FILES["conll"] + "Bo\tO\nis\tPERSON\n\n", [20]),
        ("translation", "a.tmx", tmx(*FILES["tmx"][:3], unit(8, "<tuv><seg>x</seg></tuv>"), *FILES["tmx"][3:]), [7]),
        ("translation", "a.tmx", tmx(*FILES["tmx"], unit(9, '<tuv xml:lang="en"><seg>a&nbsp;b</seg></tuv>')), [10]),
        ("translation", "a.xlf", xliff(*FILES["xliff"], segment(9, "&hellip;")), [10]),
        ("translation", "a.po", PO + "".join(FILES["po"]) + 'msgid "x"\nmsgstr "y\n\n' + message(9), [23]),
        ("translation", "a.po", PO + "".join(FILES["po"]) + 'msgid "x\nmsgstr "y"\n' + message(9), [22]),
        ("ner", "a.json", "[" + ",\n".join([*FILES["json"], "7]"]), [7]),
    ],
)
def test_a_unit_that_cannot_be_used_is_left_out(
    task: str, name: str, content: str, bad: list[int], tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    words = ["--train", file, *(EN_DE if task == "translation" else ())]
    refused = inspect(task, *words)
    assert (refused.code, f"{name}:{bad[0]}:" in refused.err) == (2, True), refused.err
    rows, places = lines_of(inspect(task, *words, "--skip-bad-rows"))
    more = content.count("Cy\t") + ("open 9" in content)
    assert (rows, places) == (len(GOOD) + more, [f"{name}:{line}:" for line in bad])


def test_a_line_of_parallel_files_that_is_empty_in_one(tmp_path: Path) -> None:
    (tmp_path / "t.en").write_text("a\nb\nc\nd\n", encoding="utf-8")
    (tmp_path / "t.de").write_text("A\n\nC\nD\n", encoding="utf-8")
    rows, places = lines_of(inspect("translation", "--train", tmp_path / "t.en", "--skip-bad-rows"))
    assert (rows, places) == (3, ["t.de:2:"])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"t.en": "a\nb\nc\nd\n", "t.de": "A\nB\nC\n"}, "t.en:4: this file has 4 lines"),
        ({"t.tmx": tmx(*FILES["tmx"]).replace("</body>", "")}, "broken XML"),
        ({"t.tmx": tmx(*FILES["tmx"]).replace('"tmx14.dtd"', '"x" [<!ENTITY a "b">]')}, "defines the entity"),
        ({"t.po": PO.replace('\\n"', "") + "".join(FILES["po"])}, "t.po:2: a line of PO"),
    ],
)
def test_a_file_that_is_broken_as_a_whole_stays_refused(files: dict[str, str], message: str, tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    result = inspect("translation", "--train", tmp_path / next(iter(files)), *EN_DE, "--skip-bad-rows")
    assert (result.code, message in result.err) == (2, True), result.err


def test_spans_that_the_task_refuses(tmp_path: Path) -> None:
    good = [{"text": f"Ada {i} met Bo", "spans": [{"start": 0, "end": 3, "label": "PER", "text": "Ada"}]} for i in GOOD]
    spans = [
        [[0, 99, "PER"]],  # outside the text
        [[0, 3, "PER"], [2, 5, "LOC"]],  # overlap
        [{"start": 0, "end": 3, "label": "PER", "text": "Cy"}],  # another text
        [{"start": 0, "label": "PER"}],
    ]
    file = tmp_path / "a.jsonl"
    rows = [*good, *({"text": "Ada met Bo", "spans": one} for one in spans)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    kept, places = lines_of(inspect("ner", "--train", file, "--skip-bad-rows"))
    assert (kept, places) == (6, [f"a.jsonl:{line}:" for line in (7, 8, 9, 10)])


def test_a_file_of_bad_rows_alone_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.conll"
    file.write_text("a\tO\n\n" + "b\n\n" * 4, encoding="utf-8")
    result = inspect("ner", "--train", file, "--skip-bad-rows", "--format", "conll")
    assert (result.code, "cannot be used, too many to be left out" in result.err) == (2, True), result.err


@pytest.fixture
def ragged(tmp_path: Path) -> Path:
    """Twelve sentences of which the last line of one is broken."""
    file = write_conll(tmp_path / "ragged.conll", sentences(12, seed=8))
    file.write_text(file.read_text(encoding="utf-8") + "\nOslo\tB-LOC\nagain\n", encoding="utf-8")
    return file


def test_eval(memorised, ragged: Path, tmp_path: Path) -> None:
    run = memorised()
    good = write_conll(tmp_path / "good.conll", sentences(12, seed=8))
    wanted = zoo("eval", run.path, "--data", good, "--json").json
    refused = zoo("eval", run.path, "--data", ragged)
    assert (refused.code, "1 column here and 2" in refused.err) == (2, True)
    result = zoo("eval", run.path, "--data", ragged, "--skip-bad-rows", "--json")
    assert (result.code, result.json) == (0, wanted), result.err
    first, second = result.err.splitlines()[:2]
    assert first == "data: 1 rows that cannot be used left out:"
    assert second.startswith("  ragged.conll:")
    said: list[str] = []
    run.say = said.append
    assert run.evaluate(ragged, skip_bad_rows=True).to_dict() == wanted
    assert said[:2] == [first, second]
    tokens, tags = zip(*sentences(12, seed=8), strict=True)
    rows = [{"tokens": list(t), "tags": list(g)} for t, g in zip(tokens, tags, strict=True)]
    assert run.evaluate([*rows, {"tokens": ["a"], "tags": []}], skip_bad_rows=True).to_dict() == wanted
    with pytest.raises(RequestError, match="1 of the 1 test rows cannot be used"):
        run.evaluate([{"tokens": ["a"], "tags": []}], skip_bad_rows=True)


def test_learning_curve(tiny_checkpoint, tmp_path: Path) -> None:
    generator = random.Random(0)
    rows = [f"{'Paris' if i % 2 else 'Ada'} {generator.random()},{'ab'[i % 2]}\n" for i in range(80)]
    file = tmp_path / "train.csv"
    file.write_text("text,label\n" + "".join(rows) + "Paris\n", encoding="utf-8")
    words = ["learning-curve", "classification", "--model", tiny_checkpoint(), "--train", file, "--repeats", 1]
    words += ["--sizes", "8,16,all", "--set", "pooling=mean", "precision=fp32", "--output", tmp_path / "curve"]
    assert zoo(*words).code == 2
    result = zoo(*words, "--skip-bad-rows")
    assert result.code == 0, result.err
    assert "warning   train: 1 rows that cannot be used left out:" in result.err
    assert "train.csv:82: 1 column here and 2 on line 1" in result.err


def test_texts_without_labels(tmp_path: Path) -> None:
    train, more = tmp_path / "train.csv", tmp_path / "more.csv"
    train.write_text("text,label\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(40)), encoding="utf-8")
    more.write_text("text\n" + "".join(f"new {i}\n" for i in range(5)) + "a,b\n", encoding="utf-8")
    run = tmp_path / "run"
    words = ["--model", "scratch:bert-tiny", "--train", train, "--unlabelled", more, "--method", "linear-probe"]
    words += ["--set", "pooling=mean", "precision=fp32", "--skip-bad-rows", "--output", run]
    result = zoo("run", "classification", *words)
    assert result.code == 0, result.err
    found = taskzoo.load(run).manifest["data"]["unlabelled"]["bad_rows"]
    assert (found["count"], found["first"][0].partition(" ")[0]) == (1, "more.csv:7:")
