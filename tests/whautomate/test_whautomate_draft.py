"""What cannot be right costs no request: the checks, and a file in the service's own shape."""

import string
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async import InvalidInput
from keebai_async.whautomate import Broadcast, Reference
from keebai_async.whautomate.draft import (
    SERVER_FIELDS,
    BroadcastDraft,
    DraftFields,
    check_parameters,
    draft_of,
    fields_of_broadcast,
    fields_of_json,
    utc,
)

NOW = 1_790_000_000.0
MOMENT = datetime.fromtimestamp(NOW, UTC)
GOOD = DraftFields(
    name="Spring", type="contact", template="recall_v1", language="en", location="LOC1", segments=["SEG1"]
)


def draft(**changes: object) -> BroadcastDraft:
    return draft_of(msgspec.convert(GOOD | changes, DraftFields), wall=NOW)


@pytest.mark.parametrize("field", ["name", "type", "template", "language", "location"])
@pytest.mark.parametrize("value", ["", "  "])
def test_what_is_needed_is_not_blank(field: str, value: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        draft(**{field: value})
    assert raised.value.field == field


@pytest.mark.parametrize("field", ["name", "type", "template", "language", "location"])
def test_what_is_needed_is_not_missing(field: str) -> None:
    fields = DraftFields(**GOOD)
    fields.pop(field)  # type: ignore[misc]
    with pytest.raises(InvalidInput) as raised:
        draft_of(fields, wall=NOW)
    assert raised.value.field == field


def test_somebody_is_targeted() -> None:
    with pytest.raises(InvalidInput, match="nobody is targeted"):
        draft(segments=[])
    for field in ("target_class", "retarget_broadcast"):
        assert draft(segments=[], **{field: "X1"}).segments == ()


@pytest.mark.parametrize("field", ["header_text_parameters", "body_text_parameters", "button_url_parameters"])
@pytest.mark.parametrize("value", ["", " ", "a\nb", "a\rb", "a\tb", "a     b"])
def test_one_parameter_that_whatsapp_refuses_would_fail_everybody(field: str, value: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        draft(**{field: ["fine", value]})
    assert raised.value.field == f"{field}.1"


@pytest.mark.parametrize("given", ["one text", b"bytes", {"1": "a"}, 7, None, ["a", 7], [None]])
def test_parameters_are_a_list_of_texts_and_not_a_text(given: object) -> None:
    with pytest.raises(InvalidInput):
        check_parameters(given, field="body_text_parameters")


def test_four_blanks_in_a_row_are_fine() -> None:
    assert check_parameters(["a    b"], field="x") == ("a    b",)


def test_a_time_without_a_zone_is_an_error_that_says_why() -> None:
    with pytest.raises(InvalidInput, match="no time zone, so nobody knows when it is meant"):
        draft_of(GOOD | DraftFields(schedule_date_time=datetime(2030, 1, 1)), wall=NOW)  # noqa: DTZ001


def test_the_past_is_an_error_unless_it_is_allowed() -> None:
    past = GOOD | DraftFields(schedule_date_time=MOMENT - timedelta(seconds=1))
    with pytest.raises(InvalidInput, match="is in the past"):
        draft_of(past, wall=NOW)
    assert draft_of(past, wall=NOW, allow_past=True).schedule_date_time


@given(st.datetimes(min_value=datetime(1971, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
def test_any_aware_time_leaves_as_utc_with_milliseconds_and_z(when: datetime) -> None:
    text = utc(when, field="x")
    assert len(text) == len("2026-10-01T09:00:00.000Z")
    assert text.endswith("Z")
    assert abs(datetime.fromisoformat(text) - when) < timedelta(milliseconds=1)


def test_what_is_written_is_in_the_services_names_and_holds_nothing_of_its_own() -> None:
    body = msgspec.json.decode(
        msgspec.json.encode(draft(body_text_parameters=["a"], schedule_date_time=MOMENT + timedelta(days=1)))
    )
    assert body == {
        "name": "Spring",
        "type": "contact",
        "segments": [{"id": "SEG1"}],
        "scheduleDateTime": "2026-09-22T14:13:20.000Z",
        "template": {"name": "recall_v1", "language": "en"},
        "bodyTextParameters": ["a"],
        "location": {"id": "LOC1"},
    }


def test_what_get_prints_can_be_written_back() -> None:
    wire = msgspec.json.decode(
        msgspec.json.encode(
            Broadcast(
                id="B1", name="Spring", type="contact", status="sent", started_at="2026-01-01T00:00:00.000Z"
            )
        ),
        type=dict[str, object],
    )
    assert set(fields_of_json(wire)) == {"name", "type"}
    assert wire.keys() & SERVER_FIELDS


@pytest.mark.parametrize(
    ("wire", "field"),
    [
        ({"nmae": "x"}, "nmae"),
        ({"segments": "SEG1"}, "segments"),
        ({"bodyTextParameters": ["a", 7]}, "bodyTextParameters.1"),
        ({"bodyTextParameters": "a"}, "bodyTextParameters"),
        ({"template": "recall"}, "template"),
        ({"scheduleDateTime": "2026-10-01T09:00:00"}, "scheduleDateTime"),
        ({"scheduleDateTime": "tomorrow"}, "scheduleDateTime"),
        ({"scheduleDateTime": ["2026-10-01T09:00:00Z"]}, "scheduleDateTime"),
        ({"segments": [{"id": "SEG1"}, {"name": "x"}]}, "segments"),
        ({"headerMediaUrl": ["https://example.com"]}, "headerMediaUrl"),
        ({"flowParameters": {"flowData": "{}"}}, "flowParameters"),
        ({"locationParameters": {"latitude": "north"}}, "locationParameters"),
        ({"targetClass": {"name": "x"}}, "targetClass"),
        ({"bodyTextParameters": [" "]}, "bodyTextParameters.0"),
    ],
)
def test_a_file_that_is_no_broadcast_is_refused_by_its_field(wire: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        fields_of_json(wire)
    assert raised.value.field == field


def test_a_schedule_of_the_service_that_cannot_be_read_is_not_dropped_in_silence() -> None:
    with pytest.raises(InvalidInput, match="cannot be read: give another"):
        fields_of_broadcast(Broadcast(id="B1", schedule_date_time="next spring"))


@given(st.lists(st.text(alphabet=string.printable, max_size=12), max_size=4))
def test_parameters_pass_unchanged_or_not_at_all(given: list[str]) -> None:
    try:
        assert check_parameters(given, field="x") == tuple(given)
    except InvalidInput:
        assert any(not one.strip() or set(one) & set("\r\n\t") or "     " in one for one in given)


def test_segments_are_named_by_ids() -> None:
    assert draft(segments=["A", "B"]).segments == (Reference(id="A"), Reference(id="B"))
    with pytest.raises(InvalidInput):
        draft_of(GOOD | DraftFields(segments="SEG1"), wall=NOW)
