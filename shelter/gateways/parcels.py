"""Several things as one stream: a plain tar, so that any system can take them apart.

The data are in parts of a few megabytes, because nobody knows beforehand how much there will be:
`cat NAME.part-* > NAME` puts them together again.
"""

from __future__ import annotations

import itertools
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO

PART = 8 * 1024 * 1024
END = bytes(2 * tarfile.BLOCKSIZE)


class NotAParcel(Exception):
    """Not what `pack` makes."""


def pack(papers: dict[str, bytes], name: str, data: Iterable[bytes], made_at: datetime) -> Iterator[bytes]:
    """The papers, then the data as `<name>.part-00001` and so on."""
    for paper, text in papers.items():
        yield from _member(paper, text, made_at)
    for number, part in enumerate(_parts(data), 1):
        yield from _member(f"{name}.part-{number:05}", part, made_at)
    yield END


def unpack(file: IO[bytes], papers: Iterable[str], name: str) -> tuple[dict[str, bytes], Iterator[bytes]]:
    """The papers, and the data as chunks. Raises NotAParcel, the chunks too."""
    with _as_tar():
        archive = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115
    return {paper: _read(archive, archive.next(), paper) for paper in papers}, _data(archive, name)


def _data(archive: tarfile.TarFile, name: str) -> Iterator[bytes]:
    for number in itertools.count(1):
        with _as_tar():
            member = archive.next()
        if member is None:
            return
        yield _read(archive, member, f"{name}.part-{number:05}")


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo | None, name: str) -> bytes:
    with _as_tar():
        content = archive.extractfile(member) if member and member.name == name else None
        if content is None:
            raise NotAParcel(name)
        return content.read()


@contextmanager
def _as_tar() -> Iterator[None]:
    try:
        yield
    except tarfile.TarError as other:
        raise NotAParcel() from other


def _member(name: str, content: bytes, made_at: datetime) -> Iterator[bytes]:
    about = tarfile.TarInfo(name)
    about.size, about.mode, about.mtime = len(content), 0o600, int(made_at.timestamp())
    yield about.tobuf(tarfile.USTAR_FORMAT)
    yield content
    yield bytes(-len(content) % tarfile.BLOCKSIZE)


def _parts(data: Iterable[bytes]) -> Iterator[bytes]:
    part = bytearray()
    for chunk in data:
        part += chunk
        while len(part) >= PART:
            yield bytes(part[:PART])
            del part[:PART]
    if part:
        yield bytes(part)

