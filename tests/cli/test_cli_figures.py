"""Numbers and times as their reader writes them."""

from datetime import UTC, datetime

import pytest

from keebai_async.cli.figures import figure, in_locale, moment, money, share


@pytest.mark.parametrize(
    ("locale", "number", "price"),
    [
        ("en_US.UTF-8", "47,930", "3,090.50"),
        ("es_AR.UTF-8", "47.930", "3.090,50"),
        ("es_MX", "47,930", "3,090.50"),
        ("pt_BR@euro", "47.930", "3.090,50"),
        ("C.UTF-8", "47930", "3090.50"),
        ("tlh", "47930", "3090.50"),
    ],
)
def test_a_number_has_the_separators_of_the_locale_and_none_where_it_is_not_known(
    monkeypatch: pytest.MonkeyPatch, locale: str, number: str, price: str
) -> None:
    monkeypatch.setenv("LANG", locale)

    assert (figure(47_930), money(3_090.5)) == (number, price)


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("holds 47,930 numbers, 1,000,000 of them", "holds 47.930 numbers, 1.000.000 of them"),
        ("a chunk holds 1 to 5,000 people.", "a chunk holds 1 to 5.000 people."),
        (
            "not '1,234', in 1,234.csv, rows 1,2 and 12,3456",
            "not '1,234', in 1,234.csv, rows 1,2 and 12,3456",
        ),
    ],
)
def test_the_numbers_of_a_sentence_too_but_not_what_somebody_typed(
    monkeypatch: pytest.MonkeyPatch, sentence: str, shown: str
) -> None:
    monkeypatch.setenv("LC_ALL", "es_AR.UTF-8")

    assert in_locale(sentence) == shown


def test_the_more_particular_variable_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_NUMERIC", "es_AR.UTF-8")
    assert figure(1_000) == "1.000"
    monkeypatch.setenv("LC_ALL", "C")
    assert figure(1_000) == "1000"


def test_all_and_nobody_are_said_only_where_it_is_so() -> None:
    assert [share(part, 10_000) for part in (0, 1, 7_012, 9_999, 10_000)] == [
        "0%",
        "0.1%",
        "70.1%",
        "99.9%",
        "100%",
    ]


def test_a_time_has_its_offset() -> None:
    when = datetime(2026, 11, 26, 14, 2, 11, tzinfo=UTC)

    assert datetime.fromisoformat(moment(when)) == when == datetime.fromisoformat(moment(when.timestamp()))
