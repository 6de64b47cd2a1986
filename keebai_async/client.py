"""Keebai: what a user opens. It puts the rooms together and decides nothing."""

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Self

from keebai_async.campaign.service import CampaignService
from keebai_async.campaign_client import AnyJournal, CampaignClient
from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.credentials import Token
from keebai_async.environment import poll_floor_of, quotas_of, token_of
from keebai_async.keebai.account import me
from keebai_async.keebai.api import KeebaiApi
from keebai_async.keebai.broadcasts import Broadcasts
from keebai_async.keebai.campaign_service import KeebaiCampaignService
from keebai_async.keebai.channels import Channels
from keebai_async.keebai.messages import Messages
from keebai_async.keebai.numbers import Numbers
from keebai_async.keebai.settings import (
    KEEBAI_DIALECT,
    KEEBAI_POLL_FLOOR_VARIABLE,
    KEEBAI_QUOTA_STORE_VARIABLE,
    KEEBAI_QUOTA_VARIABLE,
    KEEBAI_QUOTAS,
    KEEBAI_TOKEN_VARIABLES,
    base_url_of,
    sender_of,
)
from keebai_async.keebai.templates import Templates
from keebai_async.keebai.webhooks import Webhooks
from keebai_async.lazy_names import LazyModule
from keebai_async.model.sender import Sender
from keebai_async.observe import Observer
from keebai_async.quota.gate import Gate
from keebai_async.quota.window import Quota
from keebai_async.transport.broadcast_names import BroadcastNames
from keebai_async.transport.call_limit import LONGEST_QUOTA_WAIT
from keebai_async.transport.request import Timeouts
from keebai_async.transport.retry import RetryPolicy
from keebai_async.transport.verdict import SubmitPolicy

if TYPE_CHECKING:
    import aiohttp
else:  # too dear to import for an annotation
    aiohttp = LazyModule("aiohttp")


