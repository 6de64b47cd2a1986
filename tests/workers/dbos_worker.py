"""A process of DBOS that runs campaigns; `python -m`, with its WorkPlace as JSON on stdin."""

import signal
import threading

from dbos import DBOS

from keebai_async.workers.dbos import campaign_workflows
from tests.workers.place import WorkPlace, here


def main(place: WorkPlace) -> None:
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
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
    begin()
    print("working", flush=True)
    told.wait()
    DBOS.destroy()


if __name__ == "__main__":
    main(here())
