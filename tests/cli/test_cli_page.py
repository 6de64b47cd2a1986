"""The outcome as a page: whole, for its owner, with nothing from outside and nobody's number."""

import re
import stat
from html.parser import HTMLParser

from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.conftest import MakeShell
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import NUMBERS, PROMO, campaign_of

NAME = "Promo <script>alert(1)</script> & Cía"


class Tags(HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


async def test_a_launch_leaves_a_page_that_asks_nobody_and_runs_nothing(shell: Shell, clients: str) -> None:
    options = (*PROMO[:-1], NAME, "--report", "page.html", "--yes", "--json")

    ended = await shell.call("launch", clients, *options)
    path = shell.folder / "page.html"
    page = path.read_text(encoding="utf-8")

    assert ended.code == 0, ended.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    tags = Tags()
    tags.feed(page)
    assert not tags.seen & {"script", "link", "img", "iframe"}
    assert not tags.attributes & {"src", "href", "onload"}
    assert "url(" not in page
    assert "&lt;script&gt;" in page
    assert not any(number.lstrip("+") in page for number in NUMBERS)
    for label, count in (("Rows read", 5), ("People ready", 3), ("sent", 3), ("duplicates", 1)):
        assert re.search(rf">{label}</t[dh]><t[dh] class=\"n[^\"]*\">{count}<", page), label
    assert "row 5, to" in page


async def test_numbers_that_the_service_names_are_hidden(make_shell: MakeShell) -> None:
    async with Sandbox(speed=100.0, malformed={NUMBERS[0]}) as sandbox:
        shell = make_shell(sandbox)
        people = shell.write("people.csv", f"to,nombre,codigo\n{NUMBERS[0]},Ana,A1\n{NUMBERS[1]},Eva,A2\n")
        campaign = campaign_of(await shell.call("launch", people, *PROMO, "--yes", "--json"))

        made = await shell.call("report", campaign, "--html", "page.html")
        nowhere = await shell.call("report", campaign, "--html", "no/such/folder/page.html")

    assert made.code == 0, made.err
    page = (shell.folder / "page.html").read_text(encoding="utf-8")
    assert "refused" in page
    assert NUMBERS[0].lstrip("+") not in page
    assert nowhere.code == 2
