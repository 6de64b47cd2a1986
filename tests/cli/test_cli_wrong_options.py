"""What people type wrong behind an option is one line: what, where, what to do. Nothing is submitted."""

import pytest

from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.options import given_share
from keebai_async.errors import InvalidInput
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import PROMO

HOURS = "write the hours as 09:00-20:00"
PEOPLE = "write a number of people, or off"
TIME = "write the time as 2026-10-01T09:00:00-03:00"
ADDRESS = "an address to notify begins with https://"
SENDER = "names no sender: write ID, channel:ID, or ID@NAME"
COUNTRY = "it is two capital letters, such as AR"
OF_SQL = "postgresql://USER@HOST/DATABASE, sqlite:FILE"

WRONG = {
    "--stop-above": dict.fromkeys(["15", "150%", "nan", "a%", ""], "write a share of all as 0.15 or 15%"),
    "--notify": {
        **dict.fromkeys(["example.org", "ftp://example.org", "https://", ""], ADDRESS),
        "https://example.org:99999/a": ADDRESS,
        "https://exa mple.org": "no blank in it",
        "https://example.org/a b": "no blank in it",
    },
    "--on-end": {
        "": "the command is empty",
        "'": "is no command",
        "no-such-program --x": "there is no program no-such-program that can be run",
        "./clients.csv": "there is no program ./clients.csv that can be run",
        ".": "there is no program . that can be run",
    },
    "--hours": {
        **dict.fromkeys(["09:00", "09.00-20.00", "9h-20h", ""], HOURS),
        "25:00-26:00": "write a time of the day as 09:00",
        "09:00-09:00": "hours open and close at different times",
    },
    "--at": {
        **dict.fromkeys(["tomorrow", "09:00", "2027-13-01T09:00", ""], TIME),
        "2020-01-01T09:00:00Z": "has passed",
        "2027-01-01T09:00": "has no offset",
    },
    "--per-hour": dict.fromkeys(["0", "-5", "1.5", "1k", "", "9" * 30], PEOPLE),
    "--per-day": dict.fromkeys(["0", "1/2", "1,000", "ten", ""], PEOPLE),
    "--sender": {
        **dict.fromkeys(["", "@", "1@", "@A", "channel:"], SENDER),
        "1@NOPE": "no token for 1@NOPE: set KEEBAI_API_TOKEN_NOPE",
        "999": "999 is not among the senders of this token",
    },
    "--countries": {
        **dict.fromkeys(["Argentina", "XX", "54", "AR;UY"], COUNTRY),
        **dict.fromkeys(["", " , "], "name at least one country, such as AR, or leave it out"),
    },
    "--numbers": dict.fromkeys(["national", "REGION", ""], "is not one of 'region', 'international'"),
}
CASES = [(option, given, words) for option, every in WRONG.items() for given, words in every.items()]


@pytest.mark.parametrize(("option", "given", "words"), CASES)
async def test_a_wrong_value_is_one_line_that_names_its_option(
    shell: Shell, sandbox: Sandbox, clients: str, option: str, given: str, words: str
) -> None:
    shell.environment["KEEBAI_NOTIFY_SECRET"] = "a-long-random-text-of-ours"
    zone = ("--zone", "PE") if option == "--hours" else ()

    ended = await shell.call("launch", clients, *PROMO, "--yes", f"{option}={given}", *zone)

    assert ended.code == Exit.USAGE
    (line,) = ended.err.splitlines()
    assert line.startswith(f"error: {option}: ")
    assert words in line
    assert ended.out == ""
    assert sandbox.ledger.total == 0


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (("--sql", "select 1"), "error: say which database --sql asks: --from URL"),
        (("--sql", "select 1", "--from", " "), "error: say which database --sql asks"),
        (("--from", "sqlite:a.db"), "error: say what is asked of the database: --sql QUERY"),
        (("--sql", " ", "--from", "sqlite:a.db"), "error: say what is asked of the database"),
        (("--sql", "select 1", "--from", "a.db"), f"error: --from: a database is named as {OF_SQL}"),
        (("--sql", "select 1", "--from", "oracel://a"), "error: --from: no kind of database oracel is known"),
        (("--sql", "select 1", "--from", "sqlite:no.db"), "error: no.db: unable to open database file"),
        (("--sql", "selec", "--from", "sqlite:journal.db"), 'error: journal.db: near "selec": syntax error'),
        (("clients.csv", "--sql", "select 1"), "error: the people are those of a FILE, or"),
        (
            ("clients.csv", "--sender", "100000000000001", "--sender", "100000000000001"),
            "error: --sender: a sender is named twice",
        ),
    ],
)
async def test_what_does_not_go_together_is_one_line(
    shell: Shell, clients: str, arguments: tuple[str, ...], start: str
) -> None:
    await shell.call("plan", clients, *PROMO)

    ended = await shell.call("plan", *arguments, *PROMO)

    assert ended.code == Exit.USAGE
    (line,) = ended.err.splitlines()
    assert line.startswith(start)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--profile", "", "list"), "--profile: the name of the profile is empty"),
        (("--profile", "shop", "list"), "--profile: there is no profile shop, and no file of profiles"),
        (("list", "--profile", "shop"), "--profile stands before the command"),
        (("list", "--as", "ana"), "--as stands before the command: keebai-async --as NAME ..."),
        (("--profile",), "'--profile' requires an argument"),
    ],
)
async def test_a_profile_that_is_not_there_is_one_line(
    shell: Shell, arguments: tuple[str, ...], words: str
) -> None:
    shell.environment["XDG_CONFIG_HOME"] = str(shell.folder)

    ended = await shell.call(*arguments)

    assert ended.code == Exit.USAGE
    (line,) = ended.err.splitlines()
    assert words in line


