"""What webhooks told of people, as a user sees it: in the report, on the page, in files."""

import csv
import re

import pytest

from keebai_async.journal.open import open_journal
from keebai_async.model.fates import Fate, PersonNews
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.conftest import MakeShell
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import NUMBERS, PROMO, campaign_of


async def launched(shell: Shell, clients: str) -> str:
    """A campaign of three people that was sent to its end."""
    return campaign_of(await shell.call("launch", clients, *PROMO, "--yes", "--json"))


async def tell(shell: Shell, campaign: str, *told: tuple[int, Fate, int], replied: int | None = None) -> None:
    """Let webhooks have told of the people at these places of the first chunk: a fate and a code."""
    news = [
        PersonNews(campaign_id=campaign, chunk=1, place=place, fate=fate, code=code, at=1_790_000_000.0)
        for place, fate, code in told
    ]
    if replied is not None:
        news.append(
            PersonNews(campaign_id=campaign, chunk=1, place=replied, replied=True, at=1_790_000_100.0)
        )
    journal = open_journal(str(shell.folder / "journal.db"))
    await journal.tell(news)
    await journal.aclose()


async def test_a_report_shows_what_webhooks_told_beside_the_counters_and_never_added(
    shell: Shell, clients: str
) -> None:
    campaign = await launched(shell, clients)
    before = (await shell.call("report", campaign)).out
    await tell(shell, campaign, (0, Fate.READ, 0), (1, Fate.FAILED, 131049), replied=0)

    for command in ("report", "status"):
        words = (await shell.call(command, campaign)).out
        rows = dict(re.findall(r"^  (\w+) +(\d+)", words[words.index("webhooks told") :], re.MULTILINE))
        assert rows == {"read": "1", "delivered": "0", "sent": "0", "failed": "1", "replied": "1"}
        assert "the service counts 3 sent and 0 failed, webhooks 1 (2 fewer) and 1 (1 more)" in words
        assert re.search(r"131049 +1 +the person's limit .* wait at least 24 hours", words)
        assert re.search(r"^  sent +3 ", words, re.MULTILINE)  # the service's own, as before
    assert "webhooks" not in before


async def test_the_json_of_a_report_says_of_each_code_what_it_asks_for(shell: Shell, clients: str) -> None:
    campaign = await launched(shell, clients)
    (silent,) = (await shell.call("report", campaign, "--json")).objects
    await tell(shell, campaign, (0, Fate.DELIVERED, 0), (1, Fate.FAILED, 131050), (2, Fate.FAILED, 131056))

    (told,) = (await shell.call("report", campaign, "--json")).objects
    (shown,) = (await shell.call("webhooks", "show", campaign, "--json")).objects

    assert "fates" not in silent
    fates = told["fates"]
    assert isinstance(fates, dict)
    codes = {each["code"]: (each["people"], each["again"], each["wait"]) for each in fates["codes"]}
    assert codes == {131050: (1, "never", 0.0), 131056: (1, "later", 64.0)}
    assert (fates["delivered"], fates["failed"], told["sent"], told["failed"]) == (1, 2, 3, 0)
    assert shown == {"type": "fates"} | fates


async def test_the_page_shows_them_too_and_nobody_s_number(shell: Shell, clients: str) -> None:
    campaign = await launched(shell, clients)
    await tell(shell, campaign, (0, Fate.READ, 0), (1, Fate.FAILED, 131026))

    assert (await shell.call("report", campaign, "--html", "page.html")).code == 0

    page = (shell.folder / "page.html").read_text(encoding="utf-8")
    assert "What webhooks told" in page
    assert re.search(r">read</td><td class=\"n good\">1<", page)
    assert re.search(r"<td>131026</td><td class=\"n\">1</td><td>undeliverable", page)
    assert "never to be added" in page
    assert not any(number.lstrip("+") in page for number in NUMBERS)


async def test_the_report_at_the_end_of_a_run_shows_what_was_told_by_then(shell: Shell, clients: str) -> None:
    campaign = await launched(shell, clients)
    await tell(shell, campaign, (0, Fate.DELIVERED, 0))

    for command in ("resume", "watch"):
        yes = ("--yes",) if command == "resume" else ()
        ended = await shell.call(command, campaign, *yes)
        assert re.search(r"^  delivered +1 ", ended.out, re.MULTILINE), ended.err


