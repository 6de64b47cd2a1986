"""Records: one union, one name for each, flat fields, and sums that come out."""

from typing import get_args

import msgspec
import pytest

from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import HandOn, Move, Refuse, apply
from keebai_async.observe.base import BaseRecord, event_of, fields_of
from keebai_async.observe.chunk_records import chunk_moved, name_of
from keebai_async.observe.headcount import Headcount, headcount
from keebai_async.observe.logging_sink import _CHUNK_EVENTS
from keebai_async.observe.records import Record
from keebai_async.observe.request_records import RequestAnswered, RequestFailed
from tests.observe.samples import CAMPAIGN, READ, SAMPLES


def test_each_kind_of_record_is_in_the_union_and_has_a_name_of_its_own() -> None:
    kinds = get_args(Record)
    assert set(BaseRecord.__subclasses__()) == set(kinds) == {type(sample) for sample in SAMPLES}
    assert len({kind.__struct_config__.tag for kind in kinds}) == len(kinds)


@pytest.mark.parametrize("record", SAMPLES, ids=event_of)
def test_a_record_is_one_json_object_that_can_be_read_again(record: Record) -> None:
    line = msgspec.json.encode(record)
    assert msgspec.json.decode(line, type=dict[str, object])["event"] == event_of(record)
    assert msgspec.json.decode(line, type=Record) == record


@pytest.mark.parametrize("record", SAMPLES, ids=event_of)
def test_a_record_is_frozen(record: Record) -> None:
    with pytest.raises(AttributeError, match="immutable"):
        record.span = 7  # type: ignore[union-attr, misc]


def test_an_end_has_the_fields_of_its_beginning() -> None:
    fields = fields_of(RequestAnswered(request=READ, status=200, seconds=0.12345))
    assert fields == {
        "method": "GET",
        "route": "/messages/bulk/{broadcast_id}",
        "kind": "read",
        "lane": "poll",
        "label": "Promo marzo",
        "attempt": 2,
        "recipients": 0,
        "server": "api.keebai.com",
        "port": 443,
        "span": READ.span,
        "status": 200,
        "seconds": 0.123,
    }


def test_two_beginnings_that_say_the_same_are_two() -> None:
    kinds = [type(READ)(method="GET", route="/me", kind="read", lane="poll", attempt=1) for _ in range(2)]
    assert kinds[0] != kinds[1]


def test_every_move_of_a_chunks_life_has_a_name_in_the_log() -> None:
    assert {name_of(msgspec.convert(_example(kind), kind)) for kind in get_args(Move)} == set(_CHUNK_EVENTS)


def _example(kind: type[msgspec.Struct]) -> dict[str, object]:
    given = {"number": 1, "step": 1, "at": 0.0, "reason": "", "recipients": 1, "accepted": 1}
    return {"type": kind.__name__, "broadcast_id": "b"} | given


def test_a_text_from_outside_cannot_bring_a_number_in() -> None:
    said = "to: +54 9 11 5555-0101 is wrong; your token kbai_pk_abcdefgh is fine\nreally"
    record = RequestFailed(request=READ, seconds=1.0, stage="written", reason=said)
    assert record.reason == "to: +549…0101 is wrong; your token kbai_pk_… is fine really"


def test_a_recut_counts_nobody_twice_and_loses_nobody() -> None:
    before = Chunk(number=1, recipients=10, state=ChunkState.SUBMITTING, step=1)
    rest = Chunk(number=2, recipients=20)
    refuse = Refuse(number=1, step=2, reason="bad", recipients=1)
    hand_on = HandOn(number=2, step=1, reason="cut with chunk 1")
    born = [Chunk(number=3, recipients=5, parent=1), Chunk(number=4, recipients=24, parent=1)]
    told = [
        chunk_moved(CAMPAIGN, before, refuse, apply(before, refuse), born),
        chunk_moved(CAMPAIGN, rest, hand_on, apply(rest, hand_on)),
    ]
    people = headcount([before, rest]) + told[0].change + told[1].change
    assert people == Headcount(refused=1, unsent=29)
    assert (told[0].kept, told[0].into, told[1].into) == (1, (3, 4), None)
