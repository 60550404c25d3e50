"""The clockwork: one leading process runs the timetable, the others wait for its lock.

Two things start a job: its time, and a look around every minute at what was missed or failed. Both ask the database
whether the slot is done. The leader's lock, and jumps of the wall clock, are watched by a thread of their own.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from flask import Flask

from shelter import clock
from shelter.domain.timetable import EPOCH, Timing
from shelter.gateways.leadership import Leadership, NoAnswer
from shelter.jobs.schedule import JOBS, Job
from shelter.jobs.tasks import Counts, Run
from shelter.services import clockwork

LOST_LEADERSHIP = 3
POLL_SECONDS = 0.5
GUARD_SECONDS = 1.0
BEAT_SECONDS = 10
CATCH_UP_SECONDS = 60
LATEST = timedelta(seconds=90)  # a job that waits so much longer than it should was timed by a clock that was ahead
WORKERS = 4
log = structlog.get_logger("clockwork")


class Clockwork:
    def __init__(self, app: Flask, leadership: Leadership, jobs: Iterable[Job] = tuple(JOBS.values())) -> None:
        self._app = app
        self._leadership = leadership
        self._jobs = {job.name: job for job in jobs}
        self._running = {name: threading.Lock() for name in self._jobs}
        self._stopping = threading.Event()
        self.process = f"{socket.gethostname()[:60]}:{os.getpid()}"

    # From the outside ---------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Until SIGTERM or SIGINT: 0. Leaves the process with 3 when somebody else leads."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        if not self._wait_for_leadership():
            return 0
        try:
            self._lead()
        finally:
            self._leadership.release()
        return 0

    def stop(self) -> None:
        """No new job is begun; those running are told and waited for."""
        self._stopping.set()

    def catch_up(self) -> None:
        """Run, now, every slot that was missed, or failed long enough ago: of each job the latest."""
        now = clock.now()
        with self._app.app_context():
            clockwork.forget_future_runs(now)
            due = {job.timing: _slot(job, now) for job in self._jobs.values() if job.timing.has_slots}
            missed = clockwork.undone(due, now)
        for name in missed:
            if not self._stopping.is_set():
                self.run_due(name)

    def run_due(self, name: str) -> None:
        """The job's slot that is due now, unless it is done or being done. Failures are recorded, never raised."""
        job, lock = self._jobs[name], self._running[name]
        if self._stopping.is_set() or not lock.acquire(blocking=False):
            return
        try:
            with self._app.app_context():
                self._run_slot(job) if job.timing.has_slots else self._look(job)
        except Exception as broken:  # the database is away: the next look around finds the slot again
            log.error("a job could not be run", job=name, exc_info=broken)
        finally:
            lock.release()

    # Inside -------------------------------------------------------------------------------------------------------

    def _run_slot(self, job: Job) -> None:
        run_id = clockwork.begin_run(job.name, _slot(job, clock.now()))
        if run_id is None:
            return
        try:
            counts = job.run(self._this_run())
        except Exception as failed:
            log.error("a job failed", job=job.name, exc_info=failed)
            clockwork.end_run(run_id, error=failed)
        else:
            clockwork.end_run(run_id, counts=counts)
            self._tell(job, counts)

    def _look(self, job: Job) -> None:
        self._tell(job, job.run(self._this_run()))

    def _tell(self, job: Job, counts: Counts) -> None:
        if job.timing.is_daily or any(counts.values()):
            log.info("job done", job=job.name, **counts)

    def _this_run(self) -> Run:
        return Run(should_stop=self._stopping.is_set)

    def _wait_for_leadership(self) -> bool:
        is_said = False
        while not self._stopping.is_set():
            try:
                if self._leadership.acquire():
                    return True
            except NoAnswer:
                log.warning("the database does not answer")
            if not is_said:
                log.info("another process leads; waiting", process=self.process)
                is_said = True
            self._stopping.wait(POLL_SECONDS)
        return False

    def _lead(self) -> None:
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        scheduler = BlockingScheduler(
            timezone=clock.timezone(),
            executors={"default": ThreadPoolExecutor(WORKERS)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for job in self._jobs.values():
            scheduler.add_job(self.run_due, _trigger(job.timing), args=[job.name], id=job.name)
        self._add(scheduler, self._beat, BEAT_SECONDS)
        self._add(scheduler, self.catch_up, CATCH_UP_SECONDS)
        log.info("leading", process=self.process)
        guard = threading.Thread(target=self._guard, args=[scheduler], daemon=True)
        guard.start()
        scheduler.start()
        guard.join()

    def _add(self, scheduler: BlockingScheduler, task: Callable[[], None], seconds: int) -> None:
        def safely() -> None:
            try:
                task()
            except Exception as broken:
                log.error("the clockwork stumbled", task=task.__name__, exc_info=broken)

        scheduler.add_job(safely, _every(seconds), id=task.__name__, next_run_time=clock.now())

    def _beat(self) -> None:
        with self._app.app_context():
            clockwork.beat(self.process)

    def _guard(self, scheduler: BlockingScheduler) -> None:
        """Watches what APScheduler cannot: the lock, the wall clock, and whether we are to stop."""
        while not self._stopping.wait(GUARD_SECONDS):
            if not self._leadership.holds():
                self._lead_again_or_leave(scheduler)
            now = clock.now()
            waiting = [(job, getattr(job, "next_run_time", None)) for job in scheduler.get_jobs()]
            if too_late := [job for job, at in waiting if at and at > _next(job.trigger, now) + LATEST]:
                log.warning("the clock went back; every job is timed anew")
                for job in too_late:
                    job.reschedule(job.trigger)
        scheduler.shutdown(wait=True)

    def _lead_again_or_leave(self, scheduler: BlockingScheduler) -> None:
        """The lock is gone, with the database's restart for example. Whoever is faster leads."""
        log.warning("the lock is lost", process=self.process)
        scheduler.pause()
        while not self._stopping.is_set():
            try:
                if self._leadership.acquire():
                    log.info("leading again", process=self.process)
                    scheduler.resume()
                    return
                log.error("another process leads; this one ends", process=self.process)
                os._exit(LOST_LEADERSHIP)
            except NoAnswer:
                self._stopping.wait(POLL_SECONDS)


def _slot(job: Job, now: datetime) -> datetime:
    return job.timing.latest_due(now, clock.timezone())


def _trigger(timing: Timing) -> CronTrigger | IntervalTrigger:
    if timing.at is not None:
        return CronTrigger(hour=timing.at.hour, minute=timing.at.minute, timezone=clock.timezone())
    assert timing.every is not None
    return _every(int(timing.every.total_seconds()))


def _every(seconds: int) -> IntervalTrigger:
    """Counted from long ago, never from now: the wall clock may be wrong now."""
    return IntervalTrigger(seconds=seconds, start_date=EPOCH, timezone="UTC")


def _next(trigger: CronTrigger | IntervalTrigger, now: datetime) -> datetime:
    at: datetime = trigger.get_next_fire_time(None, now)
    return at
