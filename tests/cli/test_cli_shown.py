"""Words and numbers from outside, as a person sees them: no whole number, no way to move the cursor."""

from collections.abc import Callable

import pytest

from keebai_async.cli.progress import CampaignMeter
from keebai_async.cli.shown import shown_number, shown_reason, shown_text
from keebai_async.model.campaign import CampaignState
from keebai_async.model.events import (
    BroadcastProgress,
    BroadcastStuck,
    BroadcastUnread,
    ChunkAccepted,
    ChunkRefused,
    ChunkSplit,
    ChunkUnknown,
    Event,
    PeopleLeftOut,
    StateChanged,
    Waiting,
)
from tests.cli.test_cli_text import REPORT

SPELLINGS = ["+5491155550101", "5491155550101", "+54 9 11 5555-0101", "+54 (9) 11.5555.0101"]
WHY = "recipients.0.to: {} is not on WhatsApp"


class Told:
    """A meter that remembers what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.shown: dict[str, tuple[int, int | None]] = {}
        self.likely: dict[str, int | None] = {}
        self.pulses: list[tuple[str, str]] = []

    def show(self, what: str, done: int, of: int | None, *, likely: int | None = None) -> None:
        self.shown[what] = (done, of)
        self.likely[what] = likely

    def detail(self, what: str, done: int, of: int | None) -> None:
        pass

    def say(self, line: str) -> None:
        self.lines.append(line)

    def pulse(self, line: str, note: str) -> None:
        self.pulses.append((line, note))


def told_of(*events: Event) -> Told:
    told = Told()
    meter = CampaignMeter(told, ready=12_000, chunks=REPORT.chunks[:1])
    for event in events:
        meter.event(event)
    return told


@pytest.mark.parametrize("number", SPELLINGS)
@pytest.mark.parametrize(
    "event",
    [
        lambda why: ChunkRefused(number=1, recipients=1, reason=why),
        lambda why: ChunkUnknown(number=1, recipients=1, reason=why),
        lambda why: Waiting(seconds=9.0, why=why),
        lambda why: StateChanged(state=CampaignState.STOPPED, reason=why),
    ],
    ids=["refused", "unknown", "waiting", "stopped"],
)
def test_no_event_tells_a_whole_number_that_the_service_named(
    number: str, event: Callable[[str], Event]
) -> None:
    (line,) = told_of(event(WHY.format(number))).lines

    assert number not in line
    assert "is not on WhatsApp" in line


def test_a_users_own_words_keep_their_digits() -> None:
    assert shown_text("Promo 20260301 1200") == "Promo 20260301 1200"


@pytest.mark.parametrize("show", [shown_text, shown_reason, shown_number])
@pytest.mark.parametrize("text", ["a\x1b[2Jb", "a\rb\nc", "a\x07b", "a\u202eb"])
def test_nothing_that_is_shown_moves_the_cursor(show: Callable[[str], str], text: str) -> None:
    assert show(text).isprintable()


def test_a_number_is_shown_by_its_ends() -> None:
    assert shown_number("+5491155550101") == "+549…0101"
    assert shown_number("  ") == ""


def test_what_happens_to_a_chunk_is_a_line_that_says_what_becomes_of_its_people() -> None:
    told = told_of(
        ChunkRefused(number=2, recipients=5_000, reason="bad request"),
        ChunkUnknown(number=3, recipients=5_000, reason="timed out"),
        ChunkSplit(number=4, into=(7, 8)),
        PeopleLeftOut(number=6, recipients=2, reason="opted out", into=(9,)),
        BroadcastStuck(number=5, broadcast_id="b5", seconds=900.0),
    )

    doubt = "it may have been sent or not, and is not sent again by itself"
    assert told.lines == [
        "chunk 2: the service refused 5,000 people: bad request",
        f"chunk 3: what became of 5,000 people is not known (timed out): {doubt}",
        "chunk 4: cut; its people are now in chunks 7, 8",
        "chunk 6: 2 people are left out: opted out",
        "chunk 5: nothing was delivered for 15 min; still looking",
    ]


def test_the_same_wait_is_told_once_and_a_short_one_not_at_all() -> None:
    wait = Waiting(seconds=9.0, why="the quota of 60/60s is spent")

    assert told_of(wait, wait, Waiting(seconds=0.5, why="x")).lines == [
        "waiting 9 s: the quota of 60/60s is spent"
    ]


def test_a_service_that_does_not_say_how_far_it_is_is_told_once_until_it_does() -> None:
    unread = BroadcastUnread(number=1, broadcast_id="b1", reason="GET /messages/bulk/b1 had no answer")
    progress = BroadcastProgress(number=1, broadcast_id="b1", sent=1, failed=0, pending=1, final=False)
    line = "chunk 1: how far it is cannot be read now (GET /messages/bulk/b1 had no answer)"

    assert told_of(unread, unread).lines == [line]
    assert told_of(unread, progress, unread).lines == [line] * 2


def test_what_earlier_runs_did_counts_in_what_is_shown() -> None:
    told = told_of(
        ChunkAccepted(number=2, of=3, recipients=5_000, accepted=5_000, broadcast_id="b2"),
        BroadcastProgress(number=2, broadcast_id="b2", sent=90, failed=10, pending=4_900, final=False),
    )

    assert told.shown == {"submitting": (10_000, 12_000), "delivering": (5_100, 12_000)}
