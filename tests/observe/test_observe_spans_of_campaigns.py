"""A real campaign on the real SDK of OpenTelemetry: the tree of its spans, and its people by state."""

from collections import Counter

from opentelemetry.sdk.trace import ReadableSpan

from keebai_async.sandbox import faults
from tests.observe.campaigns import BULK, LOOK, listened, plan, run
from tests.observe.collected import Collected, labels


def paths(spans: list[ReadableSpan]) -> Counter[str]:
    """How many spans stand at each place of the tree, as `grandparent > parent > name`."""
    by_id = {span.context.span_id: span for span in spans if span.context is not None}

    def path(span: ReadableSpan) -> str:
        parent = None if span.parent is None else by_id.get(span.parent.span_id)
        return span.name if parent is None else f"{path(parent)} > {span.name}"

    return Counter(path(span) for span in spans)


async def test_a_campaign_is_one_tree_of_runs_attempts_and_requests(collected: Collected) -> None:
    async with listened(collected.observer) as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Status(status=429, accepted=False), nth=2)
        planned = await plan(keebai, 600, chunk_size=200)
        await run(keebai, planned.campaign_id)
        looks = sandbox.traffic.requests[LOOK]

    found = paths(collected.spans())
    of_requests = {path: count for path, count in found.items() if not path.endswith("wait for quota")}
    assert of_requests == {
        "GET /templates": 1,
        "GET /whatsapp/numbers": 1,  # whose number sends, for the plan
        "run campaign": 1,
        "run campaign > GET /templates": 1,  # again, before money is spent
        "run campaign > submit chunk": 4,  # three chunks, and one of them twice
        f"run campaign > submit chunk > {BULK}": 4,
        f"run campaign > {LOOK}": looks,
    }
    waits = {path for path in found if path.endswith("wait for quota")}
    assert waits <= {
        "run campaign > wait for quota",
        "run campaign > submit chunk > wait for quota",
    }
    whole = collected.span("run campaign").attributes or {}
    assert (whole["keebai.campaign.state"], whole["keebai.people.sent"]) == ("finished", 600)


async def test_people_by_state_and_the_time_of_an_outage_are_measured(collected: Collected) -> None:
    async with listened(collected.observer) as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset(), nth=1)
        planned = await plan(keebai, 2_000, chunk_size=200)
        await run(keebai, planned.campaign_id)

    points = collected.points()
    people = {
        dict(point.labels)["keebai.people.state"]: point.value for point in points["keebai.campaign.people"]
    }
    assert {state: count for state, count in people.items() if count} == {"sent": 1_800, "unknown": 200}
    outages = labels({"keebai.wait.cause": "outage"})
    assert [point.count for point in points["keebai.wait.duration"] if point.labels == outages] == [1]
    windows = {dict(point.labels)["keebai.quota.window"] for point in points["keebai.quota.spent"]}
    assert windows == {60.0, 3_600.0}
