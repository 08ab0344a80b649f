"""The queue that several workers share, on procrastinate: turns are put in by one and taken out by any.

Everything here runs in a thread with a loop of its own; what others ask of it they ask from theirs.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event, Thread
from typing import Any, TypeVar

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from accesssync.errors import StoreError
from accesssync.worker.work import Log, Unit

T = TypeVar("T")

QUEUE = "accesssync"
TASK = "accesssync.turn"
POLL_SECONDS = 1.0
"""How often the queue is looked at without having been told: a job that waited for a lock tells nobody."""

PATIENCE_SECONDS = 15.0
AGAIN_SECONDS = 2.0
STORE_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class Queue:
    """Puts turns into the queue, and takes them out one at a time for `perform`.

    `url` is libpq's. `heartbeat` is how often this worker says that it lives, in seconds.
    """

    def __init__(self, url: str, perform: Callable[[Unit, datetime], object], *, heartbeat: float, log: Log) -> None:
        self._url = url
        self._perform = perform
        self._heartbeat = heartbeat
        self._log = log
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="turn")
        self._thread = Thread(target=self._run, name="queue", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._app: App | None = None
        self._worker: asyncio.Task[None] | None = None
        self._open = Event()
        self._ended = Event()

    def start(self) -> None:
        """Begin to take turns out, as soon as the database can be reached."""
        self._thread.start()
        self._open.wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        """Take nothing more out."""
        self._ended.set()
        loop, worker = self._loop, self._worker
        if loop is not None and worker is not None:
            loop.call_soon_threadsafe(worker.cancel)

    def close(self, seconds: float) -> None:
        """Wait until what is done is noted as done."""
        self._thread.join(seconds)

    def put(self, unit: Unit, due: datetime, *, priority: int) -> None:
        """Put a turn in, unless one of the same unit waits there already. StoreError where that fails.

        Of those that wait the one with the highest priority is taken first.
        """

        async def put() -> None:
            job = self._opened().configure_task(
                TASK,
                queue=QUEUE,
                lock=f"org {unit.org}" if unit.org else f"job {unit.job}",
                queueing_lock=f"{unit.job} {unit.org}",
                priority=priority,
            )
            try:
                await job.defer_async(job=unit.job, org=unit.org, tick=due.isoformat())
            except AlreadyEnqueued:
                # The one that waits stands for this one too.
                return

        self._ask(put(), "nothing can be put into the queue")

    def rescue(self) -> list[str]:
        """Put back what workers that were killed had taken out; the names of those turns. StoreError."""
        silent = 3 * self._heartbeat

        async def rescue() -> list[str]:
            jobs, names = self._opened().job_manager, []
            for job in await jobs.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=silent):
                names.append(str(job.queueing_lock))
                try:
                    await jobs.retry_job(job)
                except UniqueViolation:
                    # A newer turn of the same unit waits already and replaces it.
                    await jobs.finish_job(job, Status.FAILED, delete_job=True)
            await jobs.prune_stalled_workers(2 * silent)
            return names

        return self._ask(rescue(), "the queue cannot be looked through")

    def _opened(self) -> App:
        if self._app is None:
            raise StoreError("the queue is not open", remedy="check that the database is running")
        return self._app

    def _ask(self, question: Coroutine[Any, Any, T], what: str) -> T:
        loop = self._loop
        if loop is None or self._app is None:
            question.close()
            raise StoreError(what, remedy="check that the database is running")
        future = asyncio.run_coroutine_threadsafe(question, loop)
        try:
            return future.result(PATIENCE_SECONDS)
        except (ConnectorException, TimeoutError) as error:
            future.cancel()
            raise StoreError(f"{what}: {type(error).__name__}", remedy="check that the database is running") from None

    def _run(self) -> None:
        asyncio.run(self._live())

    async def _live(self) -> None:
        """Work until stopped; when the database goes away, wait until it is back."""
        self._loop = asyncio.get_running_loop()
        told = False
        while not self._ended.is_set():
            try:
                await self._work()
                told = False
            except (ConnectorException, OSError) as error:
                if not told:
                    self._log("queue", f"the queue cannot be reached ({type(error).__name__})", level="error")
                told = True
            if not self._ended.is_set():
                await asyncio.sleep(AGAIN_SECONDS)

    async def _work(self) -> None:
        connector = PsycopgConnector(conninfo=self._url, min_size=1, max_size=4, timeout=PATIENCE_SECONDS)
        app = App(connector=connector)
        app.job_manager = _PatientManager(connector)
        app.task(name=TASK, queue=QUEUE)(self._turn)
        async with app.open_async():
            self._app = app
            self._open.set()
            try:
                self._worker = asyncio.ensure_future(
                    app.run_worker_async(
                        queues=[QUEUE],
                        concurrency=1,
                        install_signal_handlers=False,
                        fetch_job_polling_interval=POLL_SECONDS,
                        delete_jobs="always",
                        update_heartbeat_interval=self._heartbeat,
                        stalled_worker_timeout=6 * self._heartbeat,
                    )
                )
                if self._ended.is_set():
                    self._worker.cancel()
                await self._worker
            except asyncio.CancelledError:
                if not self._ended.is_set():
                    raise
            finally:
                self._app = self._worker = None

    async def _turn(self, job: str, org: str, tick: str) -> None:
        """One turn, in a thread: jobs wait for answers and for the disk."""
        loop = asyncio.get_running_loop()
        unit, due = Unit(job, org), datetime.fromisoformat(tick)
        for pause in STORE_PAUSES:
            try:
                await loop.run_in_executor(self._executor, self._perform, unit, due)
            except StoreError as error:
                # Nothing else could be done meanwhile either: the queue is in the same database.
                self._log("store", error.line(), level="error", job=job, org=org)
                await asyncio.sleep(pause)
            else:
                return


class _PatientManager(JobManager):
    """Notes the end of a job however long the database is away.

    A job that is done but not noted as done would hold its organization's lock for as long as its worker lives.
    """

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        for pause in STORE_PAUSES:
            try:
                return await super().finish_job(job, status, delete_job)
            except ConnectorException:
                await asyncio.sleep(pause)
        return await super().finish_job(job, status, delete_job)
