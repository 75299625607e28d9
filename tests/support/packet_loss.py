"""Real loss of packets: the kernel drops them, and neither side learns of it."""

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
                # On arrival: dropping what leaves would be an error of the sender's call.
                rule = ["INPUT", "-i", "lo", "-p", "tcp", end, str(port), "-j", "DROP"]
                _iptables("-I", *rule)
                stack.callback(_iptables, "-D", *rule)
        yield


def _iptables(*arguments: str) -> None:
    subprocess.run(["iptables", "-w", *arguments], check=True, timeout=60)  # noqa: S607
