"""What deliveries tell, in both dialects, in Whautomate's, and in whatever else comes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.webhooks import (
    BroadcastCompleted,
    ChannelChanged,
    DeliveryError,
    Fate,
    MessageDelivered,
    MessageFailed,
    MessageRead,
    MessageReceived,
    MessageSent,
    MessageStatus,
    OtherEvent,
    Preference,
    PreferencesChanged,
    TemplateChanged,
    WebhookEvent,
    read_event,
)

PERSON = "+5491155550101"
WAMID = "wamid.HBgN"


def told(envelope: object) -> WebhookEvent:
    return read_event(json.dumps(envelope).encode())


def docs(kind: str, /, **data: object) -> dict[str, object]:
    """An envelope of the documents' dialect."""
    return {
        "id": "evt_1",
        "type": kind,
        "occurred_at": "2026-09-21T14:13:20Z",
        "company_id": "c",
        "channel_id": None,
        "data": data,
    }


def skills(kind: str, /, **data: object) -> dict[str, object]:
    """An envelope of the other dialect."""
    return {"event": kind, "timestamp": "2026-09-21T14:13:20.500Z", "webhook_id": "wh_1", "data": data}


@pytest.mark.parametrize(
    ("status", "made", "fate"),
    [
        ("sent", MessageSent, Fate.SENT),
        ("delivered", MessageDelivered, Fate.DELIVERED),
        ("read", MessageRead, Fate.READ),
        ("failed", MessageFailed, Fate.FAILED),
    ],
)
def test_a_status_is_the_same_in_both_dialects(status: str, made: type[MessageStatus], fate: Fate) -> None:
    kind = f"whatsapp.message.{status}"
    first = told(
        docs(
            kind,
            message_id=WAMID,
            recipient_id=PERSON,
            phone_number_id="1",
            status=status,
            timestamp="1790000000",
        )
    )
    second = told(
        skills(
            kind,
            message_id=WAMID,
            recipient=PERSON,
            phone_number_id="1",
            status=status,
            **{f"{status}_at": "2026-09-21T14:13:20.000Z"},
        )
    )

    assert isinstance(first, made)
    assert first.fate is fate
    assert (first.id, second.id) == ("evt_1", "")
    assert first.at == second.at == 1_790_000_000.0
    assert isinstance(second, made)
    assert (first.number, first.message_id, first.sender) == (second.number, second.message_id, second.sender)


def test_played_is_read_and_the_status_goes_before_the_kind() -> None:
    assert isinstance(told(docs("whatsapp.message.status", status="played")), MessageRead)
    assert isinstance(told(docs("whatsapp.message.delivered")), MessageDelivered)
    assert isinstance(told(docs("whatsapp.message.delivered", status="odd")), MessageDelivered)
    assert isinstance(told(docs("whatsapp.message.reaction", status="odd")), OtherEvent)


@pytest.mark.parametrize(
    "errors",
    [
        {"errors": [{"code": 131049, "title": "limit", "error_data": {"details": "healthy"}}]},
        {"errors": {"code": "131049", "message": "limit", "error_data": {"details": "healthy"}}},
        {"error": {"code": 131049, "title": "limit", "error_data": {"details": "healthy"}}},
        {"error": [None, {"code": " 131049 ", "title": "limit", "error_data": '{"details": "healthy"}'}]},
    ],
)
def test_a_failure_tells_its_code_in_any_shape(errors: dict[str, object]) -> None:
    event = told(docs("whatsapp.message.failed", **errors))

    assert isinstance(event, MessageFailed)
    assert event.errors == (DeliveryError(code=131049, title="limit", detail="healthy"),)
    assert event.code == 131049


def test_a_failure_without_a_code_has_none() -> None:
    event = told(docs("whatsapp.message.failed", errors=[{"title": "no idea"}]))

    assert isinstance(event, MessageFailed)
    assert event.code == 0


@pytest.mark.parametrize(
    "where",
    [
        lambda mark: {"data": {"meta_data": mark}},
        lambda mark: {"data": {"metadata": mark}},
        lambda mark: {"data": {"meta_data": json.dumps(mark)}},
        lambda mark: {"data": {"biz_opaque_callback_data": json.dumps(mark)}},
        lambda mark: {"data": {}, "meta_data": mark},
        lambda mark: {"data": {}, "metadata": json.dumps(mark)},
    ],
)
def test_what_was_sent_along_is_found_wherever_it_stands(where: Any) -> None:
    event = told({"type": "whatsapp.message.sent", **where({"order": "A-17"})})

    assert isinstance(event, MessageSent)
    assert event.meta_data == {"order": "A-17"}


