"""PO files of GNU gettext."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import Write
from .kit import both, refused, texts, translations

HEAD = """# German translation.
msgid ""
msgstr ""
"Project-Id-Version: x 1.0\\n"
"Language: de_DE\\n"
"Content-Type: text/plain; charset=UTF-8\\n"

"""
OPEN = """#: src/a.c:12
msgctxt "menu"
msgid "Open"
msgstr "Öffnen"
"""
LONG = """
msgid ""
"A long text, \\"quoted\\",\\n"
"in two lines\\t."
msgstr ""
"Ein langer Text\\n"
"in zwei Zeilen."
"""
PAIRS = [("Open", "Öffnen"), ('A long text, "quoted", in two lines .', "Ein langer Text in zwei Zeilen.")]


@pytest.mark.parametrize("name", ["a.po", "de.txt"])
def test_messages(write: Write, name: str) -> None:
    path = write(name, HEAD + OPEN + LONG)
    rows = translations(path, "en")
    assert both(rows) == PAIRS
    assert [row.line for row in rows] == [9, 13]
    assert rows[0]["languages"] == ("en", "de-DE")
    assert both(translations(path, "en", "German")) == PAIRS
    assert both(translations(path, "de", "en")) == [pair[::-1] for pair in PAIRS]
    rows = translations(path)
    assert both(rows) == PAIRS
    assert rows[0]["languages"] == ("", "de-DE")
    refused(path, "no unit is in en and fr", read=translations, source="en", target="fr")


def test_no_header(write: Write) -> None:
    path = write("a.po", OPEN)
    assert both(translations(path, "en", "de")) == both(translations(path)) == PAIRS[:1]


def test_what_is_not_translated_is_left_out_and_counted(write: Write) -> None:
    other = """
#, fuzzy, c-format
msgid "Save"
msgstr "Speichern?"

msgid "Alone"
msgstr ""

#, fuzzy
#~ msgid "Old"
#~ msgstr "Alt"
"""
    notes: Counter[str] = Counter()
    after = '\nmsgid "Close"\nmsgstr "Schließen"\n'
    path = write("a.po", HEAD + OPEN + other + after)
    assert both(translations(path, "en", notes=notes)) == [*PAIRS[:1], ("Close", "Schließen")]
    assert notes == {
        "units without a text in one of the languages left out": 1,
        "fuzzy messages left out": 1,
        "obsolete messages left out": 1,
    }


def test_plurals(write: Write) -> None:
    message = """
msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d Datei"
msgstr[1] "%d Dateien"
"""
    assert both(translations(write("a.po", HEAD + message))) == [("%d file", "%d Datei"), ("%d files", "%d Dateien")]
    one = message.replace('msgstr[1] "%d Dateien"\n', "").replace("Datei", "个文件")
    assert both(translations(write("b.po", one))) == [("%d file", "%d 个文件"), ("%d files", "%d 个文件")]


@pytest.mark.parametrize(
    ("content", "said", "line"),
    [
        ('msgid "a"\nmsgstr "b\n', "a keyword and a text in quotes", 2),
        ('msgid "a"\nwhat is this\n', "a keyword and a text in quotes", 2),
        ('msgid "a"\nmsgstr ""\n', "no unit is in two languages", 0),
    ],
)
def test_broken_files(write: Write, content: str, said: str, line: int) -> None:
    refused(write("a.po", content), said, line=line, read=translations)
    refused(write("a.po", HEAD + OPEN), "looks like po", read=texts)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co", "Z"], codec="utf-8"), min_size=1))
@settings(max_examples=25, deadline=None)
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("po") / "a.po"
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    path.write_text(f'msgid "{quoted}"\nmsgstr "gut"\n', encoding="utf-8")
    assert both(translations(path)) == [(text, "gut")]
