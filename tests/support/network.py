"""Tests speak to this machine only. An audit hook sees every socket of the process and cannot be removed."""

from __future__ import annotations

import ipaddress
import sys
from typing import Any

_names = {"localhost", "", None}


class LeftTheMachine(AssertionError):
    """A test tried to reach another machine."""


def guard() -> None:
    """From here on, connecting or resolving beyond loopback raises LeftTheMachine."""
    sys.addaudithook(_refuse_foreign)


def _refuse_foreign(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and not _is_local(address[0]):
            raise LeftTheMachine(f"{event} to {address!r}")
    elif event == "socket.getaddrinfo" and not _is_local(arguments[0]):
        raise LeftTheMachine(f"{event} of {arguments[0]!r}")


def _is_local(host: Any) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in _names:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
