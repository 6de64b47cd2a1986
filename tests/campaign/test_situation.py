"""Where a campaign stands follows from all that is known at one instant, and never from one word alone."""

from msgspec.structs import replace

from keebai_async.campaign.told_facts import ToldFacts
from keebai_async.cli.campaign_codes import code_of_run
from keebai_async.cli.exit_codes import Exit
from keebai_async.model.campaign import CampaignState, Holder, RunFacts, RunTerms, StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.events import BroadcastProgress, BroadcastUnread
from keebai_async.model.failing import failing_of
from keebai_async.model.lost import NO_ANSWER_WRITTEN
from keebai_async.model.plan import Plan
from keebai_async.model.report import utc
from keebai_async.model.requests import Requests
from keebai_async.model.sender import Sender
from keebai_async.model.situation import Standing, situation_of
from keebai_async.model.stop import Cause

HOLDER = Holder(pid=7, host="laptop", since=100.0, user="ana")
UNSENT = Chunk(number=2, recipients=5)
LEAVING = Chunk(number=1, recipients=5, state=ChunkState.SUBMITTING, step=1, submitted_at=100.0)
TAKEN = Chunk(
    number=1,
    recipients=5,
    state=ChunkState.ACCEPTED,
    step=2,
    accepted=5,
    broadcast_id="b1",
    submitted_at=100.0,
)
DONE = replace(TAKEN, sent=5, final=True)


def campaign(*chunks: Chunk, state: CampaignState = CampaignState.RUNNING) -> StoredCampaign:
    ready = sum(chunk.recipients for chunk in chunks)
    plan = Plan(
        campaign_id="promo-1",
        name="Promo",
        template="promo",
        language="es",
        sender=Sender(phone_number_id="1"),
        created_at=0.0,
        read=ready,
        ready=ready,
        duplicates=0,
        rejected=0,
        suppressed=0,
        chunks=tuple(chunk.recipients for chunk in chunks),
    )
    return StoredCampaign(plan=plan, state=state, chunks=chunks, requests=Requests(), seconds=10.0)


def test_what_is_on_its_way_is_not_unknown_while_somebody_waits_for_the_answer() -> None:
    alive = situation_of(replace(campaign(LEAVING, UNSENT), holder=HOLDER), 101.0)
    dead = situation_of(campaign(LEAVING, UNSENT), 101.0)

    assert (alive.report.on_the_way, alive.report.unknown) == (5, 0)
    assert alive.waits_for == "the answers for 5 people"
    assert (dead.report.on_the_way, dead.report.unknown) == (0, 5)
    assert (alive.standing, dead.standing) == (Standing.RUNNING, Standing.DIED)


def test_a_wait_is_told_until_it_is_over() -> None:
    facts = RunFacts(waits_for="the pace of 5/1h", waits_until=500.0)
    runs = replace(campaign(TAKEN, UNSENT), holder=HOLDER, facts=facts)

    assert situation_of(runs, 499.0).waits_for == "the pace of 5/1h"
    assert situation_of(runs, 499.0).waits_until == utc(500.0)
    assert situation_of(runs, 500.0).waits_for is None


def test_a_service_that_does_not_answer_is_what_is_waited_for_until_it_does() -> None:
    before = replace(campaign(TAKEN), holder=HOLDER)
    facts = ToldFacts(before, terms=RunTerms(), mark=None, at=100.0)
    facts.event(BroadcastUnread(number=1, broadcast_id="b1", reason="GET /b1 had no answer"), at=110.0)
    silent = replace(before, facts=facts.now(gone=(), at=110.0))
    facts.event(
        BroadcastProgress(number=1, broadcast_id="b1", sent=1, failed=0, pending=4, final=False), at=120.0
    )
    heard = replace(before, facts=facts.now(gone=(), at=120.0))

    words = "the service to say how far it is (GET /b1 had no answer)"
    assert (situation_of(silent, 900.0).waits_for, situation_of(silent, 900.0).waits_until) == (words, None)
    assert situation_of(heard, 900.0).waits_for == "the service to deliver to 5 people"


