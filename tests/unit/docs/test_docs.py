"""What the docs say is so: links, commands, options, addresses, files and names that they mention are there."""

import importlib
import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest
from click.testing import CliRunner
from litestar import Litestar
from litestar.di import Provide

from gaitway import errors, ports
from gaitway.cli import COMMANDS, gaitway
from gaitway.config import FIELDS, NOT_SETTINGS
from gaitway.web.api import DEPENDENCIES, PAGE, READING
from gaitway.web.operate import OPERATE
from gaitway.web.schema import with_push
from gaitway.web.shell import SHELL

ROOT: Final = Path(__file__).parents[3]
PAGES: Final = (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")), ROOT / "bench" / "README.md")
NAMES: Final = [str(page.relative_to(ROOT)) for page in PAGES]
ALL: Final = "\n".join(page.read_text() for page in PAGES)


def prose(page: Path) -> str:
    """A page without what stands in fences."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The headings of a page, as addresses of them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    """Where a page leads within this repository."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """(page, words) of each `gaitway ...` that a page shows, in a fence or between backticks."""
    for name, page in zip(NAMES, PAGES, strict=True):
        text = page.read_text().replace("\\\n", " ")
        fenced = "\n".join(re.findall(r"^```(?:sh|ini|)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
        shown = re.findall(r'(?:^|[/ ])(gaitway [a-z](?:"[^"]*"|[^"\n])*)$', fenced, re.MULTILINE)
        shown += re.findall(r"`(gaitway [a-z][^`]*)`", text)
        for line in shown:
            yield name, shlex.split(line.split(" | ")[0], comments=True)


def leaf(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that a line calls, and what it is given."""
    command: click.Command = gaitway
    rest = words[1:]
    while isinstance(command, click.Group) and rest:
        found = command.get_command(click.Context(command), rest[0])
        assert found is not None, f"there is no {' '.join(words)}"
        command, rest = found, rest[1:]
    return command, rest


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name}: {link}"
        assert not anchor or anchor in anchors(target), f"{name}: {link}"


def test_every_page_is_linked_from_another() -> None:
    linked = {(page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in links(page)}
    folders = {path for path in linked if path.is_dir()}
    lonely = [name for name, page in zip(NAMES, PAGES, strict=True) if page not in linked | {ROOT / "README.md"}]
    assert [name for name in lonely if (ROOT / name).parent not in folders] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_docs_and_shows_an_example(name: str) -> None:
    assert re.search(rf"gaitway {name}\b", ALL)
    command = importlib.import_module(f"gaitway.cli.{name}").command
    for path in ([name, sub] if sub else [name] for sub in ("", *getattr(command, "commands", ()))):
        said = CliRunner().invoke(gaitway, [*path, "--help"]).output
        assert "Example" in said
        assert f"gaitway {' '.join(path)}" in said.partition("Example")[2]


def test_command_lines_in_the_docs_use_options_that_exist() -> None:
    seen = 0
    for name, words in command_lines():
        command, rest = leaf(words)
        known = {option for each in command.params for option in each.opts} | {"--help"}
        given = {word.partition("=")[0] for word in rest if re.fullmatch(r"--[a-z].*", word)}
        assert given <= known, f"{name}: {shlex.join(words)}"
        seen += 1
    assert seen > 40


def test_variables_in_the_docs_exist() -> None:
    known = {f"GAITWAY_{name.upper()}" for name in FIELDS} | NOT_SETTINGS
    assert set(re.findall(r"GAITWAY_[A-Z_]*[A-Z]", ALL)) <= known


def test_targets_of_make_in_the_docs_exist_and_are_explained() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    code = "\n".join(re.findall(r"^ {4}.*|`[^`]+`|^```.*?^```", ALL, re.MULTILINE | re.DOTALL))
    named = set(re.findall(r"\bmake ([a-z]+)\b", code))
    assert named
    assert named <= set(targets)


def test_every_error_stands_in_the_drawn_tree_below_its_parent() -> None:
    drawn: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if (found := re.match(r"([|` -]*)(\w+Error)\b", line)) is not None:
            depth = len(found[1]) // 3
            above = [*above[:depth], found[2]]
            drawn[found[2]] = above[depth - 1] if depth else "Exception"
    classes = {name: kind for name, kind in vars(errors).items() if inspect.isclass(kind)}
    assert drawn == {name: kind.__bases__[0].__name__ for name, kind in classes.items()}


def test_every_port_is_explained() -> None:
    named = [name for name, kind in vars(ports).items() if getattr(kind, "_is_protocol", False) and name != "Protocol"]
    assert len(named) > 5
    text = (ROOT / "ARCHITECTURE.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    assert [name for name in named if f"`{name}`" not in text] == []


def test_addresses_in_the_api_page_are_served() -> None:
    parts = {name: Provide(lambda: None, sync_to_thread=False) for name in ("office", "shell", "operations")}
    app = Litestar([*READING, *PAGE, *SHELL, *OPERATE], dependencies={**DEPENDENCIES, **parts})
    paths = {*with_push(app.openapi_schema.to_schema())["paths"], *(route.path for route in app.routes)} - {
        "/{path:path}"
    }
    patterns = [re.sub(r"\\\{\w+(:path)?\\\}|\\\{.*?\\\}", "[^/]+", re.escape(path)) for path in paths]
    text = (ROOT / "docs" / "reference" / "api.md").read_text()
    named = set(re.findall(r"`(?:(?:GET|POST) )?(/[^\s`?]*)[^`]*`", text)) - {"/api/...", "/static/..."}
    assert len(named) > 15
    assert [path for path in named if not any(re.fullmatch(pattern, path) for pattern in patterns)] == []


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/page.md", "docs/reference/dialect.md"])
def test_files_of_the_code_that_a_page_names_exist(name: str) -> None:
    named = re.findall(r"`([\w./-]+(?:\.py|\.js|\.css|\.html|/))`", (ROOT / name).read_text())
    code = ROOT / "src" / "gaitway"
    places = (ROOT, code, code / "web" / "static", code / "web" / "static" / "js")
    assert named
    assert [path for path in named if not any((place / path).exists() for place in places)] == []


def test_tables_to_add_a_line_to_exist() -> None:
    table = re.findall(r"^\| .* \| .* \| `([A-Z]+)` \|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    code = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    assert len(table) > 4
    assert [name for name in table if not re.search(rf"^{name}\b.*=", code, re.MULTILINE)] == []


def test_changes_that_wait_for_a_release_are_one_sentence_each() -> None:
    fragments = list((ROOT / "changelog.d").glob("*.md"))
    assert fragments
    for fragment in fragments:
        assert re.fullmatch(r"[\w-]+\.(added|changed|fixed|removed|deprecated|security)\.md", fragment.name)
        assert re.fullmatch(r"[^\n]+[.!]\n", fragment.read_text()), fragment.name
