"""The one clock. Instants are aware and UTC; days are the shelter's own.

Time zone and cut-over are fixed at the first migration (table `installation`) and compared at boot.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shelter.domain.nights import operating_night

_zone = ZoneInfo("Asia/Seoul")
_cutover = timedelta(hours=8)


def configure(zone: ZoneInfo, cutover_hours: int) -> None:
    """Set once by the application factory."""
    global _zone, _cutover
    _zone, _cutover = zone, timedelta(hours=cutover_hours)


def now() -> datetime:
    """This instant, UTC, aware."""
    return datetime.now(UTC)


def timezone() -> ZoneInfo:
    return _zone


def cutover() -> timedelta:
    return _cutover


def local(instant: datetime) -> datetime:
    """The instant as the shelter's wall clock shows it."""
    return instant.astimezone(_zone)


def day_of(instant: datetime) -> date:
    """The calendar day of an instant."""
    return local(instant).date()


def today() -> date:
    """The calendar day now."""
    return day_of(now())


def shelter_day(instant: datetime | None = None) -> date:
    """The operating night: the local date of the instant minus the cut-over.

    At 02:10 on the 11th with a cut-over of 8 hours, tonight is the night of the 10th to the 11th.
    """
    return operating_night(local(instant or now()), _cutover / timedelta(hours=1))


def instant(day: date, hour: int = 0, minute: int = 0) -> datetime:
    """The UTC instant of a wall-clock time of the shelter."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=_zone).astimezone(UTC)


def in_night(night: date, at: time) -> datetime:
    """The instant of a wall-clock time in the operating night that begins on `night`."""
    day = night + timedelta(days=1) if timedelta(hours=at.hour, minutes=at.minute) < _cutover else night
    return instant(day, at.hour, at.minute)


def cutover_instant(day: date) -> datetime:
    """When the operating night that begins on `day` starts to be tonight."""
    return (datetime(day.year, day.month, day.day, tzinfo=_zone) + _cutover).astimezone(UTC)
