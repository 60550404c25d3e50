"""Prism in front of the double: Twilio's whole published specification judges both sides. See tools/contract.sh."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator


def is_asked_for() -> bool:
    return "PRISM" in os.environ


@contextlib.contextmanager
def in_front_of(url: str) -> Iterator[str]:
    """Its address. Requests the specification refuses are answered 422, answers it refuses 500."""
    port = _free_port()
    command = ["node", os.environ["PRISM"], "proxy", "-h", "127.0.0.1", "-p", str(port), "--errors"]
    prism = subprocess.Popen(
        [*command, os.environ["PRISM_SPECIFICATION"], url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, prism)
        yield f"http://127.0.0.1:{port}"
    finally:
        prism.terminate()
        prism.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, prism: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and prism.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError("Prism did not start")
