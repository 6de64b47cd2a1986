"""The pictures of a page say what the numbers say, each also in words, and show nobody's number."""

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from keebai_async.cli.figures import figure
from keebai_async.cli.page.by_chunk import by_chunk
from keebai_async.cli.page.over_time import ToldTimes, lines_of, over_time
from keebai_async.cli.page.phone import bubble, phones
from keebai_async.cli.page.way import WayPart, WayStep, way
from keebai_async.model.chunk import ChunkState
from keebai_async.model.fates import ChunkFates, Fate, FateCounts, PersonNews
from keebai_async.model.plan import Preview
from keebai_async.model.report import ChunkLine
from tests.cli.conftest import MakeShell
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import NUMBERS, PROMO
from tests.cli.test_cli_page import Tags
from tests.cli.test_cli_text import PLAN


def at(second: int) -> datetime:
    return datetime.fromtimestamp(1_790_000_000 + second, UTC)


def line(number: int, *, sent: int = 0, failed: int = 0, left: int = 0, seen: int | None = None) -> ChunkLine:
    return ChunkLine(
        number=number,
        recipients=1_000,
        state=ChunkState.ACCEPTED,
        broadcast_id=f"b{number}",
        sent=sent,
        failed=failed,
        submitted_at=at(left),
        seen_at=None if seen is None else at(seen),
    )


def widths(drawing: str) -> list[float]:
    return [float(width) for width in re.findall(r"width:([\d.]+)%", drawing)]


@given(st.lists(st.integers(0, 50_000), min_size=1, max_size=6))
def test_the_parts_of_a_step_are_as_long_as_their_people(people: list[int]) -> None:
    parts = tuple(WayPart(f"part {place}", count, "") for place, count in enumerate(people))
    drawing = "".join(way((WayStep("Rows read", sum(people), parts),)))

    whole = sum(people)
    expected = [round(100 * count / whole, 2) for count in people if count]
    assert widths(drawing) == pytest.approx(expected, abs=0.006)
    for place, count in enumerate(people):
        assert (f"part {place} {figure(count)} (" in drawing) is bool(count)


def test_what_webhooks_told_is_beside_the_way_and_said_not_to_be_added() -> None:
    steps = (WayStep("Accepted", 100, (WayPart("sent", 90, "good"), WayPart("failed", 10, "bad"))),)

    drawing = "".join(way(steps, FateCounts(sent=5, delivered=50, read=30)))

    assert widths(drawing) == [90, 10, 80, 30]
    assert "never to be added" in drawing
    assert "striped" not in "".join(way(steps))


def test_a_page_over_time_has_what_left_and_what_the_service_counted() -> None:
    chunks = [line(1, left=0, sent=900, failed=100, seen=60), line(2, left=10), line(3, left=20)]

    submitted, counted = lines_of(chunks)

    start = at(0).timestamp()
    assert submitted.points == [(start, 1_000), (start + 10, 2_000), (start + 20, 3_000)]
    assert counted.points == [(start + 60, 1_000)]
    drawing = "".join(over_time((submitted, counted)))
    assert drawing.count("<path") == 2
    assert f"submitted (the whole line): {figure(3_000)} people by" in drawing


def test_who_was_not_submitted_is_not_in_the_line_of_those_who_were() -> None:
    cut = replace(line(1), state=ChunkState.PLANNED)

    assert lines_of([cut]) == ()
    assert not list(over_time(()))


def test_what_webhooks_told_takes_the_place_of_the_counters_over_time() -> None:
    fates = ChunkFates(3)
    for place, fate, when in ((0, Fate.DELIVERED, 30), (0, Fate.READ, 95), (1, Fate.DELIVERED, 31)):
        fates.tell(PersonNews(campaign_id="c", chunk=1, place=place, fate=fate, at=at(when).timestamp()))
    told = ToldTimes()
    told.add(fates)

    _, delivered, read = lines_of([line(1, sent=3, seen=40)], told)

    assert [people for _, people in delivered.points] == [2]
    assert [people for _, people in read.points] == [1]
    assert delivered.points[-1][0] >= at(31).timestamp()
    assert read.points[-1][0] >= at(95).timestamp()


