"""What webhooks told of people, as a user sees it: in the report, on the page, in files."""

import re

from keebai_async.journal.open import open_journal
from keebai_async.model.fates import Fate, PersonNews
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
