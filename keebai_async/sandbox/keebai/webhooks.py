"""The face of the sandbox's webhooks: switches, subscriptions, and what really became of everybody."""

from collections import Counter

from keebai_async.sandbox.keebai.subscriptions import Subscription
from keebai_async.sandbox.keebai.webhook_feed import MessageTruth, WebhookFeed
from keebai_async.sandbox.keebai.webhook_switches import WebhookSwitches


class SandboxWebhooks:
    """Webhooks of one sandbox. May be read, and its switches changed, from any thread."""

    __slots__ = ("_feed",)

    def __init__(self, feed: WebhookFeed) -> None:
        self._feed = feed

    @property
    def switches(self) -> WebhookSwitches:
        """How it behaves; may be changed while it runs."""
        return self._feed.switches

    @property
    def subscriptions(self) -> list[Subscription]:
        """Who wants to hear of what, in the order in which they subscribed."""
        return list(self._feed.subscriptions.known.values())

    @property
    def truth(self) -> dict[str, MessageTruth]:
        """By number: what became of everybody who was told of, whether or not the events arrived."""
        return dict(self._feed.truth)

    @property
    def answers(self) -> Counter[str]:
        """How many attempts were answered with what: `204`, say, or `none`."""
        return Counter(dict(self._feed.outcomes))

    @property
    def waiting(self) -> int:
        """Events that have not happened yet, and deliveries that are not settled yet."""
        return self._feed.waiting

    def trigger(self, kind: str, number: str, *, code: int = 0, text: str = "", payload: str = "") -> None:
        """Let one event happen now, whatever was sent: `read`, or `received` with a text."""
        self._feed.trigger(kind, number, code=code, text=text, payload=payload)

    def change(self, content: bytes) -> WebhookSwitches:
        """Take switches as JSON, those that are named; gives all. Raises msgspec.MsgspecError."""
        return self._feed.change(content)
