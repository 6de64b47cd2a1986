"""A submit that is cancelled outside of a campaign: who cancels it hears whether it may have gone out."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from keebai_async.client import Keebai
from keebai_async.credentials import Token
from keebai_async.observe import Record
from keebai_async.observe.request_records import RequestCancelled, SubmitUnknown
from keebai_async.quota.gate import Allowance, Ending, Lane, Place
from keebai_async.sandbox import Sandbox, faults
from keebai_async.transport.exchange import Exchange
from keebai_async.transport.reply import Answer
from keebai_async.transport.session import Session
from keebai_async.whautomate.client import Whautomate
from tests.transport.test_transport_exchange import SUBMIT, Wire
from tests.transport.wire_server import hangs, says_nothing, serving

PERSON = "+5491155550101"


def notes_of(error: BaseException | None) -> list[str]:
    found: list[str] = []
    while error is not None:
        found += getattr(error, "__notes__", [])
        error = error.__cause__
    return found


async def call(keebai: Keebai, kind: str) -> None:
    match kind:
        case "text":
            await keebai.messages.send_text(PERSON, "Hola")
        case "template":
            await keebai.messages.send_template(PERSON, template="promo", language="es")
        case _:
            await keebai.broadcasts.create(
                template="promo",
                language="es",
                campaign_name="Promo marzo",
                recipients=[{"to": PERSON}, {"to": "+5491155550102"}],
            )


async def until(holds: Callable[[], object]) -> None:
    while not holds():  # noqa: ASYNC110 - of a server, which tells nobody
        await asyncio.sleep(0.002)


@asynccontextmanager
async def limited_once(holds: Callable[[], object]) -> AsyncIterator[None]:
    """A time limit that strikes when something *holds*."""

    async def strike() -> None:
        await until(holds)
        limit.reschedule(asyncio.get_running_loop().time())

    async with asyncio.timeout(None) as limit:
        striking = asyncio.create_task(strike())
        try:
            yield
        finally:
            striking.cancel()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("text", "POST /messages/text to 1 person was cancelled"),
        ("template", "POST /messages/template to 1 person was cancelled"),
        ("broadcast", "POST /messages/bulk 'Promo marzo' to 2 people was cancelled"),
    ],
)
async def test_a_time_limit_around_a_submit_that_left_says_what_may_have_gone_out(
    kind: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Record] = []
    async with (
        serving(hangs) as server,
        Keebai("pat_x", base_url=server.url, phone_number_id="1", observer=told.append) as keebai,
    ):
        with pytest.raises(TimeoutError) as raised:
            async with limited_once(lambda: server.requests):
                await call(keebai, kind)
        assert server.requests

    (note,) = notes_of(raised.value)
    assert note.startswith(words)
    assert "look for it at the service before you send it again" in note.lower()
    (cancelled,) = [each for each in told if isinstance(each, RequestCancelled)]
    assert cancelled.stage == "written"
    (line,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert (line.message, vars(line)["recipients"]) == ("request cancelled", 2 if kind == "broadcast" else 1)
    assert "look for it at the service" in vars(line)["advice"]
    assert vars(line).get("label") == ("Promo marzo" if kind == "broadcast" else None)
    assert "5555010" not in note + str(vars(line))


async def test_a_broadcast_of_whautomate_that_is_cancelled_on_its_way_says_so_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(hangs) as server, Whautomate("k" * 20, host=server.url) as whautomate:
        with pytest.raises(TimeoutError) as raised:
            async with limited_once(lambda: server.requests):
                await whautomate.broadcasts.create(
                    name="Promo marzo 7f3a",
                    type="contact",
                    template="promo",
                    language="es",
                    location="l1",
                    segments=["s1"],
                )
    (note,) = notes_of(raised.value)
    assert note.startswith("POST /broadcasts 'Promo marzo 7f3a' was cancelled")
    (line,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert (line.message, vars(line)["label"]) == ("request cancelled", "Promo marzo 7f3a")


async def test_the_siblings_of_a_failure_in_a_task_group_are_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def together(keebai: Keebai, sandbox: Sandbox) -> None:
        async def fails() -> None:
            await until(lambda: len(sandbox.faults.given) == 2)
            raise RuntimeError

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call(keebai, "text"))
            tasks.create_task(call(keebai, "text"))
            tasks.create_task(fails())

    async with Sandbox() as sandbox:
        for nth in (1, 2):
            sandbox.faults.on("POST /messages/text", faults.Late(seconds=60.0), nth=nth)
        async with Keebai(
            sandbox.token, base_url=sandbox.url, phone_number_id=sandbox.phone_number_id
        ) as keebai:
            with pytest.raises(ExceptionGroup):
                await together(keebai, sandbox)
    assert [line.message for line in caplog.records if line.levelno >= logging.WARNING] == [
        "request cancelled",
        "request cancelled",
    ]


class SlowGate:
    """A gate that takes its time: *coming* before a place is given, *going* after its end was told."""

    def __init__(self, *, coming: float = 0.0, going: float = 0.0) -> None:
        self._coming, self._going = coming, going
        self.endings: list[Ending] = []

    @asynccontextmanager
    async def place(self, lane: Lane) -> AsyncIterator[Place]:
        await asyncio.sleep(self._coming)
        yield self
        await asyncio.sleep(self._going)

    def settle(
        self, ending: Ending, *, allowances: tuple[Allowance, ...] = (), pause: float | None = None
    ) -> None:
        self.endings.append(ending)


async def test_a_submit_that_is_cancelled_before_it_left_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    wire = Wire(Answer(status=202))
    with pytest.raises(TimeoutError) as raised:
        async with asyncio.timeout(0.05):
            await Exchange(wire, SlowGate(coming=60.0)).submit(SUBMIT)
    assert (wire.sent, notes_of(raised.value), caplog.records) == (0, [], [])


async def test_a_submit_that_is_cancelled_while_it_connects_is_no_news(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[Record] = []
    gate = SlowGate()
    request = msgspec.structs.replace(SUBMIT, timeout=60.0)
    async with (
        serving(says_nothing) as server,  # no word of a handshake, so nothing of the request is written
        Session(server.url.replace("http://", "https://"), Token("pat_x")) as session,
    ):
        with pytest.raises(TimeoutError) as raised:
            async with limited_once(lambda: server.connections):
                await Exchange(session, gate, observer=told.append).submit(request)
    assert (notes_of(raised.value), caplog.records, gate.endings) == ([], [], [Ending.UNSENT])
    assert [each.stage for each in told if isinstance(each, RequestCancelled)] == ["not written"]


@pytest.mark.parametrize(("status", "notes"), [(202, 1), (500, 1), (400, 0), (429, 0)])
async def test_a_submit_that_is_cancelled_after_its_reply_came_says_so_unless_it_was_not_accepted(
    status: int, notes: int
) -> None:
    told: list[Record] = []
    wire = Wire(Answer(status=status, body=b'{"broadcast_id":"b1"}'))
    gate = SlowGate(going=60.0)
    with pytest.raises(TimeoutError) as raised:
        async with limited_once(lambda: gate.endings):
            await Exchange(wire, gate, observer=told.append).submit(SUBMIT)
    assert len(notes_of(raised.value)) == notes
    unknown = [each.reason for each in told if isinstance(each, SubmitUnknown)]
    assert unknown == ["cancelled after the reply had come"] * notes
