"""What an event says of somebody who wants no more, or wants it again. Pure.

Source: contract, sections 3.3 and 4.5.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from keebai_async.model.identity import identity
from keebai_async.model.opt_outs import CODE_OF_STOP, ConsentWord, OptOutSource
from keebai_async.webhooks.events import (
    AnyWebhookEvent,
    MessageFailed,
    MessageReceived,
    PreferencesChanged,
    WebhookEvent,
)
from keebai_async.webhooks.stop_words import StopWords

_FAR_AHEAD: Final = 86_400.0
"""Seconds by which the service's clock may be before ours; a time beyond is no time."""


class Unnamed(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody said it whose number did not come. *event* tells whether a mark says who it is."""

    event: WebhookEvent
    stop: bool
    source: OptOutSource
    at: float

    def said_by(self, number: str) -> ConsentWord:
        return ConsentWord(key=identity(number), stop=self.stop, source=self.source, at=self.at)


def consent_in(event: AnyWebhookEvent, words: StopWords, *, now: float) -> Iterator[ConsentWord | Unnamed]:
    """Each stop and each resume that *event* tells. *now* is Unix time, and counts for a stop without a time.

    A resume without a time, or with one that is still to come, is passed over: it may be older than a stop.
    """
    for stop, source, number, at in _told(event, words):
        known = at if 0 < at <= now + _FAR_AHEAD else 0.0
        if not stop and not known:
            continue
        said = Unnamed(event=event, stop=stop, source=source, at=known or now)
        yield said.said_by(number) if number else said


def _told(event: AnyWebhookEvent, words: StopWords) -> Iterator[tuple[bool, OptOutSource, str, float]]:
    match event:
        case MessageFailed():
            if any(error.code == CODE_OF_STOP for error in event.errors):
                yield True, OptOutSource.CODE, event.number, event.at
        case MessageReceived():
            if (meaning := words.meaning(event.text, event.payload)) is not None:
                yield *meaning, event.number, event.at
        case PreferencesChanged():
            for each in event.preferences:
                yield each.stop, OptOutSource.PREFERENCE, each.number, each.at or event.at
        case _:
            pass
