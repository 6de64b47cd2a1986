"""A campaign that submits without a run around it, over a service that follows a script."""

from collections.abc import Iterable

from keebai_async.campaign.chunks import Chunks
from keebai_async.campaign.circuit_breaker import CircuitBreaker
from keebai_async.campaign.control import RunControl
from keebai_async.campaign.dispatch import dispatch
from keebai_async.campaign.lead import Lead
from keebai_async.campaign.opted_out import OptOutsNow
from keebai_async.campaign.run_state import BeginRun
from keebai_async.campaign.submit import Submitter
from keebai_async.campaign.timetable import NO_ZONES, Timetable, Zones
from keebai_async.clock import ManualClock
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.campaign import RunTerms
from keebai_async.model.chunk import Chunk
from keebai_async.model.events import AnyEvent, Waiting
from keebai_async.model.plan import Pace
from keebai_async.model.report import Report, report_of
from keebai_async.model.stop import Cause
from keebai_async.observe.records import Record
from keebai_async.transport.error_body import ErrorBody
from tests.campaign.planning import freeze, number
from tests.campaign.scripted_service import Fate, ScriptedService


class Campaign:
    """A submitting campaign over a service that follows a script."""

    def __init__(
        self,
        people: int,
        *,
        size: int = 5_000,
        journal: type[MemoryJournal] = MemoryJournal,
        lead: Lead | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.journal = journal(clock=self.clock)
        self.lead = lead
        self.terms = RunTerms(pace=pace)
        self.zones: Zones = NO_ZONES
        self.countries: tuple[str, ...] = ()
        self.people = people
        self.size = size
        self.events: list[AnyEvent] = []
        self.told: list[Record] = []
        self.frozen = False
        self.opt_outs: OptOutsNow | None = None

    async def submit(self, service: ScriptedService) -> Report:
        """Submit what is planned to the end, in time that runs by itself."""
        await self.begin(service)
        return await self.finish()

    async def finish(self) -> Report:
        """Go on to the end with what was begun."""
        async with self.clock.running():
            await dispatch(self.book, self.submitter)
        return await self.report()

    async def begin(self, service: ScriptedService) -> None:
        """Make ready to submit to *service*: a new run, in which nothing has left yet."""
        if not self.frozen:
            self.plan = await freeze(self.journal, self.people, size=self.size, countries=self.countries)
            self.frozen = True
        started = await self.journal.load(self.plan.campaign_id)
        self.book = Chunks(started, journal=self.journal, clock=self.clock)
        self.control = RunControl()
        self.control.apply(BeginRun())
        self.submitter = Submitter(
            self.book,
            service,
            clock=self.clock,
            control=self.control,
            breaker=CircuitBreaker(service.probe, clock=self.clock, tell=self._wait),
            tell=self.tell,
            lead=self.lead,
            timetable=Timetable(self.terms, self.plan, self.book.__getitem__, zones=self.zones),
            observer=self.told.append,
            opt_outs=self.opt_outs,
        )

    async def report(self) -> Report:
        return report_of(await self.journal.load(self.plan.campaign_id))

    @property
    def stopped(self) -> Cause | None:
        return self.submitter.stopped.cause if self.submitter.stopped else None

    def tell(self, event: AnyEvent) -> None:
        self.events.append(event)

    async def chunks(self) -> tuple[Chunk, ...]:
        return (await self.journal.load(self.plan.campaign_id)).chunks

    def _wait(self, seconds: float, why: str) -> None:
        self.events.append(Waiting(seconds=seconds, why=why))

    def service(
        self,
        script: Iterable[Fate] = (),
        *,
        malformed: Iterable[int] = (),
        names: bool = False,
        common: ErrorBody | None = None,
        largest: int = 5_000,
    ) -> ScriptedService:
        return ScriptedService(
            self.clock,
            script=script,
            malformed=[number(person) for person in malformed],
            names=names,
            common=common,
            largest=largest,
        )
