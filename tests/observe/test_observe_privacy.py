"""Whatever the world says, no record, line, span or metric holds a number or a token; the sums come out."""

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest
from hypothesis import given, settings

from keebai_async.observe.chunk_records import BroadcastRead, ChunkMoved
from keebai_async.observe.headcount import headcount
from keebai_async.observe.hook import hook_of
from keebai_async.privacy import shown
from tests.observe.collected import Collected
from tests.observe.lives import SPELLINGS, World, spelled, worlds


class _Everything(logging.Formatter):
    """The message and every attribute of a line."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(
            f"{name}={value}" for name, value in vars(record).items() if name not in {"created", "msecs"}
        )


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    logger, out = logging.getLogger("keebai_async"), io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(_Everything())
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield out
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def exported(collected: Collected) -> Iterator[str]:
    for span in collected.spans():
        yield span.to_json(indent=None)
        yield from (f"{name}={value!r}" for name, value in (span.attributes or {}).items())
    for metric in collected.metrics().values():
        for point in metric.data.data_points:
            yield from (f"{name}={value!r}" for name, value in (point.attributes or {}).items())


def private(text: str, world: World) -> str | None:
    """Somebody's number in *text*, however it is spelled, or the token."""
    digits = re.sub(r"[\s().\-/+]", "", text)
    found = [number for number in world.numbers if number in digits]
    return next(iter(found + [world.token] * (world.token in text)), None)


@given(worlds())
@settings(deadline=None, max_examples=60)
def test_no_record_no_line_no_span_and_no_metric_holds_a_number_or_a_token(world: World) -> None:
    collected = Collected()
    with everything_logged() as log:
        hook = hook_of(collected.observer)
        for record in world.told:
            hook(record)
    said = [msgspec.json.encode(record).decode() for record in world.told]
    said += [repr(record) for record in world.told]
    said += log.getvalue().splitlines()
    said += exported(collected)
    collected.close()
    assert "observer failed" not in log.getvalue()
    assert {private(text, world) for text in said} == {None}


@given(worlds())
@settings(deadline=None, max_examples=100)
def test_what_is_told_adds_up_to_where_everybody_is(world: World) -> None:
    people = headcount(world.before)
    for record in world.told:
        if isinstance(record, ChunkMoved | BroadcastRead):
            people += record.change
    assert people == headcount(world.after)
    assert people.total == sum(chunk.recipients for chunk in world.before)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_number_is_masked_in_each_spelling(spelling: str) -> None:
    text = shown(f"to: {spelled('5491155550101', spelling)} is wrong")
    assert "5491155550101" not in re.sub(r"[^\d]", "", text)
    assert text.endswith(" is wrong")


@pytest.mark.parametrize(
    "text",
    [
        "429 to chunk 12 5 times in a row",
        "201 of 1000 delivered so far failed, more than the 20% allowed",
        "what became of 5000 people is unknown (chunk 1, 2, 3, 4, 5, 6, 7, 8, 9): settle it with reconcile",
        "the quota of 1,000 requests in 3600 s is spent",
        "recipients.4999.to must be a phone number",
    ],
)
def test_what_is_no_number_of_anybody_stays_as_it_is(text: str) -> None:
    assert shown(text) == text