@pytest.mark.parametrize(
    ("variable", "given", "words"),
    [
        ("KEEBAI_UNIT_COST", "x", "must be a valid number, not 'x'"),
        ("KEEBAI_UNIT_COST", "0,06", "must be a valid number, not '0,06': write a point, 0.06"),
        ("KEEBAI_DAILY_LIMIT", "x", "write a number of people, or off, not 'x'"),
        ("KEEBAI_PRICES", "no.csv", "no.csv cannot be read"),
        ("KEEBAI_DEFAULT_REGION", "ZZ", "'ZZ'"),
    ],
)
async def test_a_wrong_value_of_a_variable_is_one_line_that_names_the_variable(
    shell: Shell, clients: str, variable: str, given: str, words: str
) -> None:
    shell.environment[variable] = given

    ended = await shell.call("plan", clients, *PROMO)

    assert ended.code == Exit.USAGE
    (line,) = ended.err.splitlines()
    assert line.startswith(f"error: {variable}: ")
    assert words in line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--unit-cost", "0,06"), "--unit-cost: must be a valid number, not '0,06': write a point, 0.06"),
        (("--max-cost", ",5"), "--max-cost: must be a valid number, not ',5': write a point, .5"),
    ],
)
async def test_a_decimal_comma_is_told_to_be_a_point(
    shell: Shell, clients: str, arguments: tuple[str, ...], line: str
) -> None:
    ended = await shell.call("plan", clients, *PROMO, *arguments)

    assert ended.code == Exit.USAGE
    assert ended.err.startswith(f"error: {line}")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("text", "--to", "12", "--text", "a"), "--to: must be a phone number in E.164, such as +549"),
        (("reprot",), "No such command 'reprot'. Did you mean 'report', 'export'? See: keebai-async --help"),
    ],
)
async def test_a_line_says_each_thing_once(shell: Shell, arguments: tuple[str, ...], line: str) -> None:
    ended = await shell.call(*arguments)

    assert ended.code == Exit.USAGE
    assert ended.err.startswith(f"error: {line}")


async def test_a_secret_that_signs_nothing_is_named_by_its_variable(shell: Shell, clients: str) -> None:
    shell.environment["KEEBAI_NOTIFY_SECRET"] = "two words"

    ended = await shell.call("launch", clients, *PROMO, "--yes", "--notify", "https://example.org")

    assert ended.code == Exit.USAGE
    assert "KEEBAI_NOTIFY_SECRET holds a blank" in ended.err


@pytest.mark.parametrize(
    ("given", "share"),
    [("15%", 0.15), ("15 %", 0.15), ("12,5%", 0.125), ("0,15", 0.15), (".2", 0.2), ("1", 1.0), ("100%", 1.0)],
)
def test_a_share_is_written_as_people_write_it(given: str, share: float) -> None:
    assert given_share(given, option="--stop-above") == pytest.approx(share)


@pytest.mark.parametrize("given", ["1.1", "101%", "-1", "1e-1", "0x1", "1..5", "inf", "%", "1 5%"])
def test_what_is_no_share_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput, match="write a share of all as"):
        given_share(given, option="--stop-above")


async def test_a_guard_is_said_in_percent(shell: Shell, clients: str) -> None:
    planned = await shell.call("plan", clients, *PROMO, "--stop-above", "15%", "--json")

    assert planned.code == 0, planned.err
    assert planned.objects[-1]["guards"] == {"stop_above": 0.15, "canary": None}