def test_a_text_that_was_sent_along_has_no_name() -> None:
    event = told(docs("whatsapp.message.sent", biz_opaque_callback_data="A-17"))

    assert isinstance(event, MessageSent)
    assert event.meta_data == {"": "A-17"}


@pytest.mark.parametrize(
    ("data", "number", "user_id"),
    [
        ({"recipient_id": PERSON}, PERSON, ""),
        ({"recipient": "5491155550101"}, PERSON, ""),
        ({"recipient_id": "US.13491208655302741918"}, "", "US.13491208655302741918"),
        ({"recipient_id": PERSON, "recipient_user_id": "AR.12ab"}, PERSON, "AR.12ab"),
        ({"recipient_user_id": "US.ENT.12ab"}, "", "US.ENT.12ab"),
        ({}, "", ""),
        ({"recipient_id": None, "recipient": 5491155550101}, PERSON, ""),
        ({"recipient_id": "123"}, "", ""),
        ({"recipient_id": ["+5491155550101"]}, "", ""),
    ],
)
def test_a_person_may_be_a_number_an_id_or_nobody(data: dict[str, object], number: str, user_id: str) -> None:
    event = told(docs("whatsapp.message.read", **data))

    assert isinstance(event, MessageRead)
    assert (event.number, event.user_id) == (number, user_id)


@pytest.mark.parametrize(
    ("data", "text", "payload"),
    [
        ({"type": "text", "text": {"body": "STOP"}}, "STOP", ""),
        ({"type": "text", "text": "STOP"}, "STOP", ""),
        ({"type": "image", "text": None, "image": {"id": "1"}}, "", ""),
        ({"type": "button", "button": {"payload": "OPT_OUT", "text": "No más"}}, "No más", "OPT_OUT"),
        (
            {
                "type": "interactive",
                "interactive": {"type": "button_reply", "button_reply": {"id": "OPT_OUT", "title": "No"}},
            },
            "No",
            "OPT_OUT",
        ),
        ({"type": "interactive", "interactive": {"list_reply": {"title": "No"}}}, "No", "No"),
        ({"type": "button", "text": {"body": "OPT_OUT"}}, "OPT_OUT", "OPT_OUT"),
    ],
)
def test_a_reply_and_a_tap_in_its_three_shapes(data: dict[str, object], text: str, payload: str) -> None:
    event = told(docs("whatsapp.message.received", message_id=WAMID, **{"from": PERSON}, **data))

    assert isinstance(event, MessageReceived)
    assert (event.text, event.payload, event.number) == (text, payload, PERSON)


def test_a_reply_in_the_other_dialect_has_its_person_without_a_plus() -> None:
    event = told(
        skills(
            "whatsapp.message.received",
            id=WAMID,
            type="text",
            timestamp="1790000000",
            text={"body": "hola"},
            contact={"wa_id": "5491155550101", "profile": {"name": "Lucía"}},
        )
    )

    assert isinstance(event, MessageReceived)
    assert (event.number, event.message_id, event.at) == (PERSON, WAMID, 1_790_000_000.0)


def test_news_of_templates_channels_broadcasts_and_preferences() -> None:
    template = told(
        docs(
            "whatsapp.template.status_updated",
            message_template_name="promo",
            language="es-AR",
            event="paused",
        )
    )
    away = told(docs("whatsapp.channel.disconnected", channel_id="ch"))
    ended = told(skills("whatsapp.broadcast.completed", broadcast_id="b", sent="7", failed=1))
    stop = told(
        docs(
            "whatsapp.user_preferences",
            user_preferences=[
                {"wa_id": "5491155550101", "category": "marketing_messages", "value": "stop", "timestamp": 1},
                {
                    "wa_id": "5491155550102",
                    "category": "marketing_messages",
                    "value": "resume",
                    "timestamp": 2,
                },
                {"wa_id": "5491155550103", "category": "other", "value": "stop"},
            ],
        )
    )

    assert isinstance(template, TemplateChanged)
    assert (template.name, template.language, template.status) == ("promo", "es_AR", "PAUSED")
    assert isinstance(away, ChannelChanged)
    assert (away.connected, away.channel_id) == (False, "ch")
    assert isinstance(ended, BroadcastCompleted)
    assert (ended.broadcast_id, ended.sent, ended.failed) == ("b", 7, 1)
    assert isinstance(stop, PreferencesChanged)
    assert stop.preferences == (
        Preference(stop=True, number=PERSON, at=1.0),
        Preference(stop=False, number="+5491155550102", at=2.0),
    )


def whautomate(kind: str, /, **subject: object) -> dict[str, object]:
    about = {"id": "cIH32l5nW8", "type": kind, "timeStamp": "2024-08-05T10:00:00.000Z", "key": "2xoE5Rb6yT"}
    return {"event": about, **subject}


