"""Jobs that work through many rows, a transaction each: one that cannot be handled does not keep the others waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import structlog

from shelter.database import UNAVAILABLE
from shelter.domain.errors import DatabaseBusy

log = structlog.get_logger("jobs")


@contextmanager
def one_by_one(job: str) -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Gives what each row is handled in. What failed there is raised when all were tried, so that the job has failed.

    Without a database all of them fail: that is raised at once.
    """
    failed: list[Exception] = []

    @contextmanager
    def each() -> Iterator[None]:
        try:
            yield
        except DatabaseBusy:
            raise
        except UNAVAILABLE:
            raise
        except Exception as broken:
            failed.append(broken)
            log.error("one of many could not be handled", job=job, exc_info=broken)

    yield each
    if failed:
        raise failed[0]
