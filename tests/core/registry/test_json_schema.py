"""The JSON schema of registry.yaml accepts what is right, refuses what is wrong, and is kept current."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from taskzoo.registry.json_schema import FILE, catalogue_schema
from taskzoo.testing.new_package import write_package

ROOT = Path(__file__).parents[3]
CHECK = jsonschema.Draft202012Validator(catalogue_schema())


def test_the_file_is_current():
    assert json.loads((ROOT / "docs" / FILE).read_text(encoding="utf-8")) == catalogue_schema(), (
        "run `python docs/generate_schema.py`"
    )


def test_it_is_a_schema_and_the_catalogues_here_keep_it():
    jsonschema.Draft202012Validator.check_schema(catalogue_schema())
    files = [ROOT / "registry.yaml", *ROOT.glob("plugins/*/recipes.yaml")]
    assert len(files) >= 5
    for file in files:
        CHECK.validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    CHECK.validate({"version": 2, "models": None})


@pytest.mark.parametrize(
    "entry",
    [
        {"hub": "me/x", "famly": "bert", "kind": "encoder", "languages": "en"},
        {"hub": "me/x", "family": "bert", "kind": "encodre", "languages": "en"},
        {"hub": "me/x", "family": "bert", "kind": "encoder", "languages": "en", "parameters": 0},
        {"hub": "me/x", "family": "bert", "kind": "encoder", "languages": "en", "results": [{"metric": "f1"}]},
    ],
)
def test_what_is_wrong_is_refused(entry):
    assert not CHECK.is_valid({"version": 2, "models": {"mine": entry}})
    assert not CHECK.is_valid({"version": 1})


def test_the_first_line_of_the_built_in_catalogue_names_it():
    first = (ROOT / "registry.yaml").read_text(encoding="utf-8").partition("\n")[0]
    assert first == f"# yaml-language-server: $schema=docs/{FILE}"


def test_a_new_package_has_it_beside_its_recipes(tmp_path):
    folder = write_package("with-a-schema", tmp_path / "made") / "taskzoo_with_a_schema"
    assert json.loads((folder / FILE).read_text(encoding="utf-8")) == catalogue_schema()
    recipes = (folder / "recipes.yaml").read_text(encoding="utf-8")
    assert recipes.startswith(f"# yaml-language-server: $schema={FILE}\n")
    CHECK.validate(yaml.safe_load(recipes))
