"""The thread of a database: its heartbeat and its end."""

import threading

from keebai_async.storage.thread import Worker


async def test_the_heart_beats_between_pieces_of_work_and_not_behind_the_last() -> None:
    told: list[str] = []
    worker = Worker("keebai test", late=TimeoutError, beat=lambda: told.append("beat"), period=0.0)
    await worker.run(lambda: told.append("work"))
    while "beat" not in told:
        await worker.run(lambda: None)
    [thread] = [each for each in threading.enumerate() if each.name == "keebai test"]

    await worker.aclose(lambda: told.append("last"))
    thread.join()

    assert told[-1] == "last"


async def test_it_beats_again_for_work_that_comes_after_the_end() -> None:
    told: list[str] = []
    worker = Worker("keebai test", late=TimeoutError, beat=lambda: told.append("beat"), period=0.0)
    await worker.run(lambda: None)
    await worker.aclose(lambda: told.append("last"))

    while told[-1] != "beat":
        await worker.run(lambda: None)
    await worker.aclose(lambda: told.append("last"))

    assert told.count("last") == 2
