"""The events of a run: one union that holds them all, each by the name of its own."""

import msgspec

from keebai_async.model.campaign import CampaignState
from keebai_async.model.events import AnyEvent, Event, StateChanged


def test_the_union_holds_every_event() -> None:
    assert set(AnyEvent.__args__) == set(Event.__subclasses__())


def test_an_event_that_was_written_as_json_is_read_back_by_its_type() -> None:
    told = StateChanged(state=CampaignState.STOPPED, reason="enough")
    assert msgspec.json.decode(msgspec.json.encode(told), type=AnyEvent) == told
