"""Who opts out after the plan was made is not submitted, nobody else is left out, and nobody is lost."""

from collections.abc import Sequence

import anyio
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.campaign.service import ChunkVerdict
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.chunk import ChunkState
from keebai_async.model.events import PeopleLeftOut
from keebai_async.model.lifecycle import Resend
from keebai_async.model.opt_outs import OPTED_OUT_LATER
from keebai_async.model.plan import Pace
from tests.campaign.planning import number
from tests.campaign.scripted_service import Fate, ScriptedService
from tests.campaign.submitting import Campaign


class Person(msgspec.Struct):
    to: str


class OptedOut:
    """Who opted out, as a run sees it: the look after *hear* finds news."""

    def __init__(self, *people: int) -> None:
        self.numbers = set(map(number, people))
        self.looks = 1

    def hear(self, *people: int) -> None:
        self.numbers |= set(map(number, people))
        self.looks += 1

    async def look(self) -> int:
        await anyio.lowlevel.checkpoint()
        return self.looks

    def places(self, items: bytes) -> list[int]:
        people = msgspec.json.decode(items, type=list[Person])
        return [place for place, person in enumerate(people) if person.to in self.numbers]


class Talking(ScriptedService):
    """Somebody opts out while the first chunk waits for its place in the quota."""

    opted_out: OptedOut
    people: Sequence[int] = ()

    async def place(self) -> None:
        await super().place()
        if self.people:
            self.opted_out.hear(*self.people)
            self.people = ()


async def test_they_are_cut_from_their_chunk_before_it_is_submitted() -> None:
    campaign = Campaign(6, size=3)
    campaign.opt_outs = OptedOut(0, 5)
    service = campaign.service()

    report = await campaign.submit(service)

    assert dict(service.messaged) == {number(person): 1 for person in (1, 2, 3, 4)}
    assert (report.ready, report.accepted, report.refused, report.opted_out_later) == (6, 4, 2, 2)
    assert report.errors() == ()
    one, two, *cut = await campaign.chunks()
    assert {(each.state, each.recipients, each.reason) for each in (one, two)} == {
        (ChunkState.REFUSED, 1, OPTED_OUT_LATER)
    }
    assert {(each.state, each.recipients) for each in cut} == {(ChunkState.ACCEPTED, 2)}
    told = [event for event in campaign.events if isinstance(event, PeopleLeftOut)]
    assert {(event.number, event.recipients, len(event.into)) for event in told} == {(1, 1, 1), (2, 1, 1)}


async def test_a_chunk_in_which_everybody_opted_out_is_not_submitted_at_all() -> None:
    campaign = Campaign(4, size=2)
    campaign.opt_outs = OptedOut(0, 1)
    service = campaign.service()

    report = await campaign.submit(service)

    assert set(service.messaged) == {number(2), number(3)}
    assert (report.refused, len(report.chunks)) == (2, 2)
    assert (await campaign.chunks())[0].attempts == 0


async def test_who_opts_out_while_a_chunk_waits_for_its_place_is_not_submitted() -> None:
    campaign = Campaign(3, size=3)
    campaign.opt_outs = OptedOut()
    service = Talking(campaign.clock)
    service.opted_out, service.people = campaign.opt_outs, [1]

    report = await campaign.submit(service)

    assert set(service.messaged) == {number(0), number(2)}
    assert (report.accepted, report.refused) == (2, 1)


async def test_what_strangers_say_does_not_hold_a_chunk_up() -> None:
    campaign = Campaign(3, size=3)
    campaign.opt_outs = OptedOut()
    service = Talking(campaign.clock)
    service.opted_out, service.people = campaign.opt_outs, [77]

    await campaign.submit(service)

    assert set(service.messaged.values()) == {1}
    assert sum(type(record).__name__ == "ChunkSubmitStarted" for record in campaign.told) == 1


async def test_who_opts_out_during_a_pace_of_hours_is_not_submitted() -> None:
    campaign = Campaign(6, size=2, pace=Pace(people=2, per=3_600.0))
    campaign.opt_outs = opted_out = OptedOut()

    class Answering(ScriptedService):
        async def submit(self, body: bytes) -> ChunkVerdict:
            opted_out.hear(5)
            return await super().submit(body)

    service = Answering(campaign.clock)
    report = await campaign.submit(service)

    assert dict(service.messaged) == {number(person): 1 for person in range(5)}
    assert (report.accepted, report.refused) == (5, 1)


async def test_a_chunk_that_is_unknown_is_not_touched_and_one_that_is_sent_again_is_cut() -> None:
    campaign = Campaign(2, size=2)
    await campaign.submit(campaign.service([Fate.LOST]))
    campaign.opt_outs = OptedOut(0)
    service = campaign.service()

    untouched = await campaign.submit(service)
    assert (untouched.unknown, untouched.refused, dict(service.messaged)) == (2, 0, {})
    await campaign.journal.record(campaign.plan.campaign_id, Resend(number=1, step=3))
    again = await campaign.submit(service)

    assert (again.accepted, again.refused, set(service.messaged)) == (1, 1, {number(1)})
    assert not any(chunk.resent for chunk in await campaign.chunks())


@given(
    people=st.integers(1, 12),
    size=st.integers(1, 5),
    out=st.sets(st.integers(0, 11)),
    malformed=st.sets(st.integers(0, 11), max_size=3),
    names=st.booleans(),
    script=st.lists(st.sampled_from([Fate.FINE, Fate.FINE, Fate.LOST]), max_size=4),
)
@settings(max_examples=80, deadline=None)
async def test_with_culprits_and_lost_answers_nobody_is_lost_twice_or_against_their_word(
    people: int, size: int, out: set[int], malformed: set[int], names: bool, script: list[Fate]
) -> None:
    campaign = Campaign(people, size=size)
    campaign.opt_outs = OptedOut(*out)
    service = campaign.service(script, malformed=malformed, names=names)

    report = await campaign.submit(service)

    assert report.errors() == ()
    assert report.unsent == 0 or campaign.stopped is not None
    assert set(service.messaged).isdisjoint(map(number, out))
    assert set(service.messaged.values()) <= {1}


class DyingJournal(MemoryJournal):
    """Its process dies right after people were cut from a chunk."""

    dies = True

    async def recut(self, *given: object, **named: object) -> tuple[object, ...]:  # type: ignore[override]
        made = await super().recut(*given, **named)  # type: ignore[arg-type]
        if self.dies:
            self.dies = False
            raise RuntimeError("killed")
        return made


async def test_killed_right_after_the_cut_the_next_run_goes_on_from_it() -> None:
    campaign = Campaign(4, size=4, journal=DyingJournal)
    campaign.opt_outs = OptedOut(2)
    service = campaign.service()

    with pytest.raises(ExceptionGroup):
        await campaign.submit(service)
    assert (await campaign.report()).errors() == ()
    report = await campaign.submit(service)

    assert dict(service.messaged) == {number(person): 1 for person in (0, 1, 3)}
    assert (report.accepted, report.refused) == (3, 1)
