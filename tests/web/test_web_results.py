"""What a handler returns is encoded: a 500 after the message has gone makes somebody send it again."""

import json
import types
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
from aiohttp import web
from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from pydantic import TypeAdapter

from keebai_async import (
    AnyEvent,
    ChunkSplit,
    FateCounts,
    Keebai,
    Plan,
    PlanOptions,
    Receipt,
    Report,
    Situation,
    Template,
    Want,
)
from keebai_async.model.result import Result
from keebai_async.sandbox import Sandbox
from tests.front.surface import exported, hints_of, signatures, types_in

FOR_HANDLERS = ("keebai_async", "keebai_async.whautomate", "keebai_async.webhooks", "keebai_async.web")
NOT_RETURNED = {"Quota", "Wait", "Stuck", "Sender", "StoredCampaign", "WebhookAnswer", "Spooled", "Holder"}
"""What only the library's own protocols give: of a quota, a journal, a spool."""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(speed=50.0) as sandbox:
        yield sandbox


def given_by_calls() -> Iterator[type[msgspec.Struct]]:
    for module in FOR_HANDLERS:
        for name, thing in exported(module).items():
            is_client = isinstance(thing, type) and not issubclass(thing, msgspec.Struct | BaseException)
            if not is_client or name in {"Journal", "OutboxTables", "Gate", "Clock"}:
                continue
            for _, function in signatures(name, thing):
                if isinstance(function, types.FunctionType):
                    for kind in types_in(hints_of(function).get("return")):
                        if issubclass(kind, msgspec.Struct) and kind.__name__ not in NOT_RETURNED:
                            yield kind


def test_everything_that_a_call_gives_is_encoded_by_a_framework() -> None:
    kinds = set(given_by_calls())
    assert {Receipt, Plan, Report, Situation, Want, Template, FateCounts, ChunkSplit} <= kinds
    observed = {kind for kind in kinds if kind.__module__.startswith("keebai_async.observe")}
    assert [kind for kind in kinds - observed if not issubclass(kind, Result)] == []


async def test_what_came_from_the_service_is_encoded_with_an_annotation_and_without(sandbox: Sandbox) -> None:
    async with Keebai(sandbox.token, base_url=sandbox.url, phone_number_id=sandbox.phone_number_id) as keebai:
        people = [{"to": f"+54911{n:08}", "nombre": "Ana", "codigo": "C"} for n in range(4)]
        people.append({"to": "12", "nombre": "Ana", "codigo": "C"})
        plan = await keebai.campaigns.launch(
            people, template="promo", language="es", options=PlanOptions(chunk_size=2)
        )
        (template,) = [each async for each in keebai.templates.list() if each.name == "promo"]
        results: list[Result] = [
            await keebai.messages.send_text("+5491155555555", "Hola"),
            plan,
            template,
            (await keebai.numbers.list())[0],
            *await keebai.campaigns.wanted(),
            await keebai.campaigns.situation(plan.campaign_id),
            await keebai.campaigns.status(plan.campaign_id),
            *[each async for each in keebai.campaigns.rejections(plan.campaign_id)],
            await keebai.campaigns.fates(plan.campaign_id),
            await keebai.campaigns.next_events(plan.campaign_id),
        ]
    for result in results:
        encoded = msgspec.json.decode(msgspec.json.encode(result))
        assert json.loads(json.dumps(dict(result))) == encoded
        assert jsonable_encoder(result) == encoded
        assert jsonable_encoder([{"one": result}]) == [{"one": encoded}]
        adapter = TypeAdapter[Result](type(result))
        assert json.loads(adapter.dump_json(adapter.validate_python(result))) == encoded
        assert web.json_response(dict(result)).text == json.dumps(dict(result))


def test_the_document_of_an_app_that_returns_them_can_be_made() -> None:
    app = FastAPI()

    @app.get("/plan")
    def plan() -> Plan | None:
        raise NotImplementedError

    @app.get("/events")
    def events() -> list[AnyEvent]:
        raise NotImplementedError

    assert {"/plan", "/events"} == set(app.openapi()["paths"])


def test_what_looks_like_a_result_and_is_none_is_refused_where_one_is_announced() -> None:
    with pytest.raises(ValueError, match="instance of Receipt"):
        TypeAdapter(Receipt).validate_python({"message_id": "1"})
