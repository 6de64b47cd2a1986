"""A worker of Procrastinate that runs campaigns; `python -m`, with its WorkPlace as JSON on stdin."""

import anyio
from procrastinate import App, PsycopgConnector

from keebai_async.workers.procrastinate import campaign_jobs
from tests.workers.place import WorkPlace, here


async def main(place: WorkPlace) -> None:
    app = App(connector=PsycopgConnector(conninfo=place.engine))
    app.add_tasks_from(campaign_jobs(place.client, every=1), namespace="keebai")
    async with app.open_async():
        print("working", flush=True)
        await app.run_worker_async(
            concurrency=3,
            delete_jobs="always",
            fetch_job_polling_interval=1.0,
            shutdown_graceful_timeout=0.1,
        )


if __name__ == "__main__":
    anyio.run(main, here())
