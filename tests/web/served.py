"""The web apps of docs/web.md, each served in a process of its own by the server that it is for."""

import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import anyio
import anyio.abc

from keebai_async.sandbox import Sandbox
from tests.documents.papers import ROOT, paper
from tests.webhooks.ports import free_port

SERVERS: Final = {
    "fastapi": ["-m", "uvicorn", "app:app", "--port", "{port}"],
    "aiohttp": ["-m", "aiohttp.web", "-P", "{port}", "app:served"],
}
"""How each kind of app is served."""

_AIOHTTP: Final = "\n\ndef served(arguments: list[str]) -> web.Application:\n    return app\n"


class App:
    """One of the apps in *folder*, with its journal there; it may be started again and again."""

    def __init__(
        self,
        kind: str,
        folder: Path,
        sandbox: Sandbox,
        *,
        chunk_size: int | None = None,
        quota: str = "40/2s",
    ) -> None:
        (code,) = paper("docs/web.md").code(f"python {kind}")
        if kind == "aiohttp":
            code = code.partition('\nif __name__ == "__main__"')[0] + _AIOHTTP
        if chunk_size is not None:  # the same app, for a list that is in many chunks
            options = f"options=PlanOptions(chunk_size={chunk_size})"
            code = code.replace('language="es"', f'language="es", {options}')
            code = code.replace(
                "import CampaignBusy, CampaignNotFound, InvalidInput, Keebai",
                "import CampaignBusy, CampaignNotFound, InvalidInput, Keebai, PlanOptions",
            )
        (folder / "app.py").write_text(code, encoding="utf-8")
        self.kind = kind
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.journal = folder / "campaigns.db"
        self._env = {
            "PATH": os.defpath,
            "HOME": str(folder),
            "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}",
            "KEEBAI_BASE_URL": sandbox.url,
            "KEEBAI_API_TOKEN": sandbox.token,
            "KEEBAI_PHONE_NUMBER_ID": sandbox.phone_number_id,
            "KEEBAI_POLL_FLOOR": "0.1",
            "KEEBAI_QUOTA": quota,
        }

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[anyio.abc.Process]:
        """Its process, once it answers; killed in the end if it is still there."""
        command = [word.format(port=self.port) for word in SERVERS[self.kind]]
        with (self.folder / "log.txt").open("ab") as log:
            process = await anyio.open_process(
                [sys.executable, *command], cwd=self.folder, env=self._env, stdout=log, stderr=log
            )
        async with process:
            try:
                await self._answers(process)
                yield process
            finally:
                if process.returncode is None:
                    process.kill()

    async def _answers(self, process: anyio.abc.Process) -> None:
        while True:
            assert process.returncode is None, self.log
            try:
                async with aiohttp.ClientSession() as session, session.get(self.url):
                    return
            except aiohttp.ClientError:
                await anyio.sleep(0.02)

    async def launch(self, people: int) -> str:
        """Upload a list and launch it; gives the campaign's id."""
        status, text = await self.upload(self.people(people))
        assert status == 200, text
        plan = json.loads(text)
        assert plan["ready"] == people
        return str(plan["campaign_id"])

    @staticmethod
    def people(count: int) -> str:
        rows = "".join(f"+54911{n:08},Ana,C{n}\n" for n in range(count))
        return f"to,nombre,codigo\n{rows}"

    async def upload(self, content: str) -> tuple[int, str]:
        """Upload a list to be launched as 'Promo'; gives the status and the body of the answer."""
        url = f"{self.url}/campaigns?name=Promo"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=content.encode()) as response,
        ):
            return response.status, await response.text()

    def events(self, campaign_id: str) -> str:
        return f"{self.url}/campaigns/{campaign_id}/events"

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text(encoding="utf-8")


async def terminate(process: anyio.abc.Process) -> int:
    """Tell it to end as an operator does, and give its exit code."""
    process.send_signal(signal.SIGTERM)
    return await process.wait()
