"""The log: fixed names, fixed fields, levels; docs/observability.md is the truth about all three."""

import logging
import re
from collections import defaultdict
from pathlib import Path

import pytest

from keebai_async.observe.base import event_of
from keebai_async.observe.logging_sink import to_logging
from keebai_async.observe.records import Record
from keebai_async.observe.request_records import RequestAnswered, RequestStarted
from tests.observe.samples import READ, SAMPLES

PAGE = (Path(__file__).parents[2] / "docs" / "observability.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ([^|]+) \| ([A-Z, ]+) \| ([^|]+) \| [^|]* ?\|$", re.MULTILINE)
GROUP = re.compile(r"^- _(\w+)_: ((?:.|\n  )*)", re.MULTILINE)
OWN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def names_in(text: str) -> set[str]:
    """The names in backticks, of what stands outside of brackets."""
    return set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", text)))


def documented() -> dict[str, tuple[set[str], set[str]]]:
    """event -> (levels, fields), as the page has them."""
    groups = {name: names_in(text) for name, text in GROUP.findall(PAGE)}
    found = {}
    for event, levels, fields in ROW.findall(PAGE):
        grouped = [groups[name] for name in re.findall(r"_(\w+)_", re.sub(r"`[^`]*`", "", fields))]
        found[event] = (set(levels.split(", ")), names_in(fields).union(*grouped))
    return found


def logged(caplog: pytest.LogCaptureFixture, *records: Record) -> list[logging.LogRecord]:
    caplog.set_level(logging.DEBUG, "keebai_async")
    for record in records:
        to_logging(record)
    return caplog.records


def fields(line: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(line).items() if name not in OWN}


def test_the_page_has_every_event_with_its_levels_and_fields(caplog: pytest.LogCaptureFixture) -> None:
    levels: dict[str, set[str]] = defaultdict(set)
    seen: dict[str, set[str]] = defaultdict(set)
    for line in logged(caplog, *SAMPLES):
        levels[line.message].add(line.levelname)
        seen[line.message] |= set(fields(line))
    page = documented()
    assert page.pop("observer failed") == ({"ERROR"}, {"observer", "about"})
    assert {event: said[0] for event, said in page.items()} == levels
    for event, (_, said) in page.items():
        missing = said - seen[event]
        assert seen[event] <= said, event
        assert missing <= {"accepted", "broadcast", "reason", "into", "cause"}, (
            event
        )  # not every move has one


@pytest.mark.parametrize("record", SAMPLES, ids=event_of)
def test_no_field_stands_where_logging_has_one_of_its_own(
    record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    (line,) = logged(caplog, record)  # logging raises KeyError for a field that it knows
    assert line.name == "keebai_async"
    for name, value in fields(line).items():
        assert isinstance(value, str | int | float | bool), name


def test_an_unknown_chunk_says_whom_it_is_about_and_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    (line,) = [line for line in logged(caplog, *SAMPLES) if line.message == "chunk unknown"]
    said = fields(line)
    assert line.levelname == "ERROR"
    assert (said["campaign"], said["chunk"], said["recipients"]) == ("promo-marzo-9f3c1a2b", 1, 5_000)
    assert said["reason"] == "no answer in time"
    assert said["advice"] == (
        "look for it at the service, then reconcile chunk 1 of campaign promo-marzo-9f3c1a2b"
    )


def test_nobody_pays_for_a_line_that_is_not_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flattened(record: Record) -> dict[str, object]:
        raise AssertionError("this is work for nothing")

    caplog.set_level(logging.WARNING, "keebai_async")
    monkeypatch.setattr("keebai_async.observe.logging_sink.fields_of", flattened)
    to_logging(RequestAnswered(request=READ, status=200, seconds=0.1))
    assert caplog.records == []


def test_the_names_of_version_0_1_are_still_there(caplog: pytest.LogCaptureFixture) -> None:
    page = documented()
    assert {"request answered", "request failed", "request throttled", "broadcast stuck"} <= set(page)
    for event in ("request answered", "request failed", "request throttled"):
        assert {"method", "attempt", "seconds"} <= page[event][1]
    assert {"stage", "reason"} <= page["request failed"][1]
    assert {"broadcast", "seconds"} <= page["broadcast stuck"][1]
    assert set(RequestStarted.__struct_fields__) == names_in(GROUP.findall(PAGE)[0][1])
