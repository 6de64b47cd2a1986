"""A screen is never silent: what is known, what is likely by now and marked so, when the next look is."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.console import Console
from rich.live import Live

from keebai_async.cli.account_text import account_lines
from keebai_async.cli.figures import figure, share
from keebai_async.cli.progress import CampaignMeter, PlainLines, ProgressBars
from keebai_async.cli.progress_words import pulse_line
from keebai_async.model.campaign import CampaignState, Holder, RunFacts, StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.outlook import DELIVERY_RATE, outlook_of
from keebai_async.model.requests import Requests
from keebai_async.model.situation import Situation, situation_of
from keebai_async.quota.window import Quota, Wait
from tests.cli.test_cli_shown import Told
from tests.cli.test_cli_text import PLAN

NOW = 1_790_000_000.0
LONGEST_SILENCE = 60.0


def accepted(number: int, *, sent: int = 0, failed: int = 0, seen: float | None = None) -> Chunk:
    """A chunk of 4,000 people that was accepted at once."""
    return Chunk(
        number=number,
        recipients=4_000,
        state=ChunkState.ACCEPTED,
        step=2,
        attempts=1,
        accepted=4_000,
        broadcast_id=f"b{number}",
        sent=sent,
        failed=failed,
        final=sent + failed == 4_000,
        submitted_at=NOW,
        seen_at=seen,
    )


def running(*chunks: Chunk, facts: RunFacts | None = None) -> StoredCampaign:
    every = chunks or (accepted(1), accepted(2), accepted(3))
    return StoredCampaign(
        plan=PLAN,
        state=CampaignState.RUNNING,
        chunks=every,
        requests=Requests(),
        holder=Holder(pid=7, host="here", since=NOW),
        facts=facts or RunFacts(launched_at=NOW),
    )


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW + seconds, UTC)


def looked_at(seconds: float, campaign: StoredCampaign) -> Situation:
    return situation_of(campaign, NOW + seconds)


def test_before_the_first_look_everything_is_an_estimate_at_the_default_rate() -> None:
    outlook = outlook_of(running(), NOW + 10)

    assert outlook is not None
    assert (outlook.seen, outlook.pending, outlook.likely) == (0, 12_000, 10 * DELIVERY_RATE)
    assert not outlook.learnt
    assert outlook.ends_at == at(12_000 / DELIVERY_RATE)


def test_after_a_look_it_is_reckoned_from_there_at_the_rate_that_was_seen() -> None:
    chunks = (accepted(1, sent=3_900, failed=100, seen=NOW + 40), accepted(2), accepted(3))
    campaign = running(*chunks, facts=RunFacts(delivery_rate=100.0, next_look_at=NOW + 70))

    outlook = outlook_of(campaign, NOW + 50)

    assert outlook is not None
    assert (outlook.seen, outlook.pending, outlook.likely) == (4_000, 8_000, 1_000)
    assert outlook.learnt
    assert outlook.next_look == at(70)
    assert outlook.ends_at == at(120)


def test_what_webhooks_told_is_likely_at_once() -> None:
    outlook = outlook_of(running(replace(accepted(1), told=3_000), accepted(2)), NOW + 1)

    assert outlook is not None
    assert outlook.likely == 3_000


@given(st.floats(0, 1e6), st.integers(0, 4_000), st.floats(0.1, 5_000))
def test_an_estimate_is_never_more_than_there_are_and_never_ends_in_the_past(
    seconds: float, sent: int, rate: float
) -> None:
    chunk = accepted(1, sent=sent, seen=NOW)
    outlook = outlook_of(running(chunk, accepted(2), facts=RunFacts(delivery_rate=rate)), NOW + seconds)

    assert outlook is not None
    assert 0 <= outlook.likely <= outlook.pending
    assert outlook.seen + outlook.pending == 8_000
    assert outlook.ends_at is not None
    assert outlook.ends_at >= at(seconds)


def test_where_nobody_is_to_come_or_nobody_runs_it_nothing_is_estimated() -> None:
    done = running(accepted(1, sent=4_000, seen=NOW))

    assert outlook_of(done, NOW + 5) is None
    assert situation_of(replace(running(), holder=None), NOW + 5).outlook is None


def test_a_line_says_what_is_known_likely_next_and_failed() -> None:
    chunks = (accepted(1, sent=3_990, failed=10, seen=NOW + 40), accepted(2), accepted(3))
    campaign = running(*chunks, facts=RunFacts(delivery_rate=100.0, next_look_at=NOW + 70))

    line = pulse_line(looked_at(50, campaign), at(50))

    assert line.startswith(f"delivering: {figure(4_000)} of {figure(12_000)}, about {figure(5_000)} by now; ")
    assert "next look in 20 s" in line
    assert "ends about " in line
    assert line.endswith(f"failed 10 ({share(10, 4_000)})")


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (Wait(seconds=9.0, quota=Quota(60, 60.0)).why, "waits: the quota of 60/60s is spent (until "),
        (Wait(seconds=9.0).why, "waits: the service asked for a pause (until "),
        ("its time", "waits for its time (until "),
    ],
)
def test_a_wait_is_a_whole_sentence_whether_it_is_known_why_or_what_for(why: str, said: str) -> None:
    campaign = running(facts=RunFacts(waits_for=why, waits_until=NOW + 59))

    situation = looked_at(50, campaign)

    assert f"waits 9 s: {why}" in pulse_line(situation, at(50))
    assert next(account_lines(situation)).startswith(said)


def test_without_a_terminal_no_silence_is_longer_than_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    lines = PlainLines(lambda: now[0])
    meter = CampaignMeter(lines, ready=12_000)
    spoke, silences = 0.0, []
    for second in range(7_200):  # two hours in which nothing happens
        now[0] = float(second)
        meter.tick(looked_at(second, running()), at(second))
        if capsys.readouterr().err:
            silences.append(second - spoke)
            spoke = second

    assert max(silences) <= LONGEST_SILENCE
    assert 7_199 - spoke <= LONGEST_SILENCE
    assert len(silences) < 7_200 / 20  # and a slow pulse it is


@pytest.mark.parametrize("width", [60, 80, 110, 200])
@pytest.mark.parametrize("color", [None, "truecolor"])
def test_bars_fit_the_screen_and_show_all_of_a_campaign_from_the_first_second(
    width: int, color: str | None
) -> None:
    screen = StringIO()
    console = Console(
        file=screen, width=width, force_terminal=True, no_color=color is None, legacy_windows=False
    )
    with Live(console=console, auto_refresh=False) as live:
        bars = ProgressBars(live)
        meter = CampaignMeter(bars, ready=12_000, chunks=situation_of(running(), NOW).report.chunks)
        meter.spent = "13 of 60 a minute"
        meter.tick(looked_at(10, running()), at(10))
        shown = console.render_lines(live.get_renderable(), pad=False)

    text = ["".join(segment.text for segment in line) for line in shown]
    assert all(len(line) <= width for line in text)
    whole = " ".join(" ".join(text).split())
    assert "submitting" in whole
    assert "delivering" in whole
    assert "about 800 by now" in whole
    assert "quota 13 of 60 a minute" in whole


def test_a_meter_begins_with_what_earlier_runs_left() -> None:
    told = Told()
    chunks = situation_of(running(accepted(1, sent=4_000, seen=NOW), accepted(2)), NOW).report.chunks

    CampaignMeter(told, ready=12_000, chunks=chunks)

    assert told.shown == {"submitting": (8_000, 12_000), "delivering": (4_000, 12_000)}
