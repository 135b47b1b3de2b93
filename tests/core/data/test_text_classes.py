from __future__ import annotations

import gzip
import hashlib
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskzoo.data.readers import content_sha256, find_splits, require_source
from taskzoo.data.readers.text_classes import find_classes
from taskzoo.errors import DataError

from .kit import TEXT, TOKENS, pairs, refused, sentences, texts


def fill(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def classes(folder: Path) -> dict[str, list[str]]:
    return {name: [str(path.relative_to(folder)) for path in paths] for name, paths in find_classes(folder).items()}


POLARITY = {"rt-polarity.pos": "a joy\n\nso good \n", "rt-polarity.neg": "dull\r\nlong\n", "SOURCE.txt": "from afar\n"}


def test_files_by_ending(tmp_path: Path) -> None:
    fill(tmp_path, POLARITY)
    rows = texts(tmp_path)
    assert pairs(rows) == [("dull", "neg"), ("long", "neg"), ("a joy", "pos"), ("so good ", "pos")]
    assert [(Path(row.source).name, row.line) for row in rows] == [
        ("rt-polarity.neg", 1),
        ("rt-polarity.neg", 2),
        ("rt-polarity.pos", 1),
        ("rt-polarity.pos", 3),
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["positive.txt", "negative.txt"], ["negative", "positive"]),
        (["rt.pos.txt", "rt.neg.txt"], ["neg", "pos"]),
        (["Sport.TXT", "经济.txt", "sci.tech.txt"], ["Sport", "sci.tech", "经济"]),
        (["subj.objective", "subj.subjective", "subj.md", "subj.csv"], ["objective", "subjective"]),
        (["stars.1", "stars.5"], ["1", "5"]),
    ],
)
def test_the_class_is_what_differs_in_the_names(tmp_path: Path, names: list[str], expected: list[str]) -> None:
    about = ["README.1.txt", "_README_.txt", "LICENSE-README.txt", "labels.txt", "label_names.txt", ".hidden.txt"]
    fill(tmp_path, dict.fromkeys([*names, *about], "a text\n"))
    assert list(find_classes(tmp_path)) == expected
    assert len(texts(tmp_path)) == len(expected)


def test_a_folder_per_class(tmp_path: Path) -> None:
    files = {
        "pos/10_9.txt": "one\n\ntwo\r\nthree\n",
        "pos/2_7.txt": "good",
        "neg/0_1.txt": "bad\n",
        "neg/x.feat": "0:1",
    }
    rows = texts(fill(tmp_path, files))
    assert pairs(rows) == [("bad", "neg"), ("one\n\ntwo\nthree", "pos"), ("good", "pos")]
    assert [Path(row.source).name for row in rows] == ["0_1.txt", "10_9.txt", "2_7.txt"]


def test_gzip_and_byte_order_marks_inside(tmp_path: Path) -> None:
    packed = gzip.compress("\ufeffwell done\n好\n".encode())
    fill(tmp_path / "a", {"rt.pos.gz": packed, "rt.neg": "no\n"})
    assert pairs(texts(tmp_path / "a")) == [("no", "neg"), ("well done", "pos"), ("好", "pos")]
    fill(tmp_path / "b", {"pos.txt.gz": packed, "neg.txt": "\ufeffno\n"})
    assert pairs(texts(tmp_path / "b")) == [("no", "neg"), ("well done", "pos"), ("好", "pos")]
    fill(tmp_path / "c", {"pos/1.txt.gz": packed, "neg/1.txt": "no\n"})
    assert pairs(texts(tmp_path / "c")) == [("no", "neg"), ("well done\n好", "pos")]


def test_a_long_text_is_one_row(tmp_path: Path) -> None:
    long = "word " * 250_000
    fill(tmp_path, {"a/1.txt": long, "b/1.txt": "short"})
    assert len(texts(tmp_path)[0]["text"]) == len(long) > 2**20


def test_lists_beside_the_folders_of_classes_are_no_classes(tmp_path: Path) -> None:
    """The layout of aclImdb, whose folder "train" also holds urls_pos.txt and the like."""
    files: dict[str, str] = {}
    for split in ("train", "test"):
        for name in ("pos", "neg"):
            files |= {f"{split}/{name}/0_9.txt": f"{split} {name}", f"{split}/urls_{name}.txt": "http\nhttp\n"}
        files |= {f"{split}/labeledBow.feat": "0:1\n", f"{split}/unsupBow.feat": "0:1\n"}
    files |= {"train/unsup/0_0.txt": "unknown", "train/urls_unsup.txt": "x\n", "README": "x", "imdb.vocab": "x\n"}
    fill(tmp_path, files | {"imdbEr.txt": "1\n"})
    found = find_splits(tmp_path, TEXT)
    assert found == {"train": tmp_path / "train", "test": tmp_path / "test"}
    assert classes(found["train"]) == {"neg": ["neg/0_9.txt"], "pos": ["pos/0_9.txt"], "unsup": ["unsup/0_0.txt"]}
    assert pairs(texts(found["test"])) == [("test neg", "neg"), ("test pos", "pos")]
    refused(tmp_path, "test, train are named like a split", "--data")


