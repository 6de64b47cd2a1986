"""The face of the webhooks of Whautomate's sandbox: switches, and what really became of everybody."""

from keebai_async.sandbox.whautomate.subscriptions import WhautomateSubscription
from keebai_async.sandbox.whautomate.webhook_feed import WhautomateFeed
from keebai_async.sandbox.whautomate.webhook_switches import WhautomateWebhookSwitches


class WhautomateSandboxWebhooks:
    """Webhooks of one sandbox. May be read, and its switches changed, from any thread."""

    __slots__ = ("_feed",)

    def __init__(self, feed: WhautomateFeed) -> None:
        self._feed = feed

    @property
    def switches(self) -> WhautomateWebhookSwitches:
        """How it behaves; may be changed while it runs."""
        return self._feed.transport

    @property
    def subscriptions(self) -> list[WhautomateSubscription]:
        """Who wants to hear of what, in the order in which they subscribed."""
        return list(self._feed.subscriptions.known.values())

    @property
    def truth(self) -> dict[str, str]:
        """By number: sent, delivered, read, replied or failed, whether or not the events arrived."""
        return dict(self._feed.truth)

    @property
    def waiting(self) -> int:
        """Events that have not happened yet, and deliveries that are not settled yet."""
        return self._feed.waiting