def rows_of(shell: Shell, name: str) -> list[dict[str, str]]:
    with (shell.folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


async def test_those_who_failed_are_written_with_row_code_reason_and_time(shell: Shell) -> None:
    people = [f"+54911555501{number:02},Ana {number},A{number}" for number in range(6)]
    list_ = ["to,nombre,codigo", *people[:2], "", people[0], *people[2:4], "nada,x,y", "", *people[4:]]
    clients = shell.write("people.csv", "\n".join(list_) + "\n")
    campaign = await launched(shell, clients)
    await tell(shell, campaign, (1, Fate.FAILED, 131049), (3, Fate.FAILED, 131026), (4, Fate.READ, 0))
    await tell(shell, campaign, (5, Fate.SENT, 0), replied=4)

    ended = await shell.call("export", campaign, "failed.csv", "--failed")
    assert (ended.code, "retry sends to those who may" in ended.err) == (0, True), ended.err
    one, other = rows_of(shell, "failed.csv")
    assert (one["to"], one["nombre"], one["keebai_row"]) == ("'+5491155550101", "Ana 1", "3")
    assert (one["keebai_reason"], one["keebai_code"]) == ("failed", "131049")
    assert "wait at least 24 hours" in one["keebai_detail"]
    assert one["keebai_time"] == "2026-09-21T14:13:20Z"
    assert (other["nombre"], other["keebai_row"], other["keebai_code"]) == ("Ana 3", "7", "131026")

    for option, expected in (
        ("--delivered", {"Ana 4": ("10", "read")}),
        ("--replied", {"Ana 4": ("10", "read")}),
        (
            "--not-delivered",
            {
                "Ana 0": ("2", "silent"),
                "Ana 1": ("3", "failed"),
                "Ana 2": ("6", "silent"),
                "Ana 3": ("7", "failed"),
                "Ana 5": ("11", "sent"),
            },
        ),
    ):
        assert (await shell.call("export", campaign, "some.csv", option)).code == 0
        rows = rows_of(shell, "some.csv")
        assert {row["nombre"]: (row["keebai_row"], row["keebai_reason"]) for row in rows} == expected
        if option == "--replied":
            assert rows[0]["keebai_time"] == "2026-09-21T14:15:00Z"


@pytest.mark.parametrize("name", ["failed.csv", "failed.xlsx", "failed.jsonl", "excel.csv"])
async def test_what_is_written_of_them_is_planned_as_it_is(shell: Shell, clients: str, name: str) -> None:
    campaign = await launched(shell, clients)
    await tell(shell, campaign, (0, Fate.FAILED, 131049), (2, Fate.FAILED, 0))
    excel = ("--excel",) if name == "excel.csv" else ()

    assert (await shell.call("export", campaign, name, "--failed", *excel)).code == 0
    planned = await shell.call("plan", name, *PROMO, "--json")

    plan = planned.objects[-1]
    assert (plan["read"], plan["ready"], plan["ignored_columns"]) == (2, 2, []), planned.err


async def test_after_a_purge_nobody_is_written_and_that_is_said(shell: Shell, clients: str) -> None:
    campaign = await launched(shell, clients)
    await tell(shell, campaign, (0, Fate.FAILED, 131049))
    assert (await shell.call("purge", campaign, "--yes")).code == 0

    ended = await shell.call("export", campaign, "failed.csv", "--failed")

    assert (ended.code, "have been purged" in ended.err) == (2, True), ended.err
    assert not (shell.folder / "failed.csv").exists()
    assert "131049" in (await shell.call("report", campaign)).out


async def test_people_who_were_cut_into_other_chunks_keep_their_fate_and_their_row(
    make_shell: MakeShell,
) -> None:
    people = [f"+54911555501{number:02}" for number in range(8)]
    async with Sandbox(speed=100.0, malformed={people[2]}) as box:
        shell = make_shell(box)
        lines = ["to,nombre,codigo", *(f"{number},Ana,{number[-2:]}" for number in people)]
        campaign = await launched(shell, shell.write("people.csv", "\n".join(lines) + "\n"))
        await tell(shell, campaign, *((place, Fate.FAILED, 131000 + place) for place in range(8)))

        assert (await shell.call("export", campaign, "failed.csv", "--failed")).code == 0

    rows = rows_of(shell, "failed.csv")
    assert {row["codigo"]: (row["keebai_row"], row["keebai_code"]) for row in rows} == {
        f"{place:02}": (f"{place + 2}", f"{131000 + place}") for place in range(8) if place != 2
    }
    assert {row["keebai_chunk"] for row in rows} == {"2"}  # what they were cut into
