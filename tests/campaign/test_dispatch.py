"""Submitting: everyone once, nobody twice, and what is not known stays unknown."""

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from keebai_async.campaign.service import ChunkVerdict, Taken
from keebai_async.model.chunk import ChunkState
from keebai_async.model.events import Waiting
from keebai_async.model.stop import Cause
from keebai_async.observe.chunk_records import BroadcastIdRepeated
from keebai_async.transport.error_body import ErrorBody
from tests.campaign.planning import number
from tests.campaign.scripted_service import Fate, ScriptedService
from tests.campaign.submitting import Campaign


async def test_everyone_is_submitted_once_in_chunks_named_after_the_campaign() -> None:
    campaign = Campaign(12_000)
    service = campaign.service()

    report = await campaign.submit(service)

    assert (report.accepted, report.unsent) == (12_000, 0)
    assert set(service.messaged.values()) == {1}
    assert sorted(service.names_seen) == ["Promo [01/03]", "Promo [02/03]", "Promo [03/03]"]


async def test_no_more_than_four_submits_are_on_their_way_at_once() -> None:
    campaign = Campaign(40, size=2)
    service = campaign.service()

    await campaign.submit(service)

    assert service.most_in_flight == 4


class Forgetful(ScriptedService):
    """Gives every broadcast the id of the first."""

    async def submit(self, body: bytes) -> ChunkVerdict:
        verdict = await super().submit(body)
        return replace(verdict, broadcast_id="b1") if isinstance(verdict, Taken) else verdict


async def test_an_id_that_comes_twice_is_kept_once_and_told_when_the_chunk_is_on_disk() -> None:
    campaign = Campaign(2, size=1)

    report = await campaign.submit(Forgetful(campaign.clock))

    first, second = await campaign.chunks()
    assert (first.broadcast_id, second.broadcast_id, report.untracked) == ("b1", None, 1)
    (told,) = [record for record in campaign.told if isinstance(record, BroadcastIdRepeated)]
    assert (told.chunk, told.broadcast, told.owner) == (2, "b1", 1)


async def test_a_chunk_whose_answer_was_lost_is_unknown_and_never_sent_again() -> None:
    campaign = Campaign(3, size=1)
    service = campaign.service([Fate.FINE, Fate.LOST])

    first = await campaign.submit(service)
    second = await campaign.submit(service)

    assert (first.accepted, first.unknown) == (2, 1)
    assert second.unknown == 1
    assert set(service.messaged.values()) == {1}


async def test_after_an_unknown_nothing_leaves_until_a_read_succeeds() -> None:
    campaign = Campaign(10, size=1)
    service = campaign.service([Fate.DROPPED, Fate.LOST])
    service.down_probes = 3

    report = await campaign.submit(service)

    assert report.unknown == 2
    assert report.accepted == 8
    waits = [event.seconds for event in campaign.events if isinstance(event, Waiting)]
    assert waits == [5.0, 10.0, 20.0]


async def test_a_dead_service_costs_at_most_the_chunks_on_their_way_and_then_stops_the_campaign() -> None:
    campaign = Campaign(50, size=1)
    service = campaign.service([Fate.DROPPED] * 50)
    service.down_probes = 1_000_000

    report = await campaign.submit(service)

    assert report.unknown == 4
    assert report.unsent == 46
    assert campaign.stopped is Cause.UNREACHABLE


async def test_what_certainly_did_not_leave_is_submitted_again() -> None:
    campaign = Campaign(4, size=1)
    service = campaign.service([Fate.UNSENT, Fate.THROTTLED, Fate.UNSENT, Fate.THROTTLED])

    report = await campaign.submit(service)

    assert report.accepted == 4
    assert set(service.messaged.values()) == {1}


async def test_a_refused_token_stops_the_campaign_and_leaves_everyone_unsent_for_later() -> None:
    campaign = Campaign(10, size=1)

    report = await campaign.submit(campaign.service([Fate.HALTED] * 4))
    later = await campaign.submit(campaign.service())

    assert campaign.stopped is None
    assert (report.accepted, report.unsent) == (0, 10)
    assert later.accepted == 10


async def test_an_accepted_reply_nobody_can_read_is_untracked_and_never_sent_again() -> None:
    campaign = Campaign(2, size=1)
    service = campaign.service([Fate.UNREADABLE])

    report = await campaign.submit(service)

    assert (report.accepted, report.untracked) == (2, 1)
    assert set(service.messaged.values()) == {1}


