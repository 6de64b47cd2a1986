"""One list over several senders against the same list from one, on the sandbox's clock.

    python benchmarks/senders.py [--people 1000000] [--senders 5]

Every person is planned, submitted with one token under its quota, delivered by the sandbox at 80 messages a
second and sender, and counted in its ledger. Printed are the seconds of the sandbox from the first submit to
the last delivery, their ratio, and the processor's seconds of the whole, planning and sandbox included.
"""

import argparse
import time
from collections.abc import Iterator

import anyio

from keebai_async import Keebai, Report, Sender
from keebai_async.clock import ManualClock
from keebai_async.sandbox import Sandbox
from keebai_async.sandbox.keebai.catalogue import SandboxSender


def people(count: int) -> Iterator[dict[str, object]]:
    for n in range(count):
        yield {"to": f"+54911{10_000_000 + n * 7_919 % 90_000_000}", "nombre": f"Ana {n}", "codigo": "M-7"}


async def send(count: int, senders: int) -> Report:
    clock = ManualClock()
    numbers = tuple(
        SandboxSender(
            phone_number_id=f"1000000000000{n:02}",
            channel_id=f"66cc001122334455667700{n:02}",
            phone_number=f"+54911500000{n:02}",
            name=f"Ventas {n}",
        )
        for n in range(senders)
    )
    async with (
        Sandbox(clock=clock, senders=numbers) as sandbox,
        Keebai(sandbox.token, base_url=sandbox.url, clock=clock, limiter="memory:") as keebai,
        clock.running(),
    ):
        report = await keebai.campaigns.run(
            people(count),
            template="promo",
            language="es",
            senders=[Sender(phone_number_id=each.phone_number_id) for each in numbers],
        )
    assert report.sent == sandbox.ledger.total == count, report
    assert sandbox.ledger.repeated() == {}
    assert not sandbox.traffic.throttled
    return report


async def main(count: int, senders: int) -> None:
    seconds: dict[int, float] = {}
    for number in (senders, 1):
        began = time.process_time()
        report = await send(count, number)
        seconds[number] = report.seconds
        shares = ", ".join(f"{part.sent:,}" for part in report.parts)
        print(f"{count:,} people over {number}: {report.seconds:,.0f} s ({shares})")
        print(f"  requests {report.requests}; processor {time.process_time() - began:.1f} s")
    print(f"ratio {seconds[1] / seconds[senders]:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--senders", type=int, default=5)
    asked = parser.parse_args()
    anyio.run(main, asked.people, asked.senders)