class Keebai(CampaignClient):
    """A client of one token, for one event loop. Use it with `async with`, or await `aclose()`.

    What is not given comes from the environment: `KEEBAI_API_TOKEN` (or `KEEBAI_API_KEY`),
    `KEEBAI_BASE_URL`, `KEEBAI_PHONE_NUMBER_ID` or `KEEBAI_CHANNEL_ID`, `KEEBAI_QUOTA`,
    `KEEBAI_QUOTA_STORE`, `KEEBAI_POLL_FLOOR`, `KEEBAI_JOURNAL`.

    Args:
        token: the secret; it cannot be printed and goes to *base_url* only.
        base_url: https, or http to this machine.
        phone_number_id: the sender of every call that names none; or else *channel_id*, never both.
        quotas: how many requests in how many seconds; for a token with a raised cap. Who shares the token's
            limiter shares its limits: the smallest holds for all, until `limiter.set_limits` changes it.
        limiter: where the spending is kept: `sqlite:PATH` is shared by the processes of this machine,
            `redis://...` and `postgresql://...` by several machines; or a RateLimiter that you close
            yourself. Without it, in a file that all processes of this user on this machine share; with
            `memory:`, all clients of this process with the same token and base URL share one.
        journal: where campaigns are kept: a path, a URL, or a journal that you close yourself.
        timeout: seconds for a whole request, or Timeouts.
        session: an aiohttp session whose connector and proxy are used, and left open.
        submit_policy: after which replies a submit may be made again, beyond the safe ones.
        retries: how often a read is repeated.
        poll_floor: seconds between two looks at one broadcast, at least.
        longest_quota_wait: seconds for which a call without a `timeout` of its own waits for the quota; it
            ends with QuotaExhausted as soon as that cannot do. None is for ever. Campaigns wait as they must.
        observer: called with each record of what happens (docs/observability.md), or several of them; the
            log gets the same records all the same.

    Raises:
        InvalidInput: there is no token, or something of this cannot be used.
    """

    __slots__ = {  # on the class, as help() and the mocks that are made of a class want it
        "broadcasts": "One broadcast: create, look, wait, watch.",
        "channels": "The channels of the account.",
        "messages": "One template or one text to one person.",
        "numbers": "The numbers of the account.",
        "templates": "The templates of the account.",
        "webhooks": "The webhook subscriptions of the account.",
    }

    broadcasts: Broadcasts
    channels: Channels
    messages: Messages
    numbers: Numbers
    templates: Templates
    webhooks: Webhooks

    def __init__(
        self,
        token: str | Token | None = None,
        *,
        base_url: str | None = None,
        phone_number_id: str | None = None,
        channel_id: str | None = None,
        quotas: Sequence[Quota] | None = None,
        limiter: Gate | str | None = None,
        journal: AnyJournal | None = None,
        timeout: Timeouts | float | None = None,
        session: "aiohttp.ClientSession | None" = None,
        clock: Clock = SYSTEM_CLOCK,
        submit_policy: SubmitPolicy | None = None,
        retries: RetryPolicy | None = None,
        poll_floor: float | None = None,
        longest_quota_wait: float | None = LONGEST_QUOTA_WAIT,
        observer: Observer | Iterable[Observer] | None = None,
    ) -> None:
        super().__init__(
            token_of(token, os.environ, KEEBAI_TOKEN_VARIABLES),
            base_url_of(base_url, os.environ),
            quotas=quotas_of(quotas, os.environ, KEEBAI_QUOTA_VARIABLE, KEEBAI_QUOTAS),
            quotas_said=quotas is not None or bool(os.environ.get(KEEBAI_QUOTA_VARIABLE)),
            limiter=limiter or os.environ.get(KEEBAI_QUOTA_STORE_VARIABLE) or None,
            timeout=timeout,
            session=session,
            clock=clock,
            submit_policy=submit_policy,
            retries=retries,
            poll_floor=poll_floor_of(poll_floor, os.environ, KEEBAI_POLL_FLOOR_VARIABLE),
            longest_quota_wait=longest_quota_wait,
            dialect=KEEBAI_DIALECT,
            observer=observer,
        )
        self._keep_campaigns(journal, sender_of(phone_number_id, channel_id, os.environ))
        self._names = BroadcastNames()
        self._equip()

    def with_options(
        self,
        *,
        phone_number_id: str | None = None,
        channel_id: str | None = None,
        journal: AnyJournal | None = None,
        timeout: Timeouts | float | None = None,
        submit_policy: SubmitPolicy | None = None,
        retries: RetryPolicy | None = None,
        poll_floor: float | None = None,
    ) -> Self:
        """A cheap copy that shares session and limiter, with what is given changed.

        It lives as long as the client it was made from; closing it closes nothing.
        """
        other = self._copied(timeout, submit_policy, retries, poll_floor)
        named = phone_number_id is not None or channel_id is not None
        sender = Sender(phone_number_id=phone_number_id, channel_id=channel_id) if named else None
        self._share_campaigns(other, journal, sender)
        other._equip()
        return other

    def _equip(self) -> None:
        self._exchange = self._exchange_now()
        api = KeebaiApi(exchange=self._exchange, sender=self.sender, requests=self.requests)
        self._api = api
        self.messages = Messages(api, host=self, refuse_opted_out=self._refuse_opted_out)
        self.broadcasts = Broadcasts(api, clock=self.clock, poll_floor=self.poll_floor, names=self._names)
        self.templates = Templates(api)
        self.numbers = Numbers(api)
        self.channels = Channels(api)
        self.webhooks = Webhooks(api)

    async def _refuse_opted_out(self, number: str) -> None:
        await self.opt_outs.refuse(number)

    def sender_or(self, sender: Sender | None = None) -> Sender:
        """*sender*, or else the client's own. Raises InvalidInput if there is neither."""
        return sender or self._api.sender_for(None, None)

    async def me(self) -> dict[str, object]:
        """Who the token is, as the service says it. No scope is needed.

        Raises:
            RequestError: TokenRejected, if the token is not good for anything.
        """
        return await me(self._api)

    def campaign_service(self) -> CampaignService:
        """The service that one run of a campaign works on, with counters of its own."""
        return KeebaiCampaignService(self._exchange_now(self._session))