async def test_the_people_by_whom_an_accepted_chunk_falls_short_are_counted_as_refused() -> None:
    campaign = Campaign(5_000)

    report = await campaign.submit(campaign.service([Fate.SHORT]))

    assert (report.accepted, report.refused) == (4_999, 1)
    assert report.errors() == ()


async def test_three_numbers_that_the_reply_names_cost_three_more_requests() -> None:
    campaign = Campaign(50_000)
    service = campaign.service(malformed=[17, 4_999, 31_234], names=True)

    report = await campaign.submit(service)

    assert (report.accepted, report.refused) == (49_997, 3)
    assert service.requests.submits == 13


async def test_three_numbers_that_nobody_names_are_found_in_under_sixty_requests() -> None:
    campaign = Campaign(50_000)
    service = campaign.service(malformed=[17, 24_999, 31_234])

    report = await campaign.submit(service)
    refused = [chunk for chunk in await campaign.chunks() if chunk.state is ChunkState.REFUSED]
    kept = [
        await campaign.journal.items(campaign.plan.campaign_id, chunk.number)
        for chunk in refused
        if chunk.recipients
    ]

    assert (report.accepted, report.refused) == (49_997, 3)
    assert sorted(kept) == sorted(b'[{"to":"%s"}]' % number(at).encode() for at in (17, 24_999, 31_234))
    assert service.requests.submits < 60


async def test_a_refusal_about_the_template_stops_the_campaign_with_the_servers_words() -> None:
    campaign = Campaign(20_000)
    service = campaign.service(
        common=ErrorBody(status=400, message="template_name is unknown", field="template_name")
    )

    report = await campaign.submit(service)

    assert campaign.stopped is Cause.REFUSED
    assert (report.unsent, report.refused) == (20_000, 0)
    assert service.requests.submits <= 4


async def test_a_bare_refusal_of_everybody_is_recognised_after_two_single_people() -> None:
    campaign = Campaign(20_000)
    service = campaign.service(common=ErrorBody(status=400, message="Bad Request"))

    report = await campaign.submit(service)

    assert campaign.stopped is Cause.REFUSED
    assert (report.unsent, report.refused) == (20_000, 0)
    assert service.requests.submits <= 12


async def test_a_malformed_number_first_in_the_list_is_not_mistaken_for_everybody() -> None:
    campaign = Campaign(500)

    report = await campaign.submit(campaign.service(malformed=[0]))

    assert (report.accepted, report.refused) == (499, 1)


async def test_a_body_that_is_too_large_is_halved_until_it_fits() -> None:
    campaign = Campaign(5_000)
    service = campaign.service(largest=700)

    report = await campaign.submit(service)

    assert report.accepted == 5_000
    assert set(service.messaged.values()) == {1}


@settings(max_examples=150, deadline=None)
@given(
    people=st.integers(1, 60),
    size=st.integers(1, 25),
    malformed=st.sets(st.integers(0, 59), max_size=5),
    names=st.booleans(),
    largest=st.integers(3, 30),
    scripts=st.lists(st.lists(st.sampled_from(Fate), max_size=12), min_size=1, max_size=3),
)
def test_whatever_happens_nobody_is_messaged_twice_and_the_report_is_the_ledger(
    people: int, size: int, malformed: set[int], names: bool, largest: int, scripts: list[list[Fate]]
) -> None:
    """Several runs, each with its own faults; then one without any."""

    async def story() -> None:
        campaign = Campaign(people, size=size)
        messaged: set[str] = set()
        report = None
        for script in [*scripts, []]:
            service = campaign.service(script, malformed=malformed, names=names, largest=largest)
            report = await campaign.submit(service)
            assert report.errors() == ()
            assert all(times == 1 for times in service.messaged.values())
            assert messaged.isdisjoint(service.messaged)
            messaged |= set(service.messaged)
        assert report is not None
        assert report.unsent == 0 or campaign.stopped is not None
        assert report.accepted <= len(messaged) <= report.accepted + report.unknown

    anyio.run(story)


@pytest.mark.parametrize("fate", list(Fate))
async def test_each_fate_of_a_single_submit_is_told_as_it_was(fate: Fate) -> None:
    campaign = Campaign(2, size=2)
    service = campaign.service([fate])

    report = await campaign.submit(service)

    assert report.errors() == ()
    assert len(service.messaged) in (report.accepted, report.accepted + report.unknown)