def test_the_class_name_counts_in_folders_of_splits(tmp_path: Path) -> None:
    fill(tmp_path, {"train/pos.txt": "a\nb\n", "train/neg.txt": "c\n", "dev/pos.txt": "d\n", "dev/neg.txt": "e\n"})
    found = find_splits(tmp_path, TEXT)
    assert {split: pairs(texts(path)) for split, path in found.items()} == {
        "train": [("c", "neg"), ("a", "pos"), ("b", "pos")],
        "validation": [("e", "neg"), ("d", "pos")],
    }
    refused(tmp_path, "dev, train are named like a split", "--data")


def test_a_folder_without_splits_is_all_for_training(tmp_path: Path) -> None:
    fill(tmp_path, POLARITY)
    assert find_splits(tmp_path, TEXT) == {"train": tmp_path}


def test_split_files_come_before_folders_and_classes(tmp_path: Path) -> None:
    fill(
        tmp_path, {"train.csv": "text,label\na,b\n", "train/1.txt": "x", "train/2.txt": "y", "a.txt": "x", "b.txt": "y"}
    )
    assert find_splits(tmp_path, TEXT) == {"train": tmp_path / "train.csv"}


def test_tasks_without_text_and_label_see_files_only(tmp_path: Path) -> None:
    fill(tmp_path, POLARITY | {"train/pos.txt": "a", "train/neg.txt": "b"})
    with pytest.raises(DataError, match=r"no file here is named train.* or test; name the files"):
        find_splits(tmp_path, TOKENS)
    with pytest.raises(DataError, match="this is a folder and a file is needed"):
        sentences(tmp_path)


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        ({"rt.pos": "a\n"}, ("rt.pos", "two or more classes")),
        ({"pos/1.txt": "a"}, ("two or more classes", "pos")),
        ({"data.csv": "text,label\na,b\n", "notes.txt": "x"}, ("data.csv, notes.txt", "two or more classes")),
        ({}, ("no files", "two or more classes")),
        ({"rt.pos": "a\n", "rt.neg": "b\n", "x.txt": "c\n", "y.txt": "d\n"}, ("x.txt, y.txt or files rt.neg, rt.pos",)),
        ({"a.pos": "a\n", "a.neg": "b\n", "b.pos": "c\n", "b.neg": "d\n"}, ("a.neg, a.pos or files b.neg, b.pos",)),
        ({"a/1.txt": "a", "b/1.txt": "b", "x.txt": "c", "y.txt": "d"}, ("folders a, b or files x.txt, y.txt",)),
        ({"pos.txt": "a\n", "pos.txt.gz": gzip.compress(b"b"), "neg.txt": "c"}, ("pos.txt, pos.txt.gz", "'pos'")),
        ({"train.txt": "a\n", "test.txt": "b\n"}, ("test, train are named like a split",)),
        ({"train/1.txt": "a", "plane/1.txt": "b"}, ("train is named like a split", "rename")),
        ({"tweets.txt": "1\t0.5\ta\n2\t0.1\tb\n", "news.txt": "1\t0.2\tc\n"}, ("news.txt, tweets.txt", "tabs")),
        ({f"essay{i}.txt": "x" for i in range(1001)}, ("essay0.txt", "997 more", "too many")),
    ],
    ids=range(12),
)
def test_refused(tmp_path: Path, files: Mapping[str, str | bytes], parts: tuple[str, ...]) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    refused(fill(folder, files), *parts)


def test_an_empty_or_foreign_file_is_named_with_its_line(tmp_path: Path) -> None:
    fill(tmp_path, {"pos.txt": "\n \n", "neg.txt": "no\n"})
    with pytest.raises(DataError, match=r"pos\.txt: the file is empty\."):
        texts(tmp_path)
    fill(tmp_path, {"pos.txt": "ok\ntrès bien\n".encode("latin-1")})
    with pytest.raises(DataError, match=r"pos\.txt:2: byte 3 .* is not UTF-8"):
        texts(tmp_path)
    fill(tmp_path, {"pos.txt": b"ok\nno\0"})
    with pytest.raises(DataError, match=r"pos\.txt:2: a NUL byte"):
        texts(tmp_path)


def test_settings_for_columns_do_not_fit(tmp_path: Path) -> None:
    fill(tmp_path, POLARITY)
    refused(tmp_path, "no columns", "leave out --columns, --group-by", columns={"text": "0"}, group="id")
    refused(tmp_path, "leave out --format", format="csv")


