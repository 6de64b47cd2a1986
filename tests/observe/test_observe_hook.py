"""One hook: all observers hear of everything, and none of them decides about sending."""

import asyncio
import logging

import pytest

from keebai_async.observe.hook import TO_LOG, Hook, hook_of
from keebai_async.observe.quota_records import QuotaStoreBack
from keebai_async.observe.records import Record
from tests.observe.samples import SAMPLES

BACK = QuotaStoreBack(store="redis")


def test_every_observer_gets_every_record_in_order() -> None:
    first: list[Record] = []
    second: list[Record] = []
    hook = Hook(first.append, second.append)
    for record in SAMPLES:
        hook(record)
    assert first == second == list(SAMPLES)


def test_what_an_observer_raises_stays_here_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    def broken(record: Record) -> None:
        raise RuntimeError("disk full")

    heard: list[Record] = []
    hook = Hook(broken, heard.append)
    for _ in range(3):
        hook(BACK)
    assert heard == [BACK] * 3
    (line,) = caplog.records
    assert (line.name, line.levelname, line.message) == ("keebai_async", "ERROR", "observer failed")
    assert vars(line)["about"] == "quota store back"
    assert vars(line)["observer"].endswith("broken")


@pytest.mark.parametrize("leave", [KeyboardInterrupt, asyncio.CancelledError, SystemExit])
def test_whoever_ends_the_program_is_not_kept_from_it(leave: type[BaseException]) -> None:
    def ends(record: Record) -> None:
        raise leave

    with pytest.raises(leave):
        Hook(ends)(BACK)


def test_logging_that_fails_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(record: logging.LogRecord) -> bool:
        raise RuntimeError("a filter of the program")

    logger = logging.getLogger("keebai_async")
    logger.addFilter(fails)
    try:
        TO_LOG(SAMPLES[-1])
    finally:
        logger.removeFilter(fails)


def test_a_client_logs_and_tells_its_user(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "keebai_async")
    one: list[Record] = []
    two: list[Record] = []
    hook_of()(BACK)
    hook_of(one.append)(BACK)
    hook_of([one.append, two.append])(BACK)
    assert [record.message for record in caplog.records] == ["quota store back"] * 3
    assert (len(one), len(two)) == (2, 1)
