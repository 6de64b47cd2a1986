"""The sandbox's Keebai without its sockets: each route to the code that answers it."""

from collections.abc import Mapping

from keebai_async.clock import Clock
from keebai_async.sandbox.keebai import door, listings
from keebai_async.sandbox.keebai.bodies import Wrong
from keebai_async.sandbox.keebai.door import Door, Visit
from keebai_async.sandbox.keebai.sending import Sending
from keebai_async.sandbox.keebai.settings import Dialect, Settings
from keebai_async.sandbox.replies import Complaints, Envelope, Refused, Said, invalid, nest_error


class Service:
    """Answers at once; it waits for nothing and writes to no socket."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.door = Door(settings, clock)
        self.sending = Sending(settings, clock)

    def act(self, visit: Visit, query: Mapping[str, str], content: bytes) -> Said:
        """Do what a request that came in asks for, or refuse it."""
        if visit.refusal is not None:
            return visit.refusal
        if len(content) > self.settings.max_body:
            return nest_error(413, "request entity too large")
        try:
            return self._act(visit, query, content)
        except Refused as refused:
            return refused.said
        except Wrong as wrong:
            return self._complain(visit, wrong)

    def _act(self, visit: Visit, query: Mapping[str, str], content: bytes) -> Said:
        match visit.route:
            case door.SEND_BULK:
                return self.sending.bulk(visit, content)
            case door.READ_BROADCAST:
                return self.sending.status(visit)
            case door.SEND_TEMPLATE:
                return self.sending.template(visit, content)
            case door.SEND_TEXT:
                return self.sending.text(visit, content)
            case door.LIST_TEMPLATES:
                return listings.templates(self.settings, visit.dialect, query)
            case door.LIST_NUMBERS:
                return listings.numbers(self.settings)
            case door.LIST_CHANNELS:
                return listings.channels(self.settings, visit.dialect, query)
            case door.READ_CHANNEL:
                return listings.channel(self.settings, visit.asked)
            case _:
                return listings.me(visit.token)

    def _complain(self, visit: Visit, wrong: Wrong) -> Said:
        guide = visit.dialect is Dialect.GUIDE
        how = self.settings.complaints or Complaints(
            envelope=Envelope.CODE if guide else Envelope.NEST, listed=not guide
        )
        single = visit.route in (door.SEND_TEMPLATE, door.SEND_TEXT)
        if single and not guide and wrong.complaints == ("to must be a phone number",):
            return invalid(wrong.complaints, how, status=422, code="invalid_phone")
        return invalid(wrong.complaints, how)