@pytest.mark.parametrize(
    ("files", "part"),
    [
        (
            {"train/a.txt": "x", "train/b.txt": "y", "training/a.txt": "x", "training/b.txt": "y"},
            "train, training could",
        ),
        (
            {"train.pos": "x\n", "train.neg": "y\n"},
            "train.neg, train.pos could .*--train, or put files of one class each",
        ),
        (
            {"train/1.txt": "x", "train/2.txt": "y", "plane/1.txt": "x", "car/1.txt": "y"},
            "folders car, plane look like",
        ),
        ({"data.csv": "x"}, "no file here is named train.*and there are no text files or folders of two or more"),
        ({"a.pos": "a\n", "a.neg": "b\n", "test.csv": "text,label\n"}, ""),
    ],
    ids=range(5),
)
def test_splits_refused(tmp_path: Path, files: Mapping[str, str | bytes], part: str) -> None:
    fill(tmp_path, files)
    if not part:  # a test file alone; the caller says that training rows are missing
        assert find_splits(tmp_path, TEXT) == {"test": tmp_path / "test.csv"}
        return
    with pytest.raises(DataError, match=part) as caught:
        find_splits(tmp_path, TEXT)
    assert "\n" not in str(caught.value)


def test_require_source(tmp_path: Path) -> None:
    fill(tmp_path, POLARITY)
    require_source(tmp_path, TEXT)
    require_source(tmp_path / "SOURCE.txt", TEXT)
    with pytest.raises(DataError, match="a file is needed"):
        require_source(tmp_path, TOKENS)
    with pytest.raises(DataError, match=r"did you mean 'rt-polarity.neg'"):
        require_source(tmp_path / "rt-polarity.ne", TEXT)


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    fill(tmp_path, {"a.csv": "text,label\n"})
    assert content_sha256(tmp_path / "a.csv") == hashlib.sha256(b"text,label\n").hexdigest()
    with pytest.raises(DataError, match="cannot be read"):
        content_sha256(tmp_path / "b.csv")


def test_the_hash_of_a_folder_is_that_of_what_is_read(tmp_path: Path) -> None:
    first = content_sha256(fill(tmp_path / "a", POLARITY))
    assert first == content_sha256(fill(tmp_path / "b" / "elsewhere", POLARITY))
    fill(tmp_path / "a", {"SOURCE.txt": "another remark"})
    assert content_sha256(tmp_path / "a") == first
    fill(tmp_path / "a", {"rt-polarity.pos": "a joy\n"})
    assert content_sha256(tmp_path / "a") != first
    moved = fill(tmp_path / "c", {"x/1.txt": "one", "y/2.txt": "two"})
    before = content_sha256(moved)
    shutil.move(moved / "x" / "1.txt", moved / "x" / "3.txt")
    assert content_sha256(moved) != before


_LINE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r\t\ufeff"), max_size=9)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.lists(_LINE.map(lambda t: f"x{t}"), min_size=1, max_size=4), min_size=2, max_size=2))
def test_whatever_is_written_is_read(tmp_path: Path, written: list[list[str]]) -> None:
    names = ["neg.txt", "pos.txt"]
    fill(tmp_path, {name: "\n\n".join(lines) for name, lines in zip(names, written, strict=True)})
    expected = [(line, name[:3]) for name, lines in zip(names, written, strict=True) for line in lines]
    assert pairs(texts(tmp_path)) == expected


def test_what_is_not_read_is_noted(tmp_path: Path) -> None:
    read = {"pos/1.txt": "good", "neg/1.txt": "bad"}
    others = {"neutral/1": "so so", "pos/2.md": "fine", "neg/more/1.txt": "worse", ".git/x": "", "README": "about"}
    fill(tmp_path, read | others)
    notes: Counter[str] = Counter()
    assert pairs(texts(tmp_path, notes=notes)) == [("bad", "neg"), ("good", "pos")]
    assert notes == {f"files or folders in {tmp_path.name} not used (README, neutral/, neg/more/, pos/2.md)": 4}
    notes.clear()
    fill(tmp_path / "lines", {"a.pos": "good\n", "a.neg": "bad\n"})
    texts(tmp_path / "lines", notes=notes)
    assert not notes


def test_a_file_that_is_one_row_is_left_out_where_it_cannot_be_used(tmp_path: Path) -> None:
    fill(tmp_path, {"pos/1.txt": "good", "neg/1.txt": "bad", "neg/2.txt": "", "pos/2.txt": b"caf\xe9"})
    bad: list[str] = []
    assert pairs(texts(tmp_path, bad=bad)) == [("bad", "neg"), ("good", "pos")]
    assert [message.split(":")[0] for message in bad] == ["2.txt", "2.txt"]
    refused(tmp_path / "neg" / "2.txt", read=lambda path: texts(tmp_path))
