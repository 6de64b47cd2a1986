"""The papers' tables of words are those of the code: variables, errors, events, reasons, names."""

import ast
import re
from pathlib import Path
from typing import get_args

import pytest

import keebai_async
from keebai_async import CampaignRun, Keebai, KeebaiError, PlanOptions, Reason
from keebai_async.model import events
from keebai_async.model.meta_codes import CODES, Again
from keebai_async.sources import open_source
from keebai_async.sources.compressed import OPENERS
from keebai_async.sources.opening import FORMATS
from keebai_async.webhooks import AnyWebhookEvent
from tests.documents.papers import PAPERS, ROOT, Paper, paper

_VARIABLE = re.compile(r"\b(?:KEEBAI|WHAUTOMATE)_[A-Z]+(?:_[A-Z]+)*\b")
_OURS = [each for each in PAPERS if "services" not in each.path.parts]


@pytest.fixture(scope="module")
def variables() -> set[str]:
    """The names of environment variables in the texts of the package."""
    found = set()
    for path in (ROOT / "keebai_async").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update(_VARIABLE.findall(node.value))
    return found


def test_the_table_of_variables_is_that_of_the_code(variables: set[str]) -> None:
    named = {
        name
        for first, _ in paper("docs/environment.md").rows("Environment")
        for name in _VARIABLE.findall(first)
    }

    assert named == variables


def test_no_page_names_a_variable_that_is_not_in_the_table(variables: set[str]) -> None:
    named = {(each.name, name) for each in _OURS for name in _VARIABLE.findall(each.text)}

    assert {(page, name) for page, name in named if name not in variables} == set()


def test_the_table_of_files_has_every_ending_and_no_other() -> None:
    named = {
        ending
        for first, _ in paper("docs/lists.md").rows("Files")
        for ending in re.findall(r"`(\.\w+)`", first)
    }

    assert named == {suffix for each in FORMATS for suffix in each.suffixes if suffix} | set(OPENERS)


def test_the_table_of_errors_has_every_error_and_no_other() -> None:
    named = {first.strip("`") for first, *_ in paper("docs/errors.md").rows("Errors")}
    public = {name: getattr(keebai_async, name) for name in vars(keebai_async)["__all__"]}
    errors = {
        name for name, each in public.items() if isinstance(each, type) and issubclass(each, KeebaiError)
    }

    assert named == errors - {"KeebaiError"}


def test_the_table_of_events_has_every_event_and_no_other() -> None:
    named = {first.strip("`") for first, _ in paper("docs/python.md").rows("Events")}

    assert named == {each.__name__ for each in get_args(events.Event) or events.Event.__subclasses__()}


def test_the_table_of_events_of_webhooks_has_every_event_and_no_other() -> None:
    rows = paper("docs/webhooks.md").rows("Work off")
    named = {name for first, *_ in rows for name in re.findall(r"`(\w+)`", first)}

    assert named == {each.__name__ for each in get_args(AnyWebhookEvent)}


def test_the_table_of_reasons_has_every_reason_and_no_other() -> None:
    named = {first.strip("`") for first, _ in paper("docs/lists.md").rows("Rows that are left out")}

    assert named == {reason.value for reason in Reason}


def test_every_suffix_of_the_manual_is_read() -> None:
    named = [suffix for first, _ in paper("docs/lists.md").rows("Files") for suffix in _suffixes(first)]

    assert ".csv" in named
    for suffix in named:
        open_source(f"people.csv{suffix}" if suffix in (".gz", ".zst") else f"people{suffix}")


def _suffixes(cell: str) -> list[str]:
    return re.findall(r"`(\.\w+)`", cell)


def test_every_option_of_a_plan_is_named() -> None:
    assert set(PlanOptions.__struct_fields__) - set(paper("docs/python.md").spans) == set()


# The page on records names attributes of spans and metrics, which tests of their own look after.
_NOT_NAMES = "docs/observability.md"
DOTTED = re.compile(r"(?:keebai|run|Keebai|Report)(?:\.(?!py\b)[a-z_]+)+")


@pytest.mark.parametrize(
    "name",
    sorted(
        {span for each in _OURS if each.name != _NOT_NAMES for span in each.spans if DOTTED.fullmatch(span)}
    ),
)
async def test_a_name_of_the_interface_exists(name: str) -> None:
    first, *attributes = name.split(".")
    async with Keebai("kbai_pk_...") as keebai:
        thing: object = {"keebai": keebai, "run": CampaignRun}.get(first) or getattr(keebai_async, first)
        for attribute in attributes:
            thing = getattr(thing, attribute)

    assert thing is not None


def test_every_code_of_meta_that_has_an_advice_stands_in_the_contract() -> None:
    sections = paper("docs/services/keebai.md").sections
    text = sections["10"] + sections["13"]

    assert {code for code in CODES if not re.search(rf"\b{code}\b", text)} == set()


def test_the_table_of_codes_says_what_the_program_says() -> None:
    named = {
        int(code.partition(" ")[0]): (means, advice, again)
        for code, means, advice, again in paper("docs/retry.md").rows("Codes")
    }

    assert {code: (means, advice) for code, (means, advice, _) in named.items()} == {
        code: (one.meaning, one.advice) for code, one in CODES.items()
    }
    units = {"s": 1, "min": 60, "h": 3_600}
    for code, (_, _, again) in named.items():
        match again.split():
            case ["after", "a", "fix"]:
                assert CODES[code].again is Again.FIXED
            case ["after", count, unit]:
                assert (CODES[code].again, CODES[code].wait) == (Again.LATER, float(count) * units[unit])
            case _:
                assert (again, CODES[code].again) == ("never", Again.NEVER)


def test_the_glossary_is_in_the_order_of_the_alphabet() -> None:
    words = [word.casefold() for word, _ in paper("docs/glossary.md").rows("Glossary")]

    assert words == sorted(words)
    assert len(words) == len(set(words))


_HARD_WORDS = re.compile(
    r"(?i)(?<![\w.])(?:mend(?:s|ed|ing)?|who(?:m)?ever|seldom|anew|in passing|farewell)\b"
)
_WRITTEN = [
    *PAPERS,
    *(
        Paper(path)
        for room in ("keebai_async", "tests", "benchmarks")
        for path in (ROOT / room).rglob("*.py")
    ),
]


def test_nobody_needs_a_dictionary_for_words_that_have_a_plain_one() -> None:
    """ "fix", not "mend"; "who", not "whoever": in code, papers and messages alike."""
    found = {
        (each.name, word)
        for each in _WRITTEN
        if each.path != Path(__file__)
        for word in _HARD_WORDS.findall(each.text)
    }

    assert found == set()
