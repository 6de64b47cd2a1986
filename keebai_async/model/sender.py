"""Who a message comes from."""

import msgspec

from keebai_async.errors import InvalidInput


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Who a message comes from: exactly one of two ids.

    *phone_number_id* is Meta's, which any service of WhatsApp may take; *channel_id* is the service's own, of
    what it sends through.

    Raises:
        InvalidInput: none is given, or both are.

    Source: Keebai's contract, section 11 number 1: the documents disagree, and both at once may be refused.
    """

    phone_number_id: str | None = None
    channel_id: str | None = None

    def __post_init__(self) -> None:
        if bool(self.phone_number_id) == bool(self.channel_id):
            raise InvalidInput(
                "a sender is one of phone_number_id and channel_id, not both"
                if self.phone_number_id
                else "no sender: give phone_number_id or channel_id",
                field="phone_number_id",
            )

    @property
    def wire(self) -> tuple[str, str]:
        """Which of the two it is, by its name, and its value."""
        if self.phone_number_id:
            return "phone_number_id", self.phone_number_id
        return "channel_id", self.channel_id or ""

    @property
    def id(self) -> str:
        return self.wire[1]


class ListedSender(msgspec.Struct, frozen=True, kw_only=True):
    """A sender as the service lists it: its *number*, and whether it is `active`."""

    number: str = ""
    status: str = ""
