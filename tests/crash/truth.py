"""What a journal says of a campaign, compared with what the service really accepted, person by person."""

import shutil
import tempfile
from collections import Counter
from pathlib import Path

import msgspec

from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.plan import Plan, chunk_name
from keebai_async.model.report import Report, report_of
from keebai_async.sandbox import Sandbox, Submission
from tests.crash.people import number


class Item(msgspec.Struct):
    to: str


class Account:
    """A campaign as a copy of its journal has it: the journal itself is not touched by looking."""

    def __init__(self, started: StoredCampaign, people: dict[int, list[str]], submits: int) -> None:
        self.started = started
        self.people = people
        self.submits = submits
        """How often somebody meant to submit something."""

    @property
    def plan(self) -> Plan:
        return self.started.plan

    @property
    def report(self) -> Report:
        return report_of(self.started)

    def chunks(self, *states: ChunkState) -> list[Chunk]:
        return [chunk for chunk in self.started.chunks if chunk.state in states and chunk.recipients]

    def name_of(self, chunk: Chunk) -> str:
        """What a person looks for in the portal."""
        return chunk_name(self.plan.name, chunk.number, len(self.plan.chunks), parent=chunk.parent)


async def accounts(path: Path) -> list[Account]:
    """All campaigns of a journal, whether its process is alive, dead or was killed while writing."""
    with tempfile.TemporaryDirectory() as folder:
        for file in path.parent.glob(path.name + "*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, folder)
        journal = SqliteJournal(Path(folder) / path.name)
        try:
            return [await _account(journal, started) for started in await journal.campaigns()]
        finally:
            await journal.aclose()


async def _account(journal: SqliteJournal, started: StoredCampaign) -> Account:
    campaign_id = started.plan.campaign_id
    started = await journal.load(campaign_id)  # compares every chunk with its moves
    people = {
        chunk.number: [
            item.to
            for item in msgspec.json.decode(await journal.items(campaign_id, chunk.number), type=list[Item])
        ]
        for chunk in started.chunks
    }
    submits = sum(chunk.attempts for chunk in started.chunks)
    return Account(started, people, submits)


def check(account: Account, sandbox: Sandbox, *, people: int) -> None:
    """What no kill and no fault may break, at any instant."""
    report = account.report
    assert report.errors() == ()
    assert sandbox.ledger.repeated() == {}
    _everyone_is_in_one_chunk(account, people)
    _each_chunk_is_what_was_accepted(account, sandbox)
    perhaps = report.unknown + report.on_the_way + report.abandoned
    assert report.accepted <= sandbox.ledger.total <= report.accepted + perhaps
    assert len(sandbox.ledger) <= account.submits
    meant = {account.name_of(chunk) for chunk in account.started.chunks if chunk.attempts}
    assert {one.campaign_name for one in sandbox.ledger.submissions} <= meant
    for chunk in account.chunks(ChunkState.UNKNOWN):
        assert chunk.reason is not None
        assert " " in chunk.reason


def _everyone_is_in_one_chunk(account: Account, people: int) -> None:
    for chunk in account.started.chunks:
        assert len(account.people[chunk.number]) == chunk.recipients
    answered_for = Counter(to for numbers in account.people.values() for to in numbers)
    assert answered_for == Counter(number(person) for person in range(people))


def _each_chunk_is_what_was_accepted(account: Account, sandbox: Sandbox) -> None:
    accepted = {one.broadcast_id: one for one in sandbox.ledger.submissions}
    messaged = sandbox.ledger.times_messaged()
    for chunk in account.started.chunks:
        numbers = account.people[chunk.number]
        times = {messaged[to] for to in numbers}
        match chunk.state:
            case ChunkState.ACCEPTED:
                if chunk.broadcast_id is not None:
                    assert accepted[chunk.broadcast_id].numbers == numbers
                    _counters_are_the_services(chunk, sandbox)
                assert times == {1}
            case ChunkState.PLANNED | ChunkState.REFUSED:
                assert times <= {0}
            case _:
                assert times in ({0}, {1})


def _counters_are_the_services(chunk: Chunk, sandbox: Sandbox) -> None:
    assert chunk.broadcast_id is not None
    counters = sandbox.counters(chunk.broadcast_id)
    if chunk.final:
        assert (chunk.sent, chunk.failed) == (counters.sent, counters.failed)
    else:
        assert chunk.sent <= counters.sent
        assert chunk.failed <= counters.failed


def found_in_portal(account: Account, chunk: Chunk, sandbox: Sandbox) -> Submission | None:
    """Look for a chunk as a person does: by the name of its campaign."""
    found = [one for one in sandbox.ledger.submissions if one.campaign_name == account.name_of(chunk)]
    assert len(found) <= 1
    return found[0] if found else None
