"""Links lead somewhere: to a file that is there, and to a heading in it. So do paths of modules."""

import re

import pytest

from tests.documents.papers import PAPERS, ROOT, Paper, paper

ARCHITECTURE = paper("docs/architecture.md")
PACKAGE = ROOT / "keebai_async"
_COMING = " (to come)"
_MODULE = re.compile(r"(?:[a-z_]+/)+(?:[a-z_]+\.py)?|[a-z_]+\.py")


def links() -> list[tuple[str, str]]:
    return [(each.name, link) for each in PAPERS for link in sorted(set(each.links))]


@pytest.mark.parametrize(("name", "link"), links())
def test_a_link_leads_somewhere(name: str, link: str) -> None:
    here = paper(name)
    file, _, anchor = link.partition("#")
    target = (here.path.parent / file).resolve() if file else here.path

    assert target.exists()
    assert target.is_relative_to(ROOT)
    if anchor:
        assert anchor in Paper(target).anchors


def test_every_page_of_the_manual_is_in_its_table_of_contents() -> None:
    index = paper("docs/index.md")
    linked = {(index.path.parent / link.partition("#")[0]).resolve() for link in index.links}

    assert {each.path for each in PAPERS} - linked == {index.path}


def drawing() -> dict[str, bool]:
    """The rooms and modules of the drawing, each with whether it is marked as to come."""
    lines = ARCHITECTURE.code("text")[0].splitlines()
    assert lines[0] == "keebai_async/"
    return {line.split()[0]: line.endswith(_COMING) for line in lines[1:]}


def test_every_room_of_the_package_is_in_the_drawing() -> None:
    rooms = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }

    assert rooms - set(drawing()) == set()


@pytest.mark.parametrize(("path", "coming"), list(drawing().items()))
def test_the_drawing_shows_what_is_there(path: str, coming: bool) -> None:
    """What is built is no longer to come: take the mark away."""
    assert (PACKAGE / path).exists() is not coming


def modules() -> list[tuple[str, str]]:
    return [
        (each.name, span)
        for each in PAPERS
        if each.name != "CHANGELOG.md"
        for span in sorted(set(each.spans))
        if _MODULE.fullmatch(span)
    ]


@pytest.mark.parametrize(("name", "path"), modules())
def test_a_module_that_is_named_is_there(name: str, path: str) -> None:
    coming = {each for each, is_coming in drawing().items() if is_coming}
    folders = (ROOT, PACKAGE, ROOT / "benchmarks", paper(name).path.parent)

    assert path.removeprefix("keebai_async/") in coming or any((folder / path).exists() for folder in folders)
