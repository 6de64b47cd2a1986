"""Every text of a page that somebody else wrote stays text: in a page of a campaign, and in one of a plan."""

from decimal import Decimal
from html.parser import HTMLParser

from msgspec.structs import replace

from keebai_async.cli.estimate import estimate
from keebai_async.cli.page.campaign_page import page
from keebai_async.cli.page.plan_page import plan_page
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.keebai.settings import KEEBAI_QUOTAS
from keebai_async.model.campaign import CampaignState
from keebai_async.model.cost import CountryCount, Price
from keebai_async.model.decided import Act, Decider, decided_by
from keebai_async.model.lifecycle import Accept, Lose, Refuse, Submit
from keebai_async.model.plan import Preview, ReasonCount
from keebai_async.model.recipient import Reason, Rejection
from keebai_async.model.sender import Sender
from keebai_async.model.situation import situation_of
from tests.campaign.planning import freeze

MARK = "x\"'><i onload=alert(1)>&amp;"
ATTRIBUTES = {"lang", "charset", "name", "content", "class", "style", "aria-hidden", "viewbox"}
ATTRIBUTES |= {"preserveaspectratio", "role", "aria-label", "d", "x", "y", "width", "height"}


class Written(HTMLParser):
    """The texts of a page, and what it is marked with."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def check(made: str, *, times: int) -> None:
    written = Written()
    written.feed(made)
    assert written.attributes <= ATTRIBUTES
    assert "".join(written.texts).count(MARK) >= times
    assert "<i onload" not in made


async def test_what_others_wrote_is_text_wherever_it_stands() -> None:
    journal = MemoryJournal()
    frozen = await freeze(journal, 4, size=1)
    campaign = frozen.campaign_id
    await journal.record(campaign, Submit(number=1, step=1, at=1.0))
    await journal.record(campaign, Accept(number=1, step=2, accepted=1, broadcast_id=MARK))
    await journal.progress(campaign, 1, sent=0, failed=1, final=True)
    await journal.record(campaign, Submit(number=2, step=1, at=1.0))
    await journal.record(campaign, Refuse(number=2, step=2, recipients=1, reason=MARK))
    await journal.record(campaign, Submit(number=3, step=1, at=1.0))
    await journal.record(campaign, Lose(number=3, step=2, reason=MARK))
    await journal.set_state(campaign, CampaignState.STOPPED, reason=MARK)
    who = Decider(name=MARK, login=MARK)
    await journal.decide(campaign, decided_by(who, Act.RECONCILED, at=1.0, words=MARK))
    row = Rejection(row=1, reason=Reason.BAD_NUMBER, detail=MARK, to=MARK, field=MARK)
    plan = replace(
        frozen,
        name=MARK,
        template=MARK,
        language=MARK,
        sender=Sender(phone_number_id=MARK),
        sender_number=MARK,
        source=MARK,
        sheet=MARK,
        last_row=1,
        notes=(MARK,),
        ignored_columns=(MARK,),
        preview=MARK,
        preview_to=MARK,
        previews=(Preview(why=MARK, text=MARK, to=MARK),),
        reasons=(ReasonCount(reason=Reason.BAD_NUMBER, count=1, examples=(row,)),),
        countries=(CountryCount(region="AR", name=MARK, people=4),),
        price=Price(unit=Decimal(1), currency=MARK),
        planned_by=who,
    )
    kept = replace(await journal.load(campaign), plan=plan)

    check(page(situation_of(kept, 10.0), plan, at=10.0), times=20)
    expected = estimate(plan, KEEBAI_QUOTAS, now=10.0)
    check("\n".join(plan_page(plan, expected, at=10.0, launch=MARK)), times=20)