@given(st.lists(st.tuples(st.integers(0, 90_000), st.integers(0, 90_000)), min_size=1, max_size=400))
def test_a_line_over_time_only_rises_and_ends_at_everybody(times: list[tuple[int, int]]) -> None:
    chunks = [line(1 + place, left=left, sent=7, seen=seen) for place, (left, seen) in enumerate(times)]

    drawing = "".join(over_time(lines_of(chunks)))

    for path in re.findall(r' d="([^"]+)"', drawing):
        across = [float(x) for x in re.findall(r"H([\d.]+)", path)]
        down = [float(y) for y in re.findall(r"V([\d.]+)", path)]
        assert across == sorted(across)
        assert down == sorted(down, reverse=True)
        assert 0 <= down[-1] <= 300
    assert f"submitted (the whole line): {figure(1_000 * len(times))} people" in drawing


def test_failures_by_chunk_name_the_worst_and_draw_the_guard() -> None:
    chunks = [line(1, sent=990, failed=10), line(2, sent=700, failed=300), line(3)]

    drawing = "".join(by_chunk(chunks, guard=0.1))

    assert drawing.count("<rect") == 2  # of the third nothing is known
    assert drawing.count('<rect class="bad"') == 1
    assert f"the most failed in chunk 2: 30.0% of {figure(1_000)} people" in drawing
    assert "above 10% of all together (the dashed line) the campaign stops" in drawing
    assert "dashed" not in "".join(by_chunk(chunks, guard=None))


def test_where_nobody_failed_there_is_no_picture_of_it() -> None:
    assert not list(by_chunk([line(1, sent=1_000)], guard=0.1))


def test_of_thousands_of_chunks_neighbours_share_a_bar() -> None:
    chunks = [line(1 + place, sent=999, failed=1) for place in range(2_000)]

    drawing = "".join(by_chunk(chunks, guard=None))

    assert drawing.count("<rect") == 100
    assert "chunks 1981 to 2000" in drawing


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("*Hola* Ana", "<b>Hola</b> Ana"),
        ("_ya_ ~no~", "<i>ya</i> <s>no</s>"),
        ("```a < b```", "<code>a &lt; b</code>"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("a_b_c", "a_b_c"),
        ("one\ntwo", "one\ntwo"),
        ("<script>", "&lt;script&gt;"),
        ("llama al +5491155550101", "llama al +549…0101"),
    ],
)
def test_a_message_looks_as_on_a_phone(message: str, shown: str) -> None:
    assert bubble(message) == shown


def test_three_messages_are_shown_each_with_whose_it_is() -> None:
    others = [Preview(why=f"number {place}", text=f"Hola {place}", row=place) for place in range(2, 6)]
    plan = replace(PLAN, preview="Hola Ana", preview_to="+549…0101", previews=tuple(others))

    drawing = "".join(phones(plan))

    assert drawing.count("bubble") == 3
    assert "the first, +549…0101" in drawing
    assert "number 2, row 2" in drawing


async def test_a_plan_as_a_page_shows_who_approves_it_what_it_would_do(
    make_shell: MakeShell, shell: Shell, clients: str
) -> None:
    asked = (*PROMO, "--html", "plan.html", "--unit-cost", "0.05", "--canary", "1", "--stop-above", "0.1")

    ended = await shell.call("plan", clients, *asked)

    assert ended.code == 0, ended.err
    page = (shell.folder / "plan.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(page)
    assert not tags.seen & {"script", "link", "img", "iframe"}
    assert "A plan: nothing was submitted." in page
    assert "0.15 USD (0.05 each)" in page
    assert "1 person first" in page
    assert "stops above" in page
    launch = re.findall(r"<code>(keebai-async launch [^<]+)</code>", page)
    assert launch == [ended.err.rsplit("to send it: ", 1)[1].strip()]
    assert not any(number.lstrip("+") in page for number in NUMBERS)


async def test_every_picture_of_a_page_has_words_for_who_does_not_see_it(shell: Shell, clients: str) -> None:
    await shell.call("launch", clients, *PROMO, "--yes", "--report", "page.html")

    page = (shell.folder / "page.html").read_text(encoding="utf-8")

    drawings = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert drawings
    for drawing in drawings:
        root = ET.fromstring(drawing)  # noqa: S314 - we made it
        assert root.get("role") == "img"
        assert root.get("aria-label")
    assert page.count("<figure") == page.count("</figure>")
