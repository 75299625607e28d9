"""Folders with a minimal Debian, in which commands run as in a container.

They need root, debootstrap, unshare and access to Debian's mirror.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# Debian's testing release, whose python3 is 3.14, as in the base image of the Dockerfile.
SUITE = "forky"
MIRROR = "http://deb.debian.org/debian"
# Debian 12's debootstrap does not know later suites; its newest script works for them.
SCRIPT = "sid"
# Git and make are for the tests.
PACKAGES = "ca-certificates,python3,python3-venv,git,make"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def bare(folder: Path) -> Path:
    """Return the minimal Debian in this folder; download it the first time; exit on failure."""
    root = folder / SUITE
    if not root.exists():
        print(f"debootstrap {SUITE}", flush=True)
        made = root.with_name(f"{SUITE}.part")
        shutil.rmtree(made, ignore_errors=True)
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(made)]
        done = subprocess.run([*command, MIRROR, SCRIPT], capture_output=True, text=True)
        if done.returncode:
            last = (done.stdout + done.stderr).strip().splitlines()[-1:]
            sys.exit(f"error: debootstrap of {SUITE} from {MIRROR} failed: {''.join(last)}")
        made.rename(root)
    return root


def copied(bare: Path, folder: Path) -> Path:
    """Return a fresh copy that reaches the network as this machine does."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["cp", "--archive", "--reflink=auto", str(bare), str(folder)], check=True)
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, folder / CERTIFICATES.relative_to("/"))
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
    return folder


def run(root: Path, command: Sequence[str], shared: Path) -> int:
    """Run a command as root in this folder, with another one shared as /src; return its status."""
    (root / "src").mkdir(exist_ok=True)
    mounts = (
        f"mount --bind {root} {root} && mount --bind {shared} {root}/src && "
        f"mount --rbind /dev {root}/dev && mount --bind /proc {root}/proc && "
        f'mount --bind /sys {root}/sys && exec chroot {root} "$@"'
    )
    environment = os.environ | {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8"}
    words = ["unshare", "--mount", "sh", "-ec", mounts, "sh", *command]
    return subprocess.run(words, env=environment).returncode
