"""The courier itself, on a real socket of this machine."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

KEY = "courier-key-of-the-tests"


@dataclass
class Depot:
    """What the courier has seen."""

    url: str = ""
    messaged: Counter[str] = field(default_factory=Counter)
    parcels: list[dict[str, object]] = field(default_factory=list)
    requests: int = 0

    @property
    def sizes(self) -> list[int]:
        return [len(each["addresses"]) for each in self.parcels if isinstance(each["addresses"], list)]


@asynccontextmanager
async def depot() -> AsyncIterator[Depot]:
    seen = Depot()

    async def parcel(request: web.Request) -> web.Response:
        body = await request.json()
        seen.parcels.append(body)
        seen.messaged.update(each["phone"] for each in body["addresses"])
        return web.json_response({"parcel": f"p{len(seen.parcels)}"}, status=202)

    async def look(request: web.Request) -> web.Response:
        size = seen.sizes[int(request.match_info["id"][1:]) - 1]
        return web.json_response({"size": size, "handed_over": size})

    async def letter(request: web.Request) -> web.Response:
        return web.json_response({"language": "es"})

    async def hello(request: web.Request) -> web.Response:
        return web.json_response({})

    @web.middleware
    async def guarded(request: web.Request, handler: object) -> web.StreamResponse:
        seen.requests += 1
        if request.headers.get("X-Courier-Key") != KEY:
            return web.json_response({"message": "who are you?"}, status=401)
        response: web.StreamResponse = await handler(request)  # type: ignore[operator]
        return response

    app = web.Application(middlewares=[guarded])
    app.add_routes(
        [
            web.post("/parcels", parcel),
            web.get("/parcels/{id}", look),
            web.get("/letters/{name}", letter),
            web.get("/hello", hello),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        seen.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield seen
    finally:
        await runner.cleanup()
