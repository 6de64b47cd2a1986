"""Courier: what a user of this service opens."""

import os
from collections.abc import Iterable

from keebai_async.campaign.service import CampaignService
from keebai_async.campaign_client import AnyJournal, CampaignClient
from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.environment import poll_floor_of, quotas_of, token_of
from keebai_async.model.sender import Sender
from keebai_async.observe import Observer
from keebai_async.quota.gate import Gate
from keebai_async.transport.address import check_base_url
from keebai_async.transport.dialect import STANDARD
from tests.courier.carrier import CourierService
from tests.courier.settings import QUOTAS, VARIABLES


class Courier(CampaignClient):
    def __init__(
        self,
        token: str | None = None,
        *,
        phone_number_id: str | None = None,
        channel_id: str | None = None,
        journal: AnyJournal | None = None,
        limiter: Gate | str | None = None,
        longest_quota_wait: float | None = None,
        clock: Clock = SYSTEM_CLOCK,
        observer: Observer | Iterable[Observer] | None = None,
    ) -> None:
        super().__init__(
            token_of(token, os.environ, VARIABLES.tokens),
            check_base_url(os.environ[VARIABLES.base_url]),
            quotas=quotas_of(None, os.environ, VARIABLES.quota, QUOTAS),
            limiter=limiter,
            timeout=None,
            session=None,
            clock=clock,
            submit_policy=None,
            retries=None,
            longest_quota_wait=longest_quota_wait,
            poll_floor=poll_floor_of(None, os.environ, VARIABLES.poll_floor),
            header="X-Courier-Key",
            scheme="",
            dialect=STANDARD,
            observer=observer,
        )
        sender = Sender(phone_number_id=phone_number_id, channel_id=channel_id or "depot-7")
        self._keep_campaigns(journal, sender)

    def campaign_service(self) -> CampaignService:
        return CourierService(self._exchange_now(self._session))
