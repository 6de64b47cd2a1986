"""Whether a campaign's template may be sent still: read again before money is spent on it.

Between planning and submitting lie hours or days, in which Meta may pause or disable a template, or charge
it as another category; the service takes its broadcasts all the same, and everybody in them fails.
"""

from collections.abc import Iterable

from keebai_async.campaign.circuit_breaker import ProbeUnanswered
from keebai_async.campaign.service import CampaignService
from keebai_async.errors import RateLimited, ScopeMissing, TemplateUnusable
from keebai_async.model.chunk import Chunk
from keebai_async.model.guard import Share, share_of
from keebai_async.model.plan import Plan

BURST = 200
"""People delivered or failed since the template was last read before their failures say something of it."""

BURST_SHARE = 0.5
"""The share of those people that fails in a burst."""


class TemplateCheck:
    """The template of *plan*, as *service* has it. *due* says that nothing may leave before it is read."""

    def __init__(self, plan: Plan, service: CampaignService) -> None:
        self._plan = plan
        self._service = service
        self._last: Share | None = None
        self.due = True

    async def probe(self) -> None:
        """Make one cheap read, as a circuit breaker asks for: of the template, if that is due.

        Where the token may not read templates, nothing can be known of this one, and it counts as approved.

        Raises:
            TemplateUnusable: it is not approved any more, or is of another category than planned.
            ProbeUnanswered: a 429 came in the place of the template.
            RequestError, QuotaUnusable: as the port's `template` and `probe` do.
        """
        if not self.due:
            await self._service.probe()
            return
        try:
            await self._read()
        except ScopeMissing:
            await self._service.probe()
        except RateLimited as error:
            raise ProbeUnanswered from error
        self.due = False

    async def _read(self) -> None:
        plan = self._plan
        template = await self._service.template(plan.template, plan.language)
        planned, now = plan.category.upper(), template.category.upper()
        if planned and now and planned != now:
            raise TemplateUnusable(
                f"template {plan.template!r} ({plan.language}) is {now} now, and was {planned} when the"
                " campaign was planned, which may cost another price: plan it again",
                field="template",
                value=plan.template,
            )

    def bursts(self, chunks: Iterable[Chunk]) -> bool:
        """Say once of each burst of failures that there is one; *chunks* have the counters of now."""
        now = share_of(chunks)
        last = self._last or now  # what earlier runs saw is no news
        self._last = last
        new = Share(now.failed - last.failed, now.delivered - last.delivered)
        if new.delivered < BURST:
            return False
        self._last = now
        return new.above(BURST_SHARE)
