"""The documentation as a web site: ``make site``.

The root of the repository is the source folder, so that a relative link means the same on the site as on a
repository page. Navigation comes from docs/README.md: its headings are the groups, its first columns the pages.
"""

from __future__ import annotations

import pydoc
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(Path(__file__).parent)]

import taskzoo  # noqa: E402

project = "Task Zoo"
author = "The Task Zoo authors"
copyright = author
release = version = taskzoo.__version__
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon", "cjk_search"]
root_doc = "README"
include_patterns = ["*.md", "docs/**.md", "examples/**.md", "examples/*.ipynb"]
exclude_patterns = [
    ".*",
    "build",
    "dist",
    "core",
    "plugins",
    "tests",
    "tools",
    "benchmarks",
    "runs",
    "**/site",
    "**/template",
]

myst_heading_anchors = 6
nb_execution_mode = "off"
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
autosummary_generate = False
napoleon_numpy_docstring = False
napoleon_use_rtype = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
nitpick_ignore_regex = [(r"py:.*", r"(?!taskzoo\.).*")]
"""Names of other packages: there is no network to look them up in."""

html_theme = "furo"
html_title = "Task Zoo"
html_search_language = "en"
html_show_sphinx = False
html_copy_source = False
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": True}

PUBLIC = {f"{module}.{name}": f"taskzoo.{name}" for name, module in taskzoo._EXPORTS.items()}
"""The name in its module -> the name that people use, which the reference has."""
BELOW = {"docs/api/README": "*", "examples/README": "*/README"}
"""Pages that lie below another in the navigation."""
GROUP = re.compile(r"^## (.+)$", re.MULTILINE)
PAGE = re.compile(r"^\| \[([^\]]+)\]\(([^)#]+)\.(?:md|ipynb)\)", re.MULTILINE)


def navigation(index: str) -> str:
    """Tables of contents, one for each group of docs/README.md, from its text."""
    _, *parts = GROUP.split(index)
    groups = zip(parts[::2], parts[1::2], strict=True)
    lists = [_toctree("", [("All pages", "README")])]
    return "\n".join([*lists, *(_toctree(caption, PAGE.findall(part)) for caption, part in groups)])


def _toctree(caption: str, pages: list[tuple[str, str]]) -> str:
    lines = [f"{title} </{(ROOT / 'docs' / page).resolve().relative_to(ROOT).as_posix()}>" for title, page in pages]
    options = [":hidden:", *([f":caption: {caption}"] if caption else [])]
    return "\n".join(["```{toctree}", *options, "", *lines, "```", ""])


def _add_navigation(app: Sphinx, docname: str, source: list[str]) -> None:
    if docname == root_doc:
        source[0] += "\n\n" + navigation((ROOT / "docs" / "README.md").read_text(encoding="utf-8"))
        app.env.note_dependency(str(ROOT / "docs" / "README.md"))
    elif docname in BELOW:
        source[0] += f"\n\n```{{toctree}}\n:hidden:\n:glob:\n\n{BELOW[docname]}\n```\n"


def _find_name(app: Sphinx, env: BuildEnvironment, node: Any, shown: nodes.Node) -> nodes.Node | None:
    """Where a name of ours is: under its public name, or nowhere (plain text) if it exists and is not in the reference.

    What is left, and warned of, are names that do not exist.
    """
    target = node.get("reftarget", "")
    for name, public in PUBLIC.items():
        if target == name or target.startswith(f"{name}."):
            domain, full = env.get_domain("py"), public + target.removeprefix(name)
            found = domain.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], full, node, shown)
            if found is not None:
                return found
    ours = node.get("refdomain") == "py" and target.startswith("taskzoo.")
    return shown if ours and pydoc.locate(target) is not None else None


def _readable_signature(*event: Any) -> tuple[str | None, str | None]:
    """Defaults as Python can read them, and of ``finetune`` its own parameters: settings have a page."""
    signature, returned = event[-2:]
    if event[2] == "taskzoo.finetune":
        signature = re.sub(r"epochs: .*(?=\*\*settings)", "", signature)
    return signature and signature.replace("<factory>", "..."), returned


def _name_language(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    if page.endswith(".zh"):
        context["language"] = "zh"


def _copy_landing_page(app: Sphinx, error: Exception | None) -> None:
    if error is None:
        shutil.copyfile(app.outdir / "README.html", app.outdir / "index.html")


def setup(app: Sphinx) -> dict[str, bool]:
    """Hooks of this site."""
    app.connect("source-read", _add_navigation)
    app.connect("missing-reference", _find_name)
    app.connect("autodoc-process-signature", _readable_signature)
    app.connect("html-page-context", _name_language)
    app.connect("build-finished", _copy_landing_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
