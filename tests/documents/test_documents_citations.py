"""Each citation in the package leads to a section that is there, in a form that CONTRIBUTING lists."""

import pytest

from tests.documents.citations import PACKAGE, Citation, Unreadable, citations_of, fault_of, read
from tests.documents.papers import DOCS

KEEBAI, WHAUTOMATE = DOCS / "services" / "keebai.md", DOCS / "services" / "whautomate.md"


@pytest.fixture(scope="module")
def found() -> list[Citation | Unreadable]:
    """All citations of the package."""
    return [each for path in sorted(PACKAGE.rglob("*.py")) for each in citations_of(path)]


def test_every_citation_has_a_form_that_is_understood(found: list[Citation | Unreadable]) -> None:
    assert [each for each in found if isinstance(each, Unreadable)] == []


def test_every_citation_leads_to_what_it_names(found: list[Citation | Unreadable]) -> None:
    faults = {each.where: fault_of(each) for each in found if isinstance(each, Citation)}

    assert {where: fault for where, fault in faults.items() if fault} == {}


def test_citations_are_found_at_all(found: list[Citation | Unreadable]) -> None:
    assert len(found) > 90
    assert {each.page for each in found if isinstance(each, Citation)} >= {KEEBAI, WHAUTOMATE}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Source: contract, section 3.1.", [("keebai", "3.1", (), (), "")]),
        (
            "Source: contract, sections 4.1, 9 and 10 number 3.",
            [("keebai", "4.1", (), (), ""), ("keebai", "9", (), (), ""), ("keebai", "10", ("3",), (), "")],
        ),
        (
            "It may be all (contract, section 3.1 (errors) and section 5; design, section 4.3).",
            [
                ("keebai", "3.1", (), (), ""),
                ("keebai", "5", (), (), ""),
                ("architecture", "4.3", (), (), ""),
            ],
        ),
        (
            "Source: contract, section 5; Whautomate's\n    contract, section 8.",
            [("keebai", "5", (), (), ""), ("whautomate", "8", (), (), "")],
        ),
        ("The webhooks contract, section 2.3.", [("webhooks", "2.3", (), (), "")]),
        ("Source: design, section 3, promises 2, 3 and 6.", [("architecture", "3", (), ("2", "3", "6"), "")]),
        ('Source: contract, section 10, "Throughput".', [("keebai", "10", (), (), "Throughput")]),
        ("Pure; section 4.1 of the design is its table.", [("architecture", "4.1", (), (), "")]),
        (
            "Source: contract, section 8, and section 1 for the regions; the fields: sections 4.1 and 6.",
            [
                ("keebai", "8", (), (), ""),
                ("keebai", "1", (), (), ""),
                ("keebai", "4.1", (), (), ""),
                ("keebai", "6", (), (), ""),
            ],
        ),
        ("Source: OpenTelemetry's semantic conventions for HTTP clients.", []),
        ("A section of a page, and the contract of every store.", []),
    ],
)
def test_the_forms_that_are_understood(
    text: str, expected: list[tuple[str, str, tuple[str, ...], tuple[str, ...], str]]
) -> None:
    found = list(read(text, "here", home="Keebai's"))

    assert [(each.page.stem, *each[2:]) for each in found if isinstance(each, Citation)] == expected
    assert not any(isinstance(each, Unreadable) for each in found)


@pytest.mark.parametrize(
    "text",
    [
        "Source: contract, section 10 (Whautomate's: section 9).",
        "Source: contract, section 3.5. It ends, as section 3.4 tells.",
        "Source: the messages reference.",
        "Source: contract, section nine.",
    ],
)
def test_another_form_is_a_mistake(text: str) -> None:
    assert any(isinstance(each, Unreadable) for each in read(text, "here", home="Keebai's"))


def test_a_section_that_is_not_there_is_found() -> None:
    assert fault_of(Citation("here", KEEBAI, "3.9")) == "keebai.md has no section 3.9"
    assert fault_of(Citation("here", KEEBAI, "11", ("99",))) == "section 11 of keebai.md has no number 99"
    assert fault_of(Citation("here", KEEBAI, "10", words="Speed of light"))
    assert fault_of(Citation("here", DOCS / "architecture.md", "3", promises=("8",)))
