#!/usr/bin/env python3
"""Build the image's root folder from docker/Dockerfile without a Docker engine, and try it.

For machines on which no engine runs, such as those of CI: `sudo docker/without_engine.py DIR`.
Each stage is a folder, its base a bare Debian from debootstrap, each RUN a command in a chroot.
Its programs are then tried as the image's user, on a read-only root, without capabilities.

It needs root, debootstrap and unshare. Unlike with an engine, the Python 3.14 is that of Debian's
testing release instead of the base image's, and there are no layers. All steps come from the
Dockerfile; an instruction that is not known here is an error.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import debian

ROOT = Path(__file__).resolve().parent.parent
# What pip needs on this machine to reach its index; not part of the image.
BUILD_ENVIRONMENT = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
WAIT_S = 60.0
ACCOUNT = {
    "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000005150",
    "TWILIO_AUTH_TOKEN": "simulated-token-that-opens-nothing",
}


@dataclass
class Stage:
    """One stage of the Dockerfile: its folder, and what its instructions have set so far."""

    folder: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": debian.SYSTEM_PATH})
    arguments: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield each instruction and what follows it, its lines joined and comments left out."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


def build(folder: Path) -> Stage:
    """Return the last stage of the Dockerfile, built below this folder."""
    bare = debian.bare(folder)
    stages: dict[str, Stage] = {}
    stage = Stage(bare)
    for word, rest in instructions((ROOT / "docker" / "Dockerfile").read_text()):
        say(f"{word} {rest}"[:100])
        if word == "FROM":
            name = rest.partition(" AS ")[2] or "image"
            stage = stages[name] = started(bare, folder / name)
        else:
            obey(stage, word, rest, stages)
    return stage


def started(bare: Path, folder: Path) -> Stage:
    """Return a stage that is a copy of the bare system, with `python` as in the base image."""
    debian.copied(bare, folder)
    (folder / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    return Stage(folder)


def obey(stage: Stage, word: str, rest: str, stages: dict[str, Stage]) -> None:
    """Carry out one instruction in this stage; exit if it is unknown."""
    match word:
        case "RUN":
            run(stage, rest)
        case "COPY":
            copy(stage, rest.split(), stages)
        case "ENV":
            for name, value in re.findall(r"(\w+)=(\S+)", rest):
                stage.environment[name] = value.replace("$PATH", stage.environment["PATH"])
        case "ARG":
            name, _, value = rest.partition("=")
            stage.arguments[name] = value.strip('"')
        case "WORKDIR":
            stage.workdir = rest
        case "USER":
            stage.user = rest
        case "ENTRYPOINT":
            stage.entrypoint = json.loads(rest)
        case "HEALTHCHECK":
            stage.health = json.loads(rest.partition("CMD ")[2])
        case "CMD" | "EXPOSE" | "STOPSIGNAL":
            pass
        case _:
            sys.exit(f"error: {word} is an instruction that this script does not know.")


def run(stage: Stage, command: str) -> None:
    """Run a command in the stage's folder as root, as RUN does."""
    subprocess.run(
        ["chroot", str(stage.folder), "/bin/sh", "-ec", f"cd {stage.workdir} && {command}"],
        env=stage.environment | stage.arguments | BUILD_ENVIRONMENT,
        check=True,
    )


def copy(stage: Stage, words: Sequence[str], stages: dict[str, Stage]) -> None:
    """Copy from another stage, or from the repository the files that .dockerignore lets in."""
    options = [word for word in words if word.startswith("--")]
    *sources, target = words[len(options) :]
    to = stage.folder / target.lstrip("/")
    if options:
        (option,) = options
        other = stages[option.removeprefix("--from=")].folder
        for source in sources:
            shutil.copytree(other / source.lstrip("/"), to, symlinks=True)
        return
    files = let_in() if sources == ["."] else sources
    for file in files:
        # In the target folder single files keep only their names, the whole tree its paths.
        place = to / file if sources == ["."] else to / Path(file).name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, place)


