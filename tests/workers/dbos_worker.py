"""A process of DBOS that runs campaigns; `python -m`, with its WorkPlace as JSON on stdin.

SIGUSR1 has it say to its workflows that it ends, and stay: the moment between that and DBOS's end, made long.
"""

import signal
import threading

from dbos import DBOS

from keebai_async.workers.dbos import campaign_workflows
from tests.workers.place import WorkPlace, here


def main(place: WorkPlace) -> None:
    told, no_more = threading.Event(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    signal.signal(signal.SIGUSR1, lambda *_: no_more.set())
    begin = campaign_workflows(place.client, at_once=3, every=1)
    DBOS(
        config={
            "name": "shop",
            "system_database_url": place.engine,
            "executor_id": place.machine,
            "application_version": "1",
            "scheduler_polling_interval_sec": 1.0,
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    end = begin()
    print("working", flush=True)
    while not told.wait(0.05):
        if no_more.is_set():
            end()
            print("takes no more", flush=True)
            no_more.clear()
    end()
    DBOS.destroy()


if __name__ == "__main__":
    main(here())
