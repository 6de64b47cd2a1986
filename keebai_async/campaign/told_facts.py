"""What a run tells the journal of itself, for people who look on: who launched it, what it waits for."""

import secrets
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from keebai_async.errors import AnotherToken
from keebai_async.model.campaign import RunFacts, RunTerms, StoredCampaign
from keebai_async.model.events import (
    AnyEvent,
    BroadcastProgress,
    BroadcastUnread,
    ChunkSubmitting,
    StateChanged,
    Waiting,
)

TokenMark = Callable[[str], str]
"""The keyed hash of the client's token; its argument is the key."""


class ToldFacts:
    """The RunFacts of one run, from what earlier runs left behind; *at* is always Unix time."""

    def __init__(self, before: StoredCampaign, *, terms: RunTerms, mark: TokenMark | None, at: float) -> None:
        facts, holder = before.facts, before.holder
        left = [chunk.submitted_at for chunk in before.chunks if chunk.submitted_at is not None]
        by = "" if holder is None else holder.login
        salt = secrets.token_hex(8)
        self._unread = ""
        self._unnamed = False
        marked = ("", "") if mark is None else (salt, mark(salt))
        self._facts = replace(
            facts,
            launched_at=facts.launched_at or min(left, default=at),
            by=facts.by or by,
            terms=terms,
            token_salt=marked[0],
            token_mark=marked[1],
            ended_at=None,
            waits_for="",
            waits_until=None,
            gone=(),
            next_look_at=None,
            delivery_rate=None,
        )

    def event(self, event: AnyEvent, *, at: float) -> None:
        """Take in what the run tells."""
        match event:
            case Waiting(seconds=seconds, why=why):
                self._facts = replace(self._facts, waits_for=why, waits_until=at + seconds)
            case BroadcastUnread(reason=reason):
                self._unread = f"the service to say how far it is ({reason})"
                self._facts = replace(self._facts, waits_for=self._unread, waits_until=None)
            case BroadcastProgress() if self._facts.waits_for == self._unread:
                self._facts = replace(self._facts, waits_for="", waits_until=None)
            case ChunkSubmitting() | StateChanged():
                self._facts = replace(self._facts, waits_for="", waits_until=None)
            case _:
                pass

    def canary_unnamed(self) -> None:
        """The run stops because of its canary, which nobody can follow: who starts another one knows it.

        That is true once the stop is written, and is written with it: by a process that died before, nobody
        was told.
        """
        self._unnamed = True

    def end(self, *, at: float) -> None:
        """Nothing of the run is on its way any more."""
        unnamed = self._facts.canary_unnamed or self._unnamed
        self._facts = replace(
            self._facts, ended_at=at, waits_for="", waits_until=None, canary_unnamed=unnamed
        )

    def now(
        self, *, gone: Iterable[int], at: float, next_look: float | None = None, rate: float | None = None
    ) -> RunFacts:
        """As they are *at* this time, with the time of the next look, and the *rate* of the sender."""
        return replace(
            self._facts,
            told_at=at,
            gone=tuple(sorted(gone)),
            next_look_at=next_look,
            delivery_rate=None if rate is None else round(rate, 1),
        )


def check_token(campaign: StoredCampaign, mark: TokenMark | None, *, new_token: bool) -> None:
    """Let nobody go on with a campaign of another token by mistake.

    Raises:
        AnotherToken: it was launched with another one, or is the part of a list over several senders that
            another one has, and *new_token* does not say that this is meant.
    """
    facts, part, campaign_id = campaign.facts, campaign.plan.part, campaign.plan.campaign_id
    if mark is None or new_token:
        return
    if facts.token_mark and mark(facts.token_salt) == facts.token_mark:
        return  # it went on with this one, perhaps as the new one of a part
    if part is not None and part.account and mark(part.salt) != part.account:
        raise AnotherToken(
            f"campaign {campaign_id} is the part of another token, which has its sender"
            f" {campaign.plan.sender.id}: give the client of that token, or say that yours is a new one of"
            " the same account",
            campaign_id=campaign_id,
        )
    if not facts.token_mark:
        return
    raise AnotherToken(
        f"campaign {campaign_id} was launched with another token than yours: another account may be charged,"
        " and cannot see its broadcasts. If yours is a new token of the same account, say that it is new",
        campaign_id=campaign_id,
    )
