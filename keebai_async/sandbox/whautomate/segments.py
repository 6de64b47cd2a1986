"""Segments and contacts of the sandbox's Whautomate. Source: contract, sections 5.1 and 5.2."""

from collections.abc import Mapping, Sequence

from keebai_async.clock import Clock
from keebai_async.sandbox.replies import JsonObject, RequestRefused, SandboxReply
from keebai_async.sandbox.whautomate.audience import UNSUBSCRIBED_TAG, SandboxContact
from keebai_async.sandbox.whautomate.ledger import Created, WhautomateLedger
from keebai_async.sandbox.whautomate.paging import page_of
from keebai_async.sandbox.whautomate.replies import deleted, error_reply, success
from keebai_async.sandbox.whautomate.settings import WhautomateSandboxSettings


class SegmentHandlers:
    """Answers the routes of /segments and /contacts. Raises RequestRefused."""

    def __init__(self, settings: WhautomateSandboxSettings, clock: Clock, ledger: WhautomateLedger) -> None:
        self._settings = settings
        self._clock = clock
        self._ledger = ledger
        self._segments: dict[str, JsonObject] = {}
        self._contacts = {one.id: one for one in settings.contacts}
        self._count = 0

    @property
    def contacts(self) -> Sequence[SandboxContact]:
        return tuple(self._contacts.values())

    def has(self, segment_id: str) -> bool:
        return segment_id in self._segments

    def criteria(self, segment_id: str) -> JsonObject:
        """What a segment asks for; a segment that is gone holds nobody."""
        if segment_id not in self._segments and self._settings.any_id:
            return {"exclusionTags": [UNSUBSCRIBED_TAG]}
        if segment_id not in self._segments:
            return {"tags": ["\0"]}
        criteria = self._segments[segment_id].get("criteria")
        return criteria if isinstance(criteria, dict) else {}

    def everybody(self) -> str:
        """The id of a segment that holds everybody who did not write STOP."""
        self._segments.setdefault("SEG0000000", {"id": "SEG0000000", "name": "Everybody", "type": "contact"})
        self._segments["SEG0000000"]["criteria"] = {"exclusionTags": [UNSUBSCRIBED_TAG]}
        return "SEG0000000"

    def create(self, body: JsonObject) -> SandboxReply:
        """POST a segment."""
        for name in ("name", "type", "location"):
            if not body.get(name):
                raise RequestRefused(error_reply(self._settings, 400, f"{name} is required"))
        if body["type"] not in ("client", "contact"):
            raise RequestRefused(error_reply(self._settings, 400, "type must be client or contact"))
        self._count += 1
        segment_id = f"SEG{self._count:07d}"
        kept = self._segments[segment_id] = {"id": segment_id, **body}
        self._note("segment", segment_id, str(body["name"]), body)
        return success(self._settings, kept)

    def read(self, segment_id: str) -> SandboxReply:
        return success(self._settings, self._find(segment_id))

    def delete(self, segment_id: str) -> SandboxReply:
        self._find(segment_id)
        del self._segments[segment_id]
        self._ledger.deleted.append(segment_id)
        return deleted()

    def list(self, query: Mapping[str, str]) -> SandboxReply:
        page = page_of(query, self._settings)
        words = query.get("searchText", "").lower()
        found = [one for one in self._segments.values() if words in str(one["name"]).lower()]
        return success(self._settings, found[page.start : page.stop])

    def list_contacts(self, query: Mapping[str, str]) -> SandboxReply:
        """GET /contacts; the crowds are not in it."""
        page = page_of(query, self._settings)
        words, tag = query.get("searchText", "").lower(), query.get("tags")
        found = [
            _contact(one)
            for one in self._contacts.values()
            if (words in one.name.lower() or words in one.phone) and (tag is None or tag in one.tags)
        ]
        return success(self._settings, found[page.start : page.stop])

    def create_contact(self, body: JsonObject) -> SandboxReply:
        """POST a contact. The country code is what stands before the last ten digits."""
        for name in ("name", "phoneNumber", "location"):
            if not body.get(name):
                raise RequestRefused(error_reply(self._settings, 400, f"{name} is required"))
        digits = "".join(letter for letter in str(body["phoneNumber"]) if letter.isdigit())
        tags = body.get("tags")
        contact = SandboxContact(
            id=f"CON{len(self._contacts) + 1:07d}",
            name=str(body["name"]),
            country_code=f"+{digits[:-10]}",
            phone=digits[-10:],
            tags=tuple(map(str, tags)) if isinstance(tags, list) else (),
        )
        self._contacts[contact.id] = contact
        self._note("contact", contact.id, contact.name, body)
        return success(self._settings, _contact(contact))

    def read_contact(self, contact_id: str) -> SandboxReply:
        return success(self._settings, _contact(self.contact(contact_id)))

    def contact(self, contact_id: str) -> SandboxContact:
        """Raises RequestRefused: there is none of this id."""
        found = self._contacts.get(contact_id)
        if found is None:
            raise RequestRefused(error_reply(self._settings, 404, "Contact not found"))
        return found

    def _find(self, segment_id: str) -> JsonObject:
        if segment_id not in self._segments:
            raise RequestRefused(error_reply(self._settings, 404, "Segment not found"))
        return self._segments[segment_id]

    def _note(self, kind: str, own_id: str, name: str, body: JsonObject) -> None:
        self._ledger.created.append(Created(kind=kind, id=own_id, name=name, at=self._clock.now(), body=body))


def _contact(one: SandboxContact) -> JsonObject:
    return {
        "id": one.id,
        "name": one.name,
        "phoneNumber": f"{one.country_code}{one.phone}",
        "tags": list(one.tags),
        "channel": "whatsapp",
    }
