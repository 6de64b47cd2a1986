"""The face of the sandbox's webhooks: switches, subscriptions, and what really became of everybody."""

from collections import Counter
from collections.abc import Mapping

from keebai_async.sandbox.keebai.single_event import SOMEBODY, SingleEvent
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

    def trigger(
        self,
        kind: str,
        number: str = SOMEBODY,
        *,
        code: int = 0,
        text: str = "",
        payload: str = "",
        meta_data: Mapping[str, object] | None = None,
        template: str = "promo",
        language: str = "es",
        status: str = "PAUSED",
    ) -> None:
        """Let one event happen now, whatever was sent: `read`, `received` with a text, `template`.

        *kind* is one of SINGLE_EVENTS. Raises ValueError for another.
        """
        event = SingleEvent(
            kind=kind,
            number=number,
            code=code,
            text=text,
            payload=payload,
            meta_data=dict(meta_data or {}),
            template=template,
            language=language,
            status=status,
        )
        self._feed.trigger(event)

    def trigger_event(self, event: SingleEvent) -> None:
        """The same, of an event that was put together. Raises ValueError."""
        self._feed.trigger(event)

    def change(self, content: bytes) -> WebhookSwitches:
        """Take switches as JSON, those that are named; gives all. Raises msgspec.MsgspecError."""
        return self._feed.change(content)
