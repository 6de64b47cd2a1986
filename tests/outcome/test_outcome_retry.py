"""Who may get the same once more: worked out from all that is known, and never somebody who may have it."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.fates import ChunkFates, Fate, PersonNews, PersonState
from keebai_async.model.meta_codes import CODES, Again, about
from keebai_async.model.retry import RetryChoice, RetryTally, Sending, choose, due_at, sendings_of

DAY = 86_400.0
AT = 1_790_000_000


def failed(code: int, at: int = AT, state: ChunkState = ChunkState.ACCEPTED) -> Sending:
    return Sending(state, PersonState(fate=Fate.FAILED, failed_at=at, code=code))


def test_the_cap_of_marketing_messages_is_waited_for_a_whole_day() -> None:
    capped = [failed(131049)]

    assert choose(capped, at=AT + DAY - 1) is RetryChoice.NOT_YET
    assert choose(capped, at=AT + DAY) is RetryChoice.NOW
    assert due_at(capped[0].told) == AT + DAY


def test_every_code_says_later_never_or_fix() -> None:
    said = {code: choose([failed(code)], at=AT + 10 * DAY) for code in (*CODES, 205, 139_999) if code}

    assert said == {
        code: {
            Again.LATER: RetryChoice.NOW,
            Again.NEVER: RetryChoice.NEVER,
            Again.FIXED: RetryChoice.FIX,
        }[about(code).again]
        for code in said
    }
    assert choose([failed(0)], at=AT + 10 * DAY) is RetryChoice.FIX  # no code was told


def test_a_retry_that_failed_too_is_enough_unless_more_is_asked_for() -> None:
    twice = [failed(131049), failed(131049, AT + 2 * int(DAY))]

    assert choose(twice, at=AT + 9 * DAY) is RetryChoice.RETRIED
    assert choose(twice, at=AT + 9 * DAY, again=True) is RetryChoice.NOW
    assert choose(twice, at=AT + 2.5 * DAY, again=True) is RetryChoice.NOT_YET  # of the last failure
    assert choose([*twice, failed(131050, AT)], at=AT + 9 * DAY, again=True) is RetryChoice.NEVER
    assert choose([failed(131049), failed(131042, AT + 1)], at=AT + 9 * DAY) is RetryChoice.FIX


# A lost request of which somebody said that it did not arrive, the one after it, and a notice that both did

LEFT_AGAIN = float(AT + 600)
TWICE = Chunk(
    number=1,
    recipients=3,
    state=ChunkState.ACCEPTED,
    attempts=2,
    accepted=3,
    submitted_at=LEFT_AGAIN,
    twice_at=float(AT),
)
SOON = 131056
LATER = AT + 10 * DAY


def told(*failed_at: float, fate: Fate = Fate.FAILED, code: int = SOON) -> PersonState:
    fates = ChunkFates(1)
    for at in failed_at:
        fates.tell(PersonNews(campaign_id="p", chunk=1, place=0, fate=Fate.FAILED, at=at, code=code))
    if fate is not Fate.FAILED:
        fates.tell(PersonNews(campaign_id="p", chunk=1, place=0, fate=fate, at=LEFT_AGAIN + 1))
    return fates.state(0)


def choice_of(chunk: Chunk, state: PersonState) -> RetryChoice:
    return choose(sendings_of(chunk, state), at=LATER)


def test_who_failed_by_the_lost_request_waits_for_what_becomes_of_the_other() -> None:
    by_the_lost_one = told(AT + 1)

    assert choice_of(TWICE, by_the_lost_one) is RetryChoice.PENDING
    assert choice_of(replace(TWICE, twice_at=None), by_the_lost_one) is RetryChoice.PENDING
    assert choice_of(TWICE, told(AT + 1, fate=Fate.DELIVERED)) is RetryChoice.DELIVERED
    assert choice_of(TWICE, told(AT + 1, fate=Fate.SENT)) is RetryChoice.PENDING
    assert choice_of(TWICE, told(AT + 1, LEFT_AGAIN + 2)) is RetryChoice.NOW
    assert choice_of(TWICE, told(LEFT_AGAIN + 2, AT + 1)) is RetryChoice.NOW
    assert choice_of(TWICE, told(AT + 1, AT + 2)) is RetryChoice.PENDING  # both of the lost one


def test_a_broadcast_that_failed_for_everybody_says_it_of_each() -> None:
    over = TWICE.counted(sent=0, failed=3, final=True)

    assert choice_of(over, told(AT + 1)) is RetryChoice.NOW
    assert choice_of(TWICE.counted(sent=0, failed=3, final=False), told(AT + 1)) is RetryChoice.PENDING
    assert choice_of(TWICE.counted(sent=1, failed=2, final=True), told(AT + 1)) is RetryChoice.PENDING
    assert choice_of(over, PersonState()) is RetryChoice.PENDING


def test_who_failed_by_the_last_request_alone_may_still_get_the_lost_one() -> None:
    assert choice_of(TWICE, told(LEFT_AGAIN + 2)) is RetryChoice.PENDING
    assert choice_of(replace(TWICE, twice_at=None), told(LEFT_AGAIN + 2)) is RetryChoice.NOW  # by a word
    assert choice_of(replace(TWICE, attempts=3), told(AT + 1, LEFT_AGAIN + 2)) is RetryChoice.PENDING


def test_the_last_failure_decides_when_and_the_worst_code_whether() -> None:
    last = LEFT_AGAIN + 2
    both = sendings_of(TWICE, told(AT + 1, last, code=131049))

    assert choose(both, at=AT + DAY + 60) is RetryChoice.NOT_YET
    assert choose(both, at=last + DAY) is RetryChoice.NOW
    never = replace(told(AT + 1, last), code=131050)  # the first time they stopped us
    assert choice_of(TWICE, never) is RetryChoice.NEVER


def test_one_request_or_one_that_certainly_did_nothing_before_it_is_one_message() -> None:
    throttled = replace(TWICE, twice_at=None)

    assert sendings_of(throttled, told(LEFT_AGAIN + 1)) == (
        Sending(ChunkState.ACCEPTED, told(LEFT_AGAIN + 1)),
    )
    assert len(sendings_of(replace(TWICE, attempts=1), told(AT + 1))) == 1


sendings = st.builds(
    Sending,
    st.sampled_from(ChunkState),
    st.builds(
        PersonState,
        fate=st.sampled_from(Fate),
        failed_at=st.integers(1, 3).map(lambda day: AT + day * int(DAY)),
        code=st.sampled_from([0, 131026, 131042, 131049, 131050, 130429]),
    ),
)


@given(found=st.lists(sendings, max_size=4), days=st.integers(0, 9), again=st.booleans())
def test_nobody_is_sent_to_again_who_has_it_or_may_have_it(
    found: list[Sending], days: int, again: bool
) -> None:
    choice = choose(found, at=AT + days * DAY, again=again)

    if choice is RetryChoice.NOW:
        assert found
        assert all(each.state is ChunkState.ACCEPTED and each.told.fate is Fate.FAILED for each in found)
        assert not any(about(each.told.code or None).again is Again.NEVER for each in found)
        assert max(each.told.failed_at for each in found) <= AT + days * DAY
        assert again or len(found) == 1
    if any(each.told.fate in {Fate.DELIVERED, Fate.READ} for each in found):
        assert choice is RetryChoice.DELIVERED
    assert choose(found[::-1], at=AT + days * DAY, again=again) is choice or _same_time(found)


def _same_time(found: list[Sending]) -> bool:
    """Two failures at one instant have no order: either code may count."""
    return len({each.told.failed_at for each in found}) < len(found)


def test_people_are_counted_by_what_follows_and_by_code() -> None:
    tally = RetryTally()
    for at, code, choice in (
        (AT, 131049, RetryChoice.NOT_YET),
        (AT + 60, 131049, RetryChoice.NOT_YET),
        (AT, 130429, RetryChoice.NOW),
        (AT, 131026, RetryChoice.NEVER),
    ):
        tally.add(choice, [failed(code, at)])

    first, second, third = tally.groups()
    assert (first.choice, first.code, first.people, first.last) == (RetryChoice.NOW, 130429, 1, None)
    assert (second.code, second.people) == (131049, 2)
    assert (second.first, second.last) == (AT + DAY, AT + 60 + DAY)
    assert (third.choice, third.people) == (RetryChoice.NEVER, 1)
