"""The papers' words on the command are the command's: its lines, options, exit codes and JSON."""

import re
from collections.abc import Iterator
from typing import get_args

import msgspec
import pytest

from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.language import ENGLISH, speaking
from keebai_async.model import events
from keebai_async.model.report import Report
from keebai_async.model.stop import Cause
from tests.documents.commands import ROOT, Group, all_options, check, command_at, invocations
from tests.documents.papers import PAPERS, paper

MANUAL = paper("docs/commands.md")
WHAUTOMATE = paper("docs/whautomate.md")


SHELL_LINES = [
    words
    for each in PAPERS
    for block in each.blocks
    if block.mark == "sh"
    for words in invocations(block.code)
]


@pytest.mark.parametrize("words", SHELL_LINES, ids=" ".join)
def test_a_line_of_a_shell_is_understood(words: list[str]) -> None:
    called = command_at(words)

    assert called is not None
    command, rest = called
    with speaking(ENGLISH):  # of --lang it is the effect, and here only whether it is understood
        command.make_context(words[0], rest)


PROSE_LINES = sorted({span for each in PAPERS for span in each.spans if span.startswith("keebai-async ")})


@pytest.mark.parametrize("line", PROSE_LINES)
def test_a_line_in_prose_names_a_command_and_options_that_exist(line: str) -> None:
    check(line.split()[1:])


def rows_of_commands() -> Iterator[list[str]]:
    for each in (MANUAL, WHAUTOMATE):
        for line in each.prose.splitlines():
            first = re.findall(r"`([^`]+)`", line.split("|")[1]) if line.startswith("| `") else []
            words = [span.split() for span in first]
            if words and words[0][0] in ("whautomate", *_group("").commands) and words[0][1:2] != ["COMMAND"]:
                inner = words[0][0] == "whautomate"
                yield from (
                    ["whautomate", *each] if inner and each[0] != "whautomate" else each for each in words
                )


def _group(name: str) -> Group:
    return ROOT.commands[name] if name else ROOT  # type: ignore[return-value]


@pytest.mark.parametrize("words", list(rows_of_commands()), ids=" ".join)
def test_a_row_of_the_manual_names_a_command_and_options_that_exist(words: list[str]) -> None:
    check(words)


@pytest.mark.parametrize("group", ["", "whautomate"])
def test_every_command_has_a_row(group: str) -> None:
    depth = 1 if group else 0
    named = {words[depth] for words in rows_of_commands() if not group or words[0] == group}

    assert set(_group(group).commands) - {"whautomate"} - named == set()


def test_every_option_that_is_named_exists() -> None:
    named = {
        (each.name, option)
        for each in PAPERS
        if each.name not in {"CHANGELOG.md", "docs/mutation.md"}  # that page has a program of its own
        for span in each.spans
        if span.startswith("--")
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", span)
    }

    assert {(name, option) for name, option in named if option not in all_options()} == set()


def test_the_table_of_exit_codes_is_that_of_the_code() -> None:
    assert [int(code) for code, _ in MANUAL.rows("Exit codes")] == [int(code) for code in Exit]


def test_the_table_of_json_has_every_event() -> None:
    known = get_args(events.Event) or events.Event.__subclasses__()
    tags = {str(each.__struct_config__.tag) for each in known}
    named = {tag for types, *_ in MANUAL.rows("JSON") for tag in re.findall(r"`(\w+)`", types)}

    assert tags - named == set()
    assert {"plan", "report", "campaign", "unknown", "check", "receipt", "template", "number"} <= named


def test_the_report_that_is_shown_is_one() -> None:
    (shown,) = MANUAL.code("json")
    report = msgspec.json.decode(shown, type=Report)

    assert report.errors() == ()
    assert set(msgspec.json.decode(shown)) <= {"type", *Report.__struct_fields__}


def test_every_cause_of_a_stop_is_named() -> None:
    assert {cause.value for cause in Cause} - set(MANUAL.spans) == set()
