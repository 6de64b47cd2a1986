"""Whautomate: what a user of that service opens, beside Keebai. It puts the rooms together."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Self

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.credentials import Token
from keebai_async.environment import poll_floor_of, quotas_of, token_of
from keebai_async.journal_client import AnyJournal, JournalClient
from keebai_async.lazy_names import LazyModule
from keebai_async.observe import Observer
from keebai_async.quota.gate import Gate
from keebai_async.quota.window import Quota
from keebai_async.transport.address import check_base_url
from keebai_async.transport.broadcast_names import BroadcastNames
from keebai_async.transport.call_limit import LONGEST_QUOTA_WAIT
from keebai_async.transport.request import Timeouts
from keebai_async.transport.retry import RetryPolicy
from keebai_async.transport.verdict import SubmitPolicy
from keebai_async.whautomate.api import Numbering, WhautomateApi
from keebai_async.whautomate.broadcasts import WhautomateBroadcasts
from keebai_async.whautomate.messages import WhautomateMessages
from keebai_async.whautomate.segments import WhautomateSegments
from keebai_async.whautomate.settings import (
    WHAUTOMATE_DIALECT,
    WHAUTOMATE_HOST_VARIABLE,
    WHAUTOMATE_HOSTS,
    WHAUTOMATE_KEY_VARIABLES,
    WHAUTOMATE_POLL_FLOOR_VARIABLE,
    WHAUTOMATE_QUOTA_STORE_VARIABLE,
    WHAUTOMATE_QUOTA_VARIABLE,
    WHAUTOMATE_QUOTAS,
)

if TYPE_CHECKING:
    import aiohttp
else:  # too dear to import for an annotation
    aiohttp = LazyModule("aiohttp")


class Whautomate(JournalClient):
    """A client of one API key, for one event loop. Use it with `async with`, or await `aclose()`.

    What is not given comes from the environment: `WHAUTOMATE_API_KEY`, `WHAUTOMATE_API_HOST`,
    `WHAUTOMATE_QUOTA`, `WHAUTOMATE_QUOTA_STORE`, `WHAUTOMATE_POLL_FLOOR`, `KEEBAI_JOURNAL`.

    Args:
        api_key: the secret; it cannot be printed and goes to *host* only.
        host: `global` (the default), `india`, or an address with or without `https://` and `/v1`; plain
            http only to this machine. A key is valid on the host of its own region only.
        quotas: how many requests in how many seconds; 100 a minute by default.
        limiter: where the spending is kept: `sqlite:PATH` is shared by the processes of this machine,
            `redis://...` and `postgresql://...` by several machines; or a RateLimiter that you close
            yourself. Without it, in a file that all processes of this user on this machine share; with
            `memory:`, all clients of this process with the same key and host share one.
        journal: where messages that are sent `once` are kept: a path, a URL, or a journal that you close
            yourself.
        timeout: seconds for a whole request, or Timeouts.
        session: an aiohttp session whose connector and proxy are used, and left open.
        submit_policy: after which replies a create may be made again, beyond the safe ones.
        retries: how often a read is repeated.
        poll_floor: seconds between two looks at one broadcast, at least.
        longest_quota_wait: seconds for which a call without a `timeout` of its own waits for the quota; it
            ends with QuotaExhausted as soon as that cannot do. None is for ever. Campaigns wait as they must.
        observer: called with each record of what happens (docs/observability.md), or several of them; the
            log gets the same records all the same.
        first_page: whether pages count from 0 or 1; found out by itself, with one request, if not given.

    Raises:
        InvalidInput: there is no key, or something of this cannot be used.
    """

    __slots__ = {
        "broadcasts": "Create, look at, list, replace, delete, wait for and watch broadcasts; their logs.",
        "messages": "One template to one person.",
        "segments": "The audiences of broadcasts.",
    }

    broadcasts: WhautomateBroadcasts
    messages: WhautomateMessages
    segments: WhautomateSegments

    def __init__(
        self,
        api_key: str | Token | None = None,
        *,
        host: str | None = None,
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
        first_page: int | None = None,
        observer: Observer | Iterable[Observer] | None = None,
    ) -> None:
        self._numbering = Numbering(first_page)
        self._names = BroadcastNames()
        super().__init__(
            token_of(api_key, os.environ, WHAUTOMATE_KEY_VARIABLES),
            host_of(host, os.environ),
            quotas=quotas_of(quotas, os.environ, WHAUTOMATE_QUOTA_VARIABLE, WHAUTOMATE_QUOTAS),
            quotas_said=quotas is not None or bool(os.environ.get(WHAUTOMATE_QUOTA_VARIABLE)),
            limiter=limiter or os.environ.get(WHAUTOMATE_QUOTA_STORE_VARIABLE) or None,
            timeout=timeout,
            session=session,
            clock=clock,
            submit_policy=submit_policy,
            retries=retries,
            poll_floor=poll_floor_of(poll_floor, os.environ, WHAUTOMATE_POLL_FLOOR_VARIABLE),
            longest_quota_wait=longest_quota_wait,
            header="x-api-key",
            scheme="",
            dialect=WHAUTOMATE_DIALECT,
            observer=observer,
        )
        self._keep_journal(journal)
        self._equip()

    def with_options(
        self,
        *,
        timeout: Timeouts | float | None = None,
        submit_policy: SubmitPolicy | None = None,
        retries: RetryPolicy | None = None,
        poll_floor: float | None = None,
    ) -> Self:
        """A cheap copy that shares session and limiter, with what is given changed.

        It lives as long as the client it was made from; closing it closes nothing.
        """
        other = self._copied(timeout, submit_policy, retries, poll_floor)
        self._share_journal(other, None)
        other._equip()
        return other

    def _equip(self) -> None:
        api = WhautomateApi(exchange=self._exchange_now(), requests=self.requests, numbering=self._numbering)
        self.broadcasts = WhautomateBroadcasts(
            api, clock=self.clock, poll_floor=self.poll_floor, quotas=self.quotas, names=self._names
        )
        self.segments = WhautomateSegments(api)
        self.messages = WhautomateMessages(api, host=self)


def host_of(given: str | None, environment: Mapping[str, str]) -> str:
    """The base URL of a host: by its name, or an address with or without `https://` and `/v1`.

    Raises:
        InvalidInput: it is no address, or plain http to another machine.

    Source: contract, section 1.
    """
    text = (given or environment.get(WHAUTOMATE_HOST_VARIABLE) or "global").strip()
    if text.lower() in WHAUTOMATE_HOSTS:
        return WHAUTOMATE_HOSTS[text.lower()]
    base = check_base_url(text if "://" in text else f"https://{text}")
    return base if base.endswith("/v1") else f"{base}/v1"
