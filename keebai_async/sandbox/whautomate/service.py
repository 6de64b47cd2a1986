"""The sandbox's Whautomate without its sockets: each route to the code that answers it."""

from collections.abc import Mapping

import msgspec

from keebai_async.clock import Clock
from keebai_async.sandbox.replies import Refused, Said
from keebai_async.sandbox.whautomate import door
from keebai_async.sandbox.whautomate.broadcasts import Broadcasts
from keebai_async.sandbox.whautomate.door import Door, Visit
from keebai_async.sandbox.whautomate.ledger import Created, WhautomateLedger
from keebai_async.sandbox.whautomate.replies import error, said
from keebai_async.sandbox.whautomate.segments import Json, Segments
from keebai_async.sandbox.whautomate.settings import Settings


class Service:
    """Answers at once; it waits for nothing and writes to no socket."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.ledger = WhautomateLedger()
        self.door = Door(settings, clock)
        self.segments = Segments(settings, clock, self.ledger)
        self.broadcasts = Broadcasts(settings, clock, self.segments, self.ledger)
        self._clock = clock

    def act(self, visit: Visit, query: Mapping[str, str], content: bytes) -> Said:
        """Do what a request that came in asks for, or refuse it."""
        try:
            return self._act(visit, query, content)
        except Refused as refused:
            return refused.said

    def _act(self, visit: Visit, query: Mapping[str, str], content: bytes) -> Said:
        match visit.route:
            case door.LIST_BROADCASTS:
                return self.broadcasts.list(query)
            case door.CREATE_BROADCAST:
                return self.broadcasts.create(self._body(content))
            case door.READ_BROADCAST:
                return self.broadcasts.read(visit.asked)
            case door.REPLACE_BROADCAST:
                return self.broadcasts.replace(visit.asked, self._body(content))
            case door.DELETE_BROADCAST:
                return self.broadcasts.delete(visit.asked)
            case door.READ_LOGS:
                return self.broadcasts.logs(visit.asked, query)
            case door.LIST_SEGMENTS:
                return self.segments.list(query)
            case door.CREATE_SEGMENT:
                return self.segments.create(self._body(content))
            case door.READ_SEGMENT:
                return self.segments.read(visit.asked)
            case door.DELETE_SEGMENT:
                return self.segments.delete(visit.asked)
            case _:
                return self._act_on_people(visit, query, content)

    def _act_on_people(self, visit: Visit, query: Mapping[str, str], content: bytes) -> Said:
        match visit.route:
            case door.LIST_CONTACTS:
                return self.segments.list_contacts(query)
            case door.CREATE_CONTACT:
                return self.segments.create_contact(self._body(content))
            case door.READ_CONTACT:
                return self.segments.read_contact(visit.asked)
            case door.LIST_LOCATIONS:
                return said(self.settings, [{"id": one, "name": one} for one in self.settings.locations])
            case door.SEND_TEMPLATE:
                return self._send(self._body(content))
            case _:
                return error(self.settings, 404, "Not found")

    def _send(self, body: Json) -> Said:
        """POST one template to one contact. Source: contract, section 6."""
        inner = body.get("contact")
        contact = self.segments.contact(str(inner.get("id")) if isinstance(inner, dict) else "")
        for name in ("template", "location"):
            if not body.get(name):
                raise Refused(error(self.settings, 400, f"{name} is required"))
        message_id = f"MSG{len(self.ledger.messages) + 1:07d}"
        self.ledger.created.append(
            Created(kind="message", id=message_id, name=contact.name, at=self._clock.now(), body=body)
        )
        return said(self.settings, {"id": message_id, "status": "sent"})

    def _body(self, content: bytes) -> Json:
        try:
            return msgspec.json.decode(content, type=dict[str, object])
        except (msgspec.MsgspecError, UnicodeDecodeError) as wrong:
            raise Refused(error(self.settings, 400, "The body is no JSON object")) from wrong
