"""What the timetable runs."""

from __future__ import annotations

import inspect

from shelter.jobs.schedule import JOBS


def test_every_job_has_a_task_of_its_name() -> None:
    assert all(job.run.__name__ == name.replace("-", "_") for name, job in JOBS.items())


def test_every_task_names_a_use_case_that_is_there() -> None:
    """They are imported when they run: a misspelt one would be noticed at night."""
    import importlib
    import re

    for job in JOBS.values():
        source = inspect.getsource(job.run)
        for module in re.findall(r"from shelter\.services import (\w+)", source):
            service = importlib.import_module(f"shelter.services.{module}")
            for name in re.findall(rf"\b{module}\.(\w+)\(", source):
                assert callable(getattr(service, name)), f"{job.name}: {module}.{name}"
