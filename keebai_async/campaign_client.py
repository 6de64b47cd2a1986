"""CampaignClient: what the clients of all services that carry campaigns have in common."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Self

from keebai_async.campaign.service import CampaignService
from keebai_async.errors import InvalidInput
from keebai_async.journal_client import AnyJournal as AnyJournal
from keebai_async.journal_client import JournalClient
from keebai_async.lazy_names import LazyModule
from keebai_async.model.sender import Sender

if TYPE_CHECKING:
    import keebai_async.campaigns as campaigning
    import keebai_async.opt_outs as opting
    import keebai_async.supervisor as supervision
else:  # too dear to import for an annotation
    campaigning = LazyModule("keebai_async.campaigns")
    opting = LazyModule("keebai_async.opt_outs")
    supervision = LazyModule("keebai_async.supervisor")


class CampaignClient(JournalClient):
    """A client with a journal, and with campaigns in it. A child brings the service that carries them.

    A child calls `_keep_campaigns` at the end of its `__init__`, and gives `campaign_service`.
    """

    __slots__ = {"sender": "The sender of calls that name none."}

    sender: Sender | None

    def _keep_campaigns(self, journal: AnyJournal | None, sender: Sender | None) -> None:
        """Keep them in *journal*, or else where the environment says, or else in memory."""
        self.sender = sender
        self._keep_journal(journal)
        self._campaigns: campaigning.Campaigns | None = None
        self._opt_outs: opting.OptOuts | None = None

    def _share_campaigns(self, other: Self, journal: AnyJournal | None, sender: Sender | None) -> None:
        """Let *other*, a copy of this client, use its journal and sender, or those that are given."""
        other.sender = sender or self.sender
        other._campaigns = None
        other._opt_outs = None
        self._share_journal(other, journal)

    @property
    def campaigns(self) -> "campaigning.Campaigns":
        """Plan campaigns, run them, and look at those that were."""
        if self._campaigns is None:
            self._campaigns = campaigning.Campaigns(self)
        return self._campaigns

    def supervise(
        self, *, at_once: int = 8, looked: Callable[[int], None] | None = None
    ) -> "AbstractAsyncContextManager[campaigning.Campaigns]":
        """Inside `async with`, run the campaigns of the journal that are wanted (`campaigns.want`, `launch`).

        At most *at_once* of them run at a time; paused ones are not counted. Any number of processes may do
        so with one journal: what one of them leaves behind, another takes up within seconds. Leaving it, by
        the end of the block, an exception or a cancellation, is a shutdown in good order: what is on its way
        is written down, and the campaigns stay wanted. Gives `campaigns`. *looked* is called after each look,
        one a second, that the journal answered, with how many campaigns run here: for a health check.

        Raises:
            InvalidInput: *at_once* is less than 1.
        """
        return supervision.supervising(self, at_once=at_once, looked=looked)

    @property
    def opt_outs(self) -> "opting.OptOuts":
        """Who wants no more, whatever campaign: look, add, remove, import."""
        if self._opt_outs is None:
            self._opt_outs = opting.OptOuts(lambda: self.journal, self.clock)
        return self._opt_outs

    def sender_or(self, sender: Sender | None = None) -> Sender:
        """*sender*, or else the client's own. Raises InvalidInput if there is neither."""
        given = sender or self.sender
        if given is None:
            raise InvalidInput("no sender: give one to the client, or to this call", field="sender")
        return given

    def campaign_service(self) -> CampaignService:
        """The service that one run of a campaign works on, with counters of its own."""
        raise NotImplementedError
