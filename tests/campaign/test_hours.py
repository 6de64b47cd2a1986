"""Hours are what clocks on walls say: every instant of years, in zones that set their clocks in every way."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.errors import InvalidInput
from keebai_async.model.hours import Hours, is_inside, next_inside
from keebai_async.zones import zones_of

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
JANUARY = datetime(2026, 1, 1, tzinfo=UTC).timestamp()

ZONES = st.sampled_from(
    [
        ("America/Argentina/Buenos_Aires",),
        ("America/Santiago",),
        ("America/New_York",),
        ("Europe/Madrid", "Atlantic/Canary"),
        ("Australia/Lord_Howe",),  # clocks are set by half an hour
        ("Pacific/Apia", "Pacific/Pago_Pago"),  # a day apart
        ("Africa/Casablanca",),  # they are set for a month of the moon
        ("Asia/Kathmandu",),
        ("America/Scoresbysund", "America/Nuuk"),
        ("Antarctica/Troll",),  # by two hours
    ]
)
CLOCKS = st.integers(0, 24 * 60 - 1).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
HOURS = st.tuples(CLOCKS, CLOCKS).filter(lambda both: both[0] != both[1])


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def utc(unix: float | None) -> str:
    return "never" if unix is None else datetime.fromtimestamp(unix, UTC).strftime("%m-%d %H:%M")


def says(hours: Hours, zone: ZoneInfo, unix: float) -> bool:
    """What a person reads off a clock, in the plainest way there is."""
    read = datetime.fromtimestamp(unix, zone).strftime("%H:%M")
    if hours.opens < hours.closes:
        return hours.opens <= read < hours.closes
    return read >= hours.opens or read < hours.closes


@given(ZONES, HOURS, st.floats(JANUARY, JANUARY + 365 * DAY))
def test_an_instant_is_inside_if_every_clock_says_so(
    names: tuple[str, ...], both: tuple[str, str], now: float
) -> None:
    hours = Hours(opens=both[0], closes=both[1], zone="given")
    zones = [ZoneInfo(name) for name in names]

    assert is_inside(hours, zones, now) == all(says(hours, zone, now) for zone in zones)


@given(ZONES, HOURS, st.floats(JANUARY, JANUARY + 365 * DAY))
def test_the_next_time_is_inside_and_no_earlier_minute_is(
    names: tuple[str, ...], both: tuple[str, str], now: float
) -> None:
    hours = Hours(opens=both[0], closes=both[1], zone="given")
    zones = [ZoneInfo(name) for name in names]

    found = next_inside(hours, zones, now)

    end = now + 40 * DAY if found is None else found
    minute = now
    while minute < min(end, now + 3 * DAY):
        assert not all(says(hours, zone, minute) for zone in zones)
        minute = (minute // MINUTE + 1) * MINUTE
    if found is not None:
        assert found >= now
        assert all(says(hours, zone, found) for zone in zones)
        assert found == now or not is_inside(hours, zones, found - 0.001)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Madrid", "Australia/Lord_Howe"])
def test_in_a_year_of_minutes_each_day_has_its_hours_once(zone: str) -> None:
    hours = Hours.parse("09:00-20:00", zone)
    places = zones_of(zone)
    opened, now = [], JANUARY
    while now < JANUARY + 365 * DAY:
        found = next_inside(hours, places, now)
        assert found is not None
        opened.append(datetime.fromtimestamp(found, places[0]))
        now = found
        while is_inside(hours, places, now):
            now += MINUTE

    days = [each.date() for each in opened]
    assert days == [days[0] + timedelta(days=day) for day in range(len(days))]
    assert {each.strftime("%H:%M") for each in opened[1:]} == {"09:00"}


def test_hours_in_the_hour_that_is_left_out_open_when_it_is_over() -> None:
    zones = zones_of("America/New_York")  # on the 8th of March, 02:00 is 03:00

    night = at("2026-03-08T00:00:00-05:00")

    assert utc(next_inside(Hours.parse("02:30-05:00", "x"), zones, night)) == "03-08 07:00"
    assert utc(next_inside(Hours.parse("02:10-02:50", "x"), zones, night)) == "03-09 06:10"  # the next day


def test_hours_in_the_hour_that_comes_twice_are_inside_both_times_and_not_in_between() -> None:
    hours, zones = Hours.parse("01:30-02:30", "x"), zones_of("America/New_York")
    first = at("2026-11-01T01:30:00-04:00")  # at 02:00 it is 01:00 again

    assert next_inside(hours, zones, first - HOUR) == first
    assert is_inside(hours, zones, first + 29 * MINUTE)
    assert not is_inside(hours, zones, first + 30 * MINUTE)
    assert next_inside(hours, zones, first + 30 * MINUTE) == first + HOUR


def test_a_country_with_several_zones_is_inside_when_all_of_them_are() -> None:
    hours = Hours.parse("09:00-20:00", "US")

    opens = next_inside(hours, zones_of("US"), at("2026-07-01T00:00:00-04:00"))

    assert opens == at("2026-07-01T09:00:00-10:00")  # in Honolulu, where it is nine last
    assert is_inside(hours, zones_of("US"), at("2026-07-01T19:59:00-04:00"))
    assert not is_inside(hours, zones_of("US"), at("2026-07-01T20:00:00-04:00"))  # in New York it is eight


def test_hours_that_no_instant_has_in_all_zones_never_come() -> None:
    assert next_inside(Hours.parse("09:00-18:00", "RU"), zones_of("RU"), JANUARY) is None


def test_a_day_ends_at_24_00_and_hours_may_go_past_midnight() -> None:
    zones = zones_of("America/Lima")
    evening, night = Hours.parse("18:00-24:00", "x"), Hours.parse("22:00-06:00", "x")
    midnight = at("2026-07-01T00:00:00-05:00")

    assert is_inside(evening, zones, midnight - 1)
    assert not is_inside(evening, zones, midnight)
    assert is_inside(night, zones, midnight)
    assert not is_inside(night, zones, midnight + 6 * HOUR)
    assert next_inside(night, zones, midnight + 6 * HOUR) == midnight + 22 * HOUR


def test_hours_are_written_with_their_zone_behind_them_or_beside() -> None:
    hours = Hours(opens="09:00", closes="20:00", zone="America/Lima")

    assert Hours.parse("09:00-20:00 America/Lima") == Hours.parse(" 09:00 - 20:00 ", "America/Lima") == hours
    assert Hours.parse(str(hours)) == hours
    assert Hours.parse("9:00-20:00", "PE").first == hours.first


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("", "PE"),
        ("09:00", "PE"),
        ("9-20", "PE"),
        ("09:00-24:01", "PE"),
        ("25:00-26:00", "PE"),
        ("09:60-20:00", "PE"),
        ("09:00-09:00", "PE"),
        ("00:00-00:00", "PE"),
        ("09:00-20:00", None),
    ],
)
def test_what_are_no_hours_says_how_to_write_them(text: str, zone: str | None) -> None:
    with pytest.raises(InvalidInput, match=r"09:00|hours"):
        Hours.parse(text, zone)


@pytest.mark.parametrize("name", ["", "Lima", "america/nowhere", "../../etc/passwd", "America", "XX"])
def test_what_is_no_zone_is_said_in_one_line(name: str) -> None:
    with pytest.raises(InvalidInput, match="no such time zone"):
        zones_of(name)


def test_every_country_that_has_a_calling_code_has_zones() -> None:
    from keebai_async.planning.number_lengths import AREAS, REGIONS

    assert all(zones_of(region) for region in {*REGIONS.values(), *AREAS})