@pytest.mark.parametrize("incoming", [True, "true"])
def test_whautomate_s_reply_is_read_from_texts_and_from_json(incoming: object) -> None:
    message = {
        "id": "m",
        "contact": {"phoneNumber": "5491155550101"},
        "isIncoming": incoming,
        "type": "text",
        "text": "BAJA",
        "replyToMessage": {},
    }
    event = told(whautomate("incoming_whatsapp_message", message=message))

    assert isinstance(event, MessageReceived)
    assert (event.number, event.text, event.id) == (PERSON, "BAJA", "cIH32l5nW8")


def test_whautomate_s_status_and_its_error_s_code() -> None:
    message = {
        "id": "m",
        "status": "FAILED",
        "errorMessage": "(#131026) undeliverable",
        "from": "",
        "contact": None,
    }
    failed = told(whautomate("outgoing_whatsapp_message", message=message))
    unknown = told(whautomate("outgoing_whatsapp_message", message={"id": "m", "status": "queued"}))

    assert isinstance(failed, MessageFailed)
    assert (failed.code, failed.message_id) == (131026, "m")
    assert isinstance(unknown, OtherEvent)


@pytest.mark.parametrize("tags", [["vip", "Unsubscribe"], '["vip", "Unsubscribe"]', "[vip, 'unsubscribe]"])
def test_whautomate_s_tag_is_a_wish_to_stop(tags: object) -> None:
    event = told(whautomate("contact_tag_added", contact={"phoneNumber": "+5491155550101", "tags": tags}))

    assert isinstance(event, PreferencesChanged)
    assert event.preferences[0].stop
    assert isinstance(told(whautomate("contact_tag_added", contact={"tags": []})), OtherEvent)


def test_what_is_not_known_passes_whole() -> None:
    body = json.dumps(docs("instagram.message.received", text={"body": "hola"})).encode()

    assert read_event(body) == OtherEvent(
        kind="instagram.message.received", id="evt_1", at=1_790_000_000.0, body=body
    )


def test_a_repeat_has_the_same_key_and_another_event_another_one() -> None:
    def status(**changed: object) -> WebhookEvent:
        data = {
            "message_id": WAMID,
            "recipient": PERSON,
            "status": "read",
            "read_at": "2026-09-21T14:13:20.000Z",
        }
        return told(skills("whatsapp.message.read", **(data | changed)))

    assert status().key == status(note="again").key
    assert (
        len({status().key, status(message_id="x").key, status(status="sent").key, status(read_at=1).key}) == 4
    )
    assert told(docs("whatsapp.message.read")).key == "evt_1"
    assert read_event(b"1").key != read_event(b"2").key


FIELDS = [
    "id",
    "type",
    "event",
    "data",
    "status",
    "errors",
    "error",
    "code",
    "meta_data",
    "text",
    "body",
    "timestamp",
    "interactive",
    "button_reply",
    "button",
    "contact",
    "wa_id",
    "message",
    "recipient_id",
    "occurred_at",
    "name",
    "user_preferences",
    "value",
    "tags",
    "from",
    "phone_number_id",
    "error_data",
    "title",
    "timeStamp",
]
KINDS = [
    "whatsapp.message.sent",
    "whatsapp.message.failed",
    "whatsapp.message.received",
    "whatsapp.channel.connected",
    "whatsapp.template.status_updated",
    "whatsapp.broadcast.completed",
    "incoming_whatsapp_message",
    "outgoing_whatsapp_message",
    "contact_tag_added",
]
WORDS = st.text(max_size=12) | st.just(PERSON)
anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=25,
)


@given(kind=st.sampled_from(KINDS), data=anything, rest=anything)
def test_whatever_stands_in_the_fields_is_read_without_an_error(
    kind: str, data: object, rest: object
) -> None:
    more = {name: value for name, value in rest.items() if name != "type"} if isinstance(rest, dict) else {}
    about = {"type": kind, "id": data, "timeStamp": rest}

    for envelope in (
        {"type": kind, "data": data},
        more | {"event": kind, "data": data},
        more | {"event": about, "message": data, "contact": data},
    ):
        event = told(envelope)
        assert event.kind == kind
        assert event.key
        assert 0 <= event.at < 1e11


@given(st.binary(max_size=100) | st.text(max_size=50).map(str.encode))
def test_bytes_that_are_no_delivery_are_read_without_an_error(body: bytes) -> None:
    event = read_event(body)

    assert isinstance(event, OtherEvent)
    assert event.body == body


def test_a_body_that_is_nested_without_end_is_read_without_an_error() -> None:
    assert isinstance(read_event(b"[" * 100_000), OtherEvent)
    assert isinstance(read_event(b'{"data":' * 50_000 + b"1" + b"}" * 50_000), OtherEvent)
