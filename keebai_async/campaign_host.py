"""What campaigns use of the client that they belong to."""

from collections.abc import Sequence
from typing import Protocol

from keebai_async.campaign.service import CampaignService
from keebai_async.campaign_looks import LooksHost
from keebai_async.errors import InvalidInput
from keebai_async.model.part import MOST_SENDERS
from keebai_async.model.sender import Sender
from keebai_async.observe import Observer
from keebai_async.quota.gate import Gate
from keebai_async.quota.window import Quota


class CampaignHost(LooksHost, Protocol):
    """What campaigns use of the client they belong to."""

    @property
    def quotas(self) -> tuple[Quota, ...]: ...

    @property
    def limiter(self) -> Gate: ...

    @property
    def poll_floor(self) -> float: ...

    @property
    def longest_submit(self) -> float: ...

    @property
    def observer(self) -> Observer: ...

    def token_mark(self, salt: str) -> str: ...

    def sender_or(self, sender: Sender | None = None) -> Sender: ...

    def campaign_service(self) -> CampaignService: ...


AnySender = Sender | CampaignHost | tuple[Sender, CampaignHost]
"""A sender of the client's own token; another client, for its own sender with its own token; or both."""


def hosts_of(senders: Sequence[AnySender], keebai: CampaignHost) -> "list[tuple[Sender, CampaignHost]]":
    """Each sender with the client that sends from it. Raises InvalidInput for one that comes twice."""
    hosts = [_host_for(each, keebai) for each in senders]
    if len({sender for sender, _ in hosts}) < len(hosts):
        raise InvalidInput("a sender is named twice: each of them has one part", field="senders")
    if len(hosts) > MOST_SENDERS:
        raise InvalidInput(f"a list is dealt to {MOST_SENDERS} senders at most", field="senders")
    return hosts


def _host_for(sender: AnySender, keebai: CampaignHost) -> tuple[Sender, CampaignHost]:
    match sender:
        case Sender():
            return sender, keebai
        case (Sender() as one, host):
            return one, host
        case host:
            return host.sender_or(), host
