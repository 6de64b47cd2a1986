"""How far ahead of its sender a campaign submits."""

from keebai_async.campaign.lead import LEAD, LOOK_AGAIN, Lead, lead_for
from keebai_async.keebai.settings import KEEBAI_QUOTAS
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.quota.window import Quota


def accepted(number: int, *, pending: int, sent: int = 0) -> Chunk:
    return Chunk(
        number=number,
        recipients=pending + sent,
        accepted=pending + sent,
        state=ChunkState.ACCEPTED,
        broadcast_id=f"b{number}",
        sent=sent,
    )


def spent(times: int, *, rate: float = 80.0) -> Lead:
    lead = Lead(Quota(1_000, 3_600.0), rate=rate)
    for _ in range(times):
        lead.left(0.0)
    return lead


FAR = (accepted(1, pending=1_000_000),)


def test_half_of_the_longest_window_may_be_submitted_at_once() -> None:
    assert spent(0).wait(FAR, 1.0) == 0.0
    assert spent(499).wait(FAR, 1.0) == 0.0
    assert spent(500).wait(FAR, 1.0) == LOOK_AGAIN


def test_after_that_only_what_keeps_the_sender_busy() -> None:
    busy = int(LEAD * 80)
    assert spent(500).wait((accepted(1, pending=busy),), 1.0) == 0.0
    assert spent(500).wait((accepted(1, pending=busy + 1),), 1.0) == LOOK_AGAIN


def test_the_senders_speed_is_what_was_seen_of_it() -> None:
    lead = spent(500)
    assert lead.wait((accepted(1, sent=1_000, pending=18_000),), 100.0) == 0.0
    assert lead.wait((accepted(1, sent=1_000, pending=18_001),), 100.0) > 0.0


def test_what_earlier_runs_delivered_does_not_make_the_sender_look_fast() -> None:
    before = (accepted(1, sent=1_000_000, pending=0),)
    lead = Lead(Quota(2, 3_600.0))
    assert lead.wait(before, 0.0) == 0.0
    lead.left(0.0)

    most = int(LEAD * 80)
    assert lead.wait((*before, accepted(2, pending=most + 1)), 0.0) == LOOK_AGAIN
    assert lead.wait((*before, accepted(2, pending=most)), 0.0) == 0.0
    assert lead.wait((*before, accepted(2, sent=100, pending=18_001)), 10.0) == LOOK_AGAIN
    assert lead.wait((*before, accepted(2, sent=100, pending=18_000)), 10.0) == 0.0


def test_what_left_a_window_ago_counts_no_more() -> None:
    lead = spent(500)
    assert lead.wait(FAR, 3_590.0) == 10.0
    assert lead.wait(FAR, 3_600.0) == 0.0


def test_the_first_wait_after_a_submit_is_said_once() -> None:
    lead = spent(500)
    assert [lead.begins_to_wait(), lead.begins_to_wait()] == [True, False]
    lead.left(1.0)
    assert lead.begins_to_wait()


def test_the_longest_window_paces_and_without_quotas_nothing_does() -> None:
    assert lead_for(()) is None
    lead = lead_for(KEEBAI_QUOTAS)
    assert lead is not None
    for _ in range(500):
        assert lead.wait(FAR, 0.0) == 0.0
        lead.left(0.0)
    assert lead.wait(FAR, 0.0) == LOOK_AGAIN
