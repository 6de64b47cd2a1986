"""What somebody reads who never saw the code: what went wrong, where, and what to do about it."""

import pytest

from tests.cli.shell import Shell

PLAN = ("plan", "clients.csv", "--template", "promo", "--language", "es")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ("--unit-cost", "0.5", "--max-cost", "1", "--currency", "EUR"),
            "--max-cost: it costs more than 1 EUR, which is the most that was allowed",
        ),
        (
            ("--max-recipients", "2"),
            "--max-recipients: more than 2 people are ready, which is the most that was allowed",
        ),
        (
            ("--test-to", "+5491155550101", "--test-to", "1155550102"),
            "--test-to: number 2 to test with (115\u20260102) is not in E.164: write a plus",
        ),
        (("--delimiter", ";;"), "--delimiter: it is one character, such as ; or \\t for a tab, not ';;'"),
    ],
)
async def test_an_option_is_named_as_it_was_typed_with_what_it_means(
    shell: Shell, clients: str, options: tuple[str, ...], words: str
) -> None:
    assert clients == "clients.csv"

    ended = await shell.call(*PLAN, *options)

    assert ended.code == (7 if "--max" in words else 2)
    assert words in ended.err
