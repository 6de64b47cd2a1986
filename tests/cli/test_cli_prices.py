"""The price of a campaign by a table, as the command shows it before and after."""

from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.conftest import MakeShell
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import PROMO, campaign_of

TABLE = "country,category,price\nAR,MARKETING,0.0618\nMX,UTILITY,0.01\n"


async def test_a_plan_shows_what_each_country_costs_and_whose_price_is_not_known(
    shell: Shell, clients: str
) -> None:
    prices = shell.write("rates.csv", TABLE)

    shown = await shell.call("plan", clients, *PROMO, "--prices", prices, "--html", "plan.html")
    (line,) = (await shell.call("plan", clients, *PROMO, "--prices", prices, "--json")).objects

    assert shown.code == 0, shown.err
    assert "0.12 USD  at the MARKETING prices of rates.csv" in shown.out
    assert "2 at 0.0618" in shown.out
    assert "without a price           1 person  M\u00e9xico 1" in shown.out
    page = (shell.folder / "plan.html").read_text(encoding="utf-8")
    assert "2 at 0.0618" in page
    assert "M\u00e9xico 1" in page
    assert (line["price"], line["currency"]) == (0.1236, "USD")
    assert line["cost"] == {
        "total": 0.1236,
        "currency": "USD",
        "unpriced": 1,
        "unit": None,
        "countries": [
            {"region": "AR", "name": "Argentina", "people": 2, "unit": 0.0618, "total": 0.1236},
            {"region": "MX", "name": "M\u00e9xico", "people": 1, "unit": None, "total": None},
        ],
        "category": "MARKETING",
        "source": "rates.csv",
    }


async def test_a_report_and_its_page_have_the_prices_of_the_plan(shell: Shell, clients: str) -> None:
    prices = shell.write("rates.csv", TABLE)
    launched = await shell.call("launch", clients, *PROMO, "--prices", prices, "--yes", "--json")
    campaign = campaign_of(launched)

    shown = await shell.call("status", campaign)
    await shell.call("report", campaign, "--html", "page.html")

    assert launched.objects[-1]["cost"]["total"] == 0.1236  # type: ignore[index]
    assert "2 at 0.0618" in shown.out
    assert "2 at 0.0618" in (shell.folder / "page.html").read_text(encoding="utf-8")


async def test_a_limit_on_money_stops_a_list_without_all_prices(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    prices = shell.write("rates.csv", TABLE)

    ended = await shell.call("launch", clients, *PROMO, "--prices", prices, "--max-cost", "9", "--yes")

    assert ended.code == 7
    assert "--max-cost: what it costs is not known" in ended.err
    assert "M\u00e9xico" in ended.err
    assert sandbox.ledger.total == 0


async def test_a_file_of_prices_that_is_wrong_is_one_line(shell: Shell, clients: str) -> None:
    prices = shell.write("rates.csv", TABLE + "PE,MARKETING,free\n")

    ended = await shell.call("plan", clients, *PROMO, "--prices", prices)

    assert ended.code == 2
    assert ended.err == (
        "error: --prices: rates.csv, line 4: 'free' is no price: write it as 0.0618, or n/a where there is"
        " none\n"
    )


async def test_prices_may_be_said_of_a_plan_that_is_kept(shell: Shell, clients: str) -> None:
    plan = campaign_of(await shell.call("plan", clients, *PROMO, "--unit-cost", "0.05", "--json"))
    prices = shell.write("rates.csv", TABLE)

    table = await shell.call("launch", plan, "--dry-run", "--prices", prices)
    flat = await shell.call("launch", plan, "--dry-run", "--unit-cost", "0.07")

    assert "2 at 0.0618" in table.out
    assert "0.21 USD (0.07 each)" in flat.out


async def test_a_list_over_several_senders_costs_what_it_costs_from_one(make_shell: MakeShell) -> None:
    async with Sandbox(speed=100.0) as sandbox:
        shell = make_shell(sandbox)
        rows = "to,nombre,codigo\n" + "\n".join(f"+549115555{n:04},Ana,A{n}" for n in range(40))
        people, prices = shell.write("people.csv", rows), shell.write("rates.csv", TABLE)
        senders = [f"--sender={each.phone_number_id}" for each in sandbox.settings.senders[:2]]

        ended = await shell.call("launch", people, *PROMO, *senders, "--prices", prices, "--yes", "--json")

    assert ended.code == 0, ended.err
    report = ended.objects[-1]
    assert report["cost"]["total"] == 2.472  # type: ignore[index]
    assert sum(part["cost"]["total"] for part in report["parts"]) == 2.472  # type: ignore[attr-defined]
