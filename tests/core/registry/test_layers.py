"""A catalogue that cannot be read says the file, the line, the entry and what would be right."""

from __future__ import annotations

import pytest

from taskzoo.errors import DataError, RequestError
from taskzoo.registry.layers import read_file, read_mapping

MODEL = """\
version: 2
models:
  mine:
    hub: me/mine
    family: bert
    kind: encoder
    tuned_for: [ner]
    languages: [en]
"""

RESULT = """\
    results:
    - dataset: news
      task: ner
      metric: f1
      value: 0.5
      interval: [0.4, 0.6]
      rows: 1200
      source: a page
"""


def read(tmp_path, text):
    file = tmp_path / "registry.yaml"
    file.write_text(text, encoding="utf-8")
    return read_file(file).content


def message(tmp_path, text) -> str:
    with pytest.raises(DataError) as caught:
        read(tmp_path, text)
    assert isinstance(caught.value, RequestError)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{tmp_path / 'registry.yaml'}:")


def test_an_entry_knows_its_name_its_origin_and_its_folder(tmp_path):
    entry = read(tmp_path, MODEL + "    path: here\n    source: page\n").models["mine"]
    assert (entry.name, entry.origin) == ("mine", str(tmp_path / "registry.yaml"))
    assert entry.directory == tmp_path / "here"
    assert entry.source == ("page",)
    assert entry.facts()["parameters"] is None


@pytest.mark.parametrize("text", ["", "version: 2\n", "models:\nrecipes:\n", "# nothing\n"])
def test_an_empty_catalogue_is_one(tmp_path, text):
    assert read(tmp_path, text).models == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (MODEL.replace("family", "famliy"), "5: models.mine: there is no key 'famliy'; did you mean 'family'? (1 more"),
        (MODEL.replace("models", "model"), "2: there is no key 'model'; did you mean 'models'?"),
        (MODEL + "    zzz: 1\n", "9: models.mine: there is no key 'zzz'; known keys are replace, hub, revision,"),
        (
            MODEL + "    package: {distribution: d, pth: x, path: y}\n",
            "9: models.mine.package: there is no key 'pth'; did",
        ),
        ("recipes:\n- tasks: ner\n  set: {}\n  matches: {}\n", "4: recipes.0: there is no key 'matches'; did you mean"),
        (
            "recipes:\n- {tasks: a, set: {}}\n- {tasks: b, set: {}, match: {famly: x}}\n",
            "3: recipes.1.match: there is no key 'famly'; did you mean 'family'?",
        ),
        (MODEL.replace("    family: bert\n", ""), "3: models.mine: the key 'family' is missing."),
        (MODEL.replace("    hub: me/mine\n", ""), "3: models.mine: needs one of hub, package and path."),
        (MODEL.replace("encoder", "encodre"), "6: models.mine.kind: 'encodre' should be 'encoder', 'decoder' or"),
        (
            MODEL.replace("[en]", "[en, no]"),
            "8: models.mine.languages.1: False should be a valid string (put it in quo",
        ),
        (MODEL + "    parameters: many\n", "9: models.mine.parameters: 'many' should be a valid integer."),
        (MODEL + "    parameters: 1.5\n", "9: models.mine.parameters: 1.5 should be a valid integer"),
        ("version: 3\n", "1: version 3 is not the one this taskzoo reads (2); upgrade"),
        (
            MODEL.replace("2", "1") + "    tasks: [ner]\n",
            "1: version 1 is not the one this taskzoo reads (2); `tasks` of",
        ),
        ("version: 1\n", "1: version 1 is not the one this taskzoo reads (2); `tasks` of a model became `tuned_for`"),
        (
            MODEL + "    tasks: [ner]\n",
            "9: models.mine: there is no key 'tasks'; a model suits all tasks",
        ),
        (MODEL.replace("[en]", "3"), "8: models.mine.languages: 3 should be a valid list."),
        (
            "recipes:\n- {tasks: ner, set: {epochs: -1}}\n",
            "2: recipes.0: epochs=-1.0 must be at least 0.",
        ),
        ("recipes:\n- {tasks: ner, set: {optimizer: adamm}}\n", "2: recipes.0: optimizer='adamm' is not one of adamw,"),
        ("models: {a: [}\n", "1: this is not YAML for a catalogue (found "),
        ("a: 1\nb:\n\t- c\n", "3: this is not YAML"),
        ("models:\n  a: {}\n  a: {}\n", "3: this is not YAML for a catalogue (found the key 'a' twice)"),
        (
            "a: !!python/object/apply:os.getcwd []\n",
            "1: this is not YAML for a catalogue (found could not determine a cons",
        ),
        ("models:\n  {{ name }}: 1\n", "2: this is not YAML for a catalogue (found unhashable key)"),
        ("- a\n", " a catalogue is a mapping that starts with `version: 2`."),
        ("datasets: {d: {tasks: [ner]}}\n", "1: datasets.d: needs one of hub and path."),
        (
            MODEL + RESULT.replace("      interval: [0.4, 0.6]\n", ""),
            "10: models.mine.results.0: needs an interval, or a note that says why there is none.",
        ),
        (MODEL + RESULT.replace("0.6", "0.45"), "10: models.mine.results.0: the value 0.5 is outside of its interval."),
        (
            MODEL + RESULT.replace("rows", "rwos"),
            "15: models.mine.results.0: there is no key 'rwos'; did you mean 'rows'",
        ),
        (MODEL + RESULT.replace("source: a page", "source: []"), "16: models.mine.results.0.source: [] Value should"),
    ],
)
def test_a_broken_catalogue_says_where_and_what(tmp_path, text, says):
    assert message(tmp_path, text).startswith(says)


def test_a_file_that_is_not_text_or_not_there(tmp_path):
    with pytest.raises(DataError, match=r"gone\.yaml: this catalogue cannot be read \(No such file"):
        read_file(tmp_path / "gone.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff\n")
    with pytest.raises(DataError, match="not UTF-8"):
        read_file(tmp_path / "latin.yaml")


def test_a_mapping_is_checked_too():
    with pytest.raises(DataError, match="plugin p: there is no key 'modles'; did you mean 'models'"):
        read_mapping({"modles": {}}, "plugin p")


def test_a_result_in_words(tmp_path):
    (result,) = read(tmp_path, MODEL + RESULT).models["mine"].results
    assert str(result) == "f1 0.5 [0.4, 0.6] on 1,200 rows of news"
    assert (result.source, result.interval) == (("a page",), (0.4, 0.6))