def let_in() -> list[str]:
    """Return the files of the repository that .dockerignore lets in."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    return [path for path in listed if is_let_in(path, rules)]


def is_let_in(path: str, rules: Sequence[str]) -> bool:
    """Return whether the last rule that matches this path lets it in; without any, True."""
    allowed = True
    for rule in rules:
        pattern = rule.removeprefix("!").rstrip("/")
        if fnmatch.fnmatch(path, pattern) or path.startswith(f"{pattern}/"):
            allowed = rule.startswith("!")
    return allowed


def container(stage: Stage, command: Sequence[str], **environment: str) -> list[str]:
    """Return a command that runs another one as Compose would: in the image, with a read-only root,
    as its user, without capabilities, with /data and /tmp to write to.
    """
    root, data = stage.folder, stage.folder.parent / "data"
    user, _, group = stage.user.partition(":")
    drop = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs"]
    values = [f"{name}={value}" for name, value in (stage.environment | environment).items()]
    inside = [*drop, "--bounding-set=-all", "env", "-i", "--chdir", stage.workdir, *values]
    mounts = (
        f"mount --bind {root} {root} && mount --bind {data} {root}/data && "
        f"mount -o remount,bind,ro {root} && mount -t tmpfs tmpfs {root}/tmp && "
        f"mount --bind /dev {root}/dev && mount --bind /proc {root}/proc && "
        f'exec chroot {root} "$@"'
    )
    return ["unshare", "--mount", "sh", "-ec", mounts, "sh", *inside, *command]


@contextmanager
def running(stage: Stage, *words: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the image's entrypoint with these words; terminate it on exit."""
    command = container(stage, [*stage.entrypoint, *words], **ACCOUNT, **environment)
    with subprocess.Popen(command) as process:
        try:
            yield process
        finally:
            # If it were killed immediately, the embedded broker would leave its server behind.
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(WAIT_S)
            process.kill()


def try_out(stage: Stage) -> None:
    """Migrate, serve, work and stop in the finished image; exit with status 1 if a check fails."""
    data = stage.folder.parent / "data"
    shutil.rmtree(data, ignore_errors=True)
    # Like a new volume, it has the owner of the folder in the image.
    shutil.copytree(stage.folder / "data", data)
    user, group = map(int, stage.user.split(":"))
    os.chown(data, user, group)
    check("it does not run as root", user > 0)
    check("nothing can be installed", not installs(stage))
    check("the tables are made", ended(stage, "migrate", "--noinput", "--verbosity=0") == 0)
    check("its own configuration is right", ended(stage, "check", "--tag", "mediapipe") == 0)
    try_web(stage)
    try_worker(stage)
    check("nothing can be written to the program", not writable(stage, "/app/x"))
    check("data can be written", writable(stage, "/data/x"))


def try_web(stage: Stage) -> None:
    """Start web, check its health as the image does, stop it."""
    port = free_port()
    health = [word.replace(":8000", f":{port}") for word in stage.health]
    with running(stage, "web", WEB_BIND=f"127.0.0.1:{port}") as web:
        check("web becomes healthy", becomes_healthy(stage, health))
        check("web ends cleanly on SIGTERM", stops(web))


def try_worker(stage: Stage) -> None:
    """Start a worker on the embedded broker, wait for its heartbeat, stop it."""
    alive = "import os, time; assert time.time() - os.stat('/data/alive').st_mtime < 60"
    beats = {"HEARTBEAT_FILE": "/data/alive"}
    with running(stage, "embedded_broker"), running(stage, "worker", "media", **beats) as worker:
        check("a worker becomes healthy", becomes_healthy(stage, ["python", "-c", alive]))
        check("a worker ends cleanly on SIGTERM", stops(worker))


def becomes_healthy(stage: Stage, command: Sequence[str]) -> bool:
    """Return whether this command succeeds in the image within WAIT_S."""
    deadline = time.monotonic() + WAIT_S
    while subprocess.run(container(stage, command), stderr=subprocess.DEVNULL).returncode:
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return True


def stops(process: subprocess.Popen[bytes]) -> bool:
    """Return whether the program exits with status 0 on SIGTERM."""
    process.send_signal(signal.SIGTERM)
    return process.wait(WAIT_S) == 0


def ended(stage: Stage, *words: str) -> int:
    with running(stage, *words) as process:
        return process.wait(WAIT_S)


def installs(stage: Stage) -> bool:
    """Return whether the program's environment has pip."""
    pip = container(stage, ["python", "-m", "pip", "--version"])
    return subprocess.run(pip, stderr=subprocess.DEVNULL).returncode == 0


def writable(stage: Stage, path: str) -> bool:
    touch = container(stage, ["touch", path])
    return subprocess.run(touch, stderr=subprocess.DEVNULL).returncode == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check(sentence: str, holds: bool) -> None:
    """Print the result of a check; exit with status 1 if it failed."""
    say(f"{'✓' if holds else '✗'} {sentence}")
    if not holds:
        sys.exit(1)


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2 or os.geteuid() or not shutil.which("debootstrap"):
        sys.exit("usage, as root and with debootstrap installed: docker/without_engine.py FOLDER")
    work = Path(sys.argv[1]).resolve()
    work.mkdir(parents=True, exist_ok=True)
    try_out(build(work))