def test_that_a_canary_has_no_name_is_in_the_facts_of_the_stop_and_in_none_that_are_written_before() -> None:
    facts = ToldFacts(replace(campaign(TAKEN), holder=HOLDER), terms=RunTerms(), mark=None, at=100.0)

    facts.canary_unnamed()
    before = facts.now(gone=(), at=101.0)
    facts.end(at=102.0)
    with_the_stop = facts.now(gone=(), at=102.0)
    later = replace(campaign(TAKEN), holder=HOLDER, facts=with_the_stop)
    next_run = ToldFacts(later, terms=RunTerms(), mark=None, at=200.0)

    assert (before.canary_unnamed, with_the_stop.canary_unnamed) == (False, True)
    assert next_run.now(gone=(), at=200.0).canary_unnamed


def test_the_next_look_is_told_with_the_rate_to_a_tenth_and_forgotten_where_there_is_none() -> None:
    before = replace(campaign(TAKEN), holder=HOLDER)
    facts = ToldFacts(before, terms=RunTerms(), mark=None, at=100.0)

    first = facts.now(gone=(), at=100.0, next_look=130.0, rate=79.96)
    over = facts.now(gone=(), at=140.0)

    assert (first.next_look_at, first.delivery_rate) == (130.0, 80.0)
    assert (over.next_look_at, over.delivery_rate) == (None, None)


def test_a_run_that_goes_on_is_as_old_as_it_is() -> None:
    runs = replace(campaign(TAKEN, UNSENT), holder=HOLDER, facts=RunFacts(told_at=120.0))

    assert situation_of(runs, 150.0).seconds == 40.0
    assert situation_of(replace(runs, holder=None), 150.0).seconds == 10.0


def test_a_campaign_in_which_everyone_is_settled_is_finished_whatever_the_last_run_wrote() -> None:
    for state in CampaignState:
        assert situation_of(campaign(DONE, state=state), 0.0).standing is Standing.FINISHED


def test_what_a_person_has_settled_is_no_reason_any_more() -> None:
    settled = replace(
        campaign(replace(UNSENT, number=1, resent=True, attempts=1, step=3), state=CampaignState.STOPPED),
        stopped_by=Cause.UNKNOWN,
        reason="what became of 5 people is unknown (chunk 1): settle it with reconcile",
    )

    situation = situation_of(settled, 0.0)

    assert situation.cause is Cause.SETTLED
    assert situation.reason == "what was unknown is settled; 5 people are still to be submitted"


def test_people_who_were_removed_before_they_were_sent_to_are_said_to_be_gone() -> None:
    purged = situation_of(replace(campaign(UNSENT, state=CampaignState.PLANNED), purged_at=9.0), 0.0)

    assert purged.standing is Standing.PURGED


def test_nobody_is_told_to_send_again_what_may_still_arrive() -> None:
    lost = replace(LEAVING, state=ChunkState.UNKNOWN, step=2, reason=NO_ANSWER_WRITTEN)
    stopped = replace(campaign(lost, state=CampaignState.STOPPED), stopped_by=Cause.UNKNOWN)

    early, late = situation_of(stopped, 110.0), situation_of(stopped, 205.0)

    assert not any("--resend" in step.command for step in early.steps)
    assert any("wait 95 s" in step.words for step in early.steps)
    assert any("--resend" in step.command for step in late.steps)


def test_more_than_a_fifth_of_two_hundred_is_no_success_and_names_the_worst() -> None:
    good = replace(TAKEN, recipients=100, accepted=100, sent=100, submitted_at=50.0)
    bad = replace(good, number=2, sent=10, failed=90, broadcast_id="b2", submitted_at=60.0)

    failing = failing_of([good, bad])

    assert failing is not None
    assert (failing.failed, failing.delivered, failing.share, failing.since) == (90, 200, 0.45, utc(60.0))
    assert [chunk.number for chunk in failing.worst] == [2]
    assert failing_of([bad]) is None
    assert failing_of([good, replace(bad, sent=61, failed=39)]) is None


def test_who_cannot_be_followed_any_more_is_counted_and_said() -> None:
    facts = RunFacts(gone=(1,))
    stopped = campaign(replace(TAKEN, sent=3), replace(DONE, number=2), state=CampaignState.STOPPED)
    told = replace(stopped, facts=facts, stopped_by=Cause.NOT_TRACKED, reason="delivery was not followed")

    situation = situation_of(told, 0.0)

    assert situation.gone == 2
    assert situation.reason == (
        "2 people cannot be followed any more: the service does not know their broadcasts"
    )
    assert situation_of(replace(told, facts=RunFacts()), 0.0).gone == 0
    assert code_of_run(situation) is Exit.PARTLY
    assert code_of_run(replace(situation, gone=0)) is Exit.DONE
