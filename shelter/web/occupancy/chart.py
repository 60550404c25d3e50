"""The trend as a drawing: columns in a coordinate system of their own, for SVG. The table beside it says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shelter.domain.occupancy import NightState
from shelter.queries.occupancy import Part

WIDTH, HEIGHT = 720, 180
LEFT, BOTTOM, TOP = 40, 24, 8  # room for the scale and the days
STACK = (NightState.OCCUPIED, NightState.RESERVED, NightState.HELD, NightState.CLOSED)  # from the ground up
STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Block:
    state: NightState
    x: float
    y: float
    width: float
    height: float
    is_ahead: bool


@dataclass(frozen=True)
class Line:
    y: float
    value: int


@dataclass(frozen=True)
class Column:
    part: Part
    x: float  # of its middle
    left: float
    width: float
    is_labelled: bool


@dataclass(frozen=True)
class Chart:
    blocks: tuple[Block, ...]
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    ground: int = HEIGHT - BOTTOM


def chart(parts: Sequence[Part]) -> Chart:
    """Stacked columns, one for each part; the height of all is the most units there were on any."""
    most = max((part.count.tally.available + part.count.tally.closed for part in parts if part.count), default=0)
    pitch = (WIDTH - LEFT) / max(1, len(parts))
    width = min(pitch * 0.76, 48)
    per_unit = (HEIGHT - TOP - BOTTOM) / most if most else 0
    blocks, columns = [], []
    label_every = max(1, -(-len(parts) // 16))
    for position, part in enumerate(parts):
        left = LEFT + position * pitch + (pitch - width) / 2
        columns.append(Column(part, _round(left + width / 2), _round(left), _round(width), position % label_every == 0))
        y: float = HEIGHT - BOTTOM
        for state in STACK if part.count else ():
            height = getattr(part.count.tally, state.value) * per_unit if part.count else 0
            if height:
                y -= height
                blocks.append(Block(state, _round(left), _round(y), _round(width), _round(height), part.is_ahead))
    return Chart(tuple(blocks), tuple(columns), tuple(_lines(most, per_unit)))


def _lines(most: int, per_unit: float) -> list[Line]:
    """Two to five round values of the scale."""
    if not most:
        return []
    step = next(s * 10**power for power in range(9) for s in STEPS if most / (s * 10**power) <= 5)
    return [Line(_round(HEIGHT - BOTTOM - value * per_unit), value) for value in range(step, most + 1, step)]


def _round(value: float) -> float:
    return round(value, 1)
