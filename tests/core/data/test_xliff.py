"""XLIFF 1.2 and 2.0, as translation tools write them."""

from __future__ import annotations

from collections import Counter

import pytest

from .conftest import Write
from .kit import both, refused, texts, translations


def old(*units: str, languages: str = 'source-language="en" target-language="de"') -> str:
    head = '<?xml version="1.0"?>\n<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">\n'
    body = "\n".join(f'<trans-unit id="{number}">{unit}</trans-unit>' for number, unit in enumerate(units))
    return f'{head}<file original="a.txt" {languages} datatype="plaintext"><body>\n{body}\n</body></file></xliff>\n'


def new(*units: str, languages: str = 'srcLang="en" trgLang="de"') -> str:
    body = "\n".join(f'<unit id="u{number}"><segment>{unit}</segment></unit>' for number, unit in enumerate(units))
    head = f'<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0" {languages}>\n'
    return f'{head}<file id="f">\n{body}</file></xliff>'


OPEN = "<source>Open</source><target>Öffnen</target>"
PAIR = ("Open", "Öffnen")


@pytest.mark.parametrize("name", ["a.xlf", "a.xliff", "a.sdlxliff", "a.xml", "a.txt"])
@pytest.mark.parametrize("make", [old, new])
def test_pairs_and_their_direction(write: Write, name: str, make) -> None:
    path = write(name, make(OPEN, "<source>Save</source><target>Sichern</target>"))
    rows = translations(path)
    assert both(rows) == [PAIR, ("Save", "Sichern")]
    assert [row.line for row in rows] == [4, 5] if make is old else [3, 4]
    assert rows[0]["languages"] == ("en", "de")
    assert both(translations(path, "German", "en"))[0] == PAIR[::-1]
    refused(
        path,
        "no unit is in en and fr; the languages of this file are en, de",
        read=translations,
        target="fr",
        source="en",
    )


@pytest.mark.parametrize(
    "languages", ['source-language="en"', 'target-language="de"', 'source-language="en-US" target-language="de-DE"', ""]
)
def test_a_language_that_is_not_stated_is_the_other_of_those_asked_for(write: Write, languages: str) -> None:
    path = write("a.xlf", old(OPEN, languages=languages))
    assert both(translations(path, "en", "de")) == [PAIR]
    assert both(translations(path)) == [PAIR]
    if languages:
        assert both(translations(path, "de", "en")) == [PAIR[::-1]]


def test_markup_is_dropped_and_its_text_stays(write: Write) -> None:
    marked = (
        '<source>Press <g id="1">the <mrk mtype="seg">red</mrk></g> key<x id="2"/>'
        '<bpt id="3">&lt;b&gt;</bpt>!<ept id="3">&lt;/b&gt;</ept></source>'
        '<seg-source><mrk mtype="seg">Wrong</mrk></seg-source>'
        "<target>Die\n  rote Taste</target><note>Not this</note>"
        "<alt-trans><source>No</source><target>Nein</target></alt-trans>"
    )
    assert both(translations(write("a.xlf", old(marked)))) == [("Press the red key!", "Die rote Taste")]
    marked = '<source><pc id="1">Bold</pc> <ph id="2"/>text</source><target>Fett</target>'
    assert both(translations(write("b.xlf", new(marked)))) == [("Bold text", "Fett")]


def test_what_is_not_translated_is_left_out_and_counted(write: Write) -> None:
    units = [
        OPEN,
        "<source>Alone</source>",
        "<source>Empty</source><target/>",
        '<source>Copied</source><target state="needs-translation">Copied</target>',
    ]
    path = write("a.xlf", old(*units))
    notes: Counter[str] = Counter()
    assert both(translations(path, notes=notes)) == [PAIR]
    assert notes == {"units without a text in one of the languages left out": 3}
    rows = translations(path, "en", "de", labelled=False)
    assert [row["source"] for row in rows] == ["Open", "Alone", "Empty", "Copied"]


def test_files_in_several_languages(write: Write) -> None:
    french = old("<source>Open</source><target>Ouvrir</target>", languages='source-language="en" target-language="fr"')
    start, end = french.index("<file"), french.index("</xliff>")
    path = write("a.xlf", old(OPEN).replace("</xliff>", french[start:end] + "</xliff>"))
    assert both(translations(path, "en", "fr")) == [("Open", "Ouvrir")]
    refused(path, "3 languages, 'en', 'de', 'fr'", read=translations)


def test_other_tasks_and_other_xml(write: Write) -> None:
    refused(write("a.xlf", old(OPEN)), "looks like xliff", read=texts)
    path = write("a.xml", '<?xml version="1.0"?>\n<resources><string name="a">A</string></resources>')
    for read in (texts, translations):
        refused(path, "XML or HTML with the root element <resources>", "convert it to one of", read=read)
    bomb = '<!DOCTYPE xliff [<!ENTITY a "ha">]>' + old(OPEN).partition("\n")[2]
    refused(write("b.xlf", bomb), "defines the entity 'a'", line=1, read=translations)
    refused(write("c.xlf", old(OPEN)[:-12]), "broken XML", line=5, read=translations)


@pytest.mark.parametrize("last", [True, False])
def test_what_stands_between_segments_belongs_to_none(write: Write, last: bool) -> None:
    dot = "<ignorable><source>1.</source><target>A.</target></ignorable>"
    segment = f"<segment>{OPEN}</segment>"
    units = ["<segment><source>New</source></segment>", segment + dot if last else dot + segment]
    text = new().replace("</file>", "".join(f"<unit>{unit}</unit>" for unit in units) + "</file>")
    assert both(translations(write("a.xlf", text))) == [PAIR]
