from hypothesis import given
from hypothesis import strategies as st

from keebai_async.sandbox.keebai.settings import DEFAULT_WINDOWS
from keebai_async.sandbox.throttle import Throttle, ThrottleRuling, ThrottlerVersion, Window

MINUTE = Window("minute", 3, 60.0)
HOUR = Window("hour", 5, 3_600.0)


def take(throttle: Throttle, now: float, times: int = 1, who: str = "t") -> list[bool]:
    return [throttle.take(who, now).admitted for _ in range(times)]


def headers(ruling: ThrottleRuling) -> dict[str, str]:
    return dict(ruling.headers)


def test_the_windows_are_those_of_the_services_page() -> None:
    assert [(window.limit, window.per) for window in DEFAULT_WINDOWS] == [(60, 60.0), (1_000, 3_600.0)]


def test_each_request_leaves_the_log_a_whole_window_after_it_was_made() -> None:
    throttle = Throttle([MINUTE])

    assert take(throttle, 0.0, 1) + take(throttle, 30.0, 2) == [True, True, True]
    assert take(throttle, 60.0) == [True]
    assert take(throttle, 89.9) == [False]


def test_going_over_blocks_for_a_whole_window_from_the_request_that_went_over() -> None:
    throttle = Throttle([MINUTE])
    take(throttle, 0.0, 3)

    refused = throttle.take("t", 50.0)

    assert headers(refused) == {"Retry-After-minute": "60"}
    assert take(throttle, 109.9) == [False]
    assert take(throttle, 110.0) == [True]


def test_requests_during_the_block_do_not_prolong_it() -> None:
    throttle = Throttle([MINUTE])
    take(throttle, 0.0, 4)

    assert take(throttle, 59.5, 20) == [False] * 20
    assert headers(throttle.take("t", 59.5)) == {"Retry-After-minute": "1"}
    assert take(throttle, 60.0) == [True]


def test_after_the_block_the_count_starts_from_zero() -> None:
    throttle = Throttle([MINUTE])
    take(throttle, 0.0, 1)
    take(throttle, 59.0, 2)
    take(throttle, 59.5, 1)

    assert take(throttle, 119.5, 4) == [True, True, True, False]


def test_the_hour_blocks_for_an_hour() -> None:
    throttle = Throttle([HOUR, MINUTE])
    take(throttle, 0.0, 3)
    take(throttle, 100.0, 2)

    refused = throttle.take("t", 200.0)

    assert not refused.admitted
    assert headers(refused)["Retry-After-hour"] == "3600"
    assert headers(refused)["X-RateLimit-Remaining-minute"] == "2"
    assert take(throttle, 3_799.0) == [False]
    assert take(throttle, 3_800.0) == [True]


def test_what_the_minute_refuses_the_hour_never_sees() -> None:
    throttle = Throttle([MINUTE, HOUR])
    take(throttle, 0.0, 50)

    assert take(throttle, 60.0, 2) == [True, True]


def test_a_pass_names_every_window_in_its_headers() -> None:
    throttle = Throttle([MINUTE, Window("default", 5, 3_600.0)])
    throttle.take("t", 0.0)

    assert headers(throttle.take("t", 10.5)) == {
        "X-RateLimit-Limit-minute": "3",
        "X-RateLimit-Remaining-minute": "1",
        "X-RateLimit-Reset-minute": "50",
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": "3",
        "X-RateLimit-Reset": "3590",
    }


def test_reset_counts_down_a_window_of_its_own_and_promises_nothing() -> None:
    throttle = Throttle([MINUTE])
    throttle.take("t", 0.0)
    throttle.take("t", 55.0)

    reply = headers(throttle.take("t", 59.0))

    assert reply["X-RateLimit-Reset-minute"] == "1"
    assert headers(throttle.take("t", 60.5))["X-RateLimit-Remaining-minute"] == "0"


def test_tokens_do_not_share_a_quota() -> None:
    throttle = Throttle([MINUTE])
    take(throttle, 0.0, 4)

    assert take(throttle, 0.0, who="other") == [True]


def test_the_older_version_keeps_a_hammering_token_out() -> None:
    throttle = Throttle([MINUTE], ThrottlerVersion.COUNTS_REFUSED)
    take(throttle, 0.0, 3)

    assert all(take(throttle, second, 1) == [False] for second in range(1, 600))


def test_the_older_version_does_not_block_whoever_waits() -> None:
    throttle = Throttle([MINUTE], ThrottlerVersion.COUNTS_REFUSED)
    take(throttle, 0.0, 3)
    take(throttle, 59.0, 1)

    assert take(throttle, 60.0, 2) == [True, True]


@given(st.lists(st.floats(0, 30), max_size=200), st.sampled_from(ThrottlerVersion))
def test_no_stretch_of_one_window_ever_passes_more_than_its_limit(
    gaps: list[float], version: ThrottlerVersion
) -> None:
    throttle = Throttle([MINUTE, HOUR], version)
    now, passed = 0.0, []
    for gap in gaps:
        now += gap
        if throttle.take("t", now).admitted:
            passed.append(now)

    for end in passed:
        # The other way round (end - 60 < one) would round differently than the log does.
        assert sum(one <= end < one + 60.0 for one in passed) <= 3
        assert sum(one <= end < one + 3_600.0 for one in passed) <= 5
