"""Real packet loss: the kernel drops the packets without notifying either side."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.support.servers import missing


@contextmanager
def packet_loss(*ports: int) -> Iterator[None]:
    """Drop every packet to and from these local TCP ports inside the block."""
    if os.geteuid() != 0 or not shutil.which("iptables"):
        missing("dropping packets needs root and iptables")
    with ExitStack() as stack:
        for port in ports:
            for end in ("--dport", "--sport"):
                # Drop them on arrival: in OUTPUT the sender's call would fail.
                rule = ["INPUT", "-i", "lo", "-p", "tcp", end, str(port), "-j", "DROP"]
                _iptables("-I", *rule)
                stack.callback(_iptables, "-D", *rule)
        yield


def _iptables(*arguments: str) -> None:
    subprocess.run(["iptables", "-w", *arguments], check=True, timeout=60)  # noqa: S607
