"""Version, changelog, licence, Procfile and pre-commit agree with the project."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.test import Client

from mediapipe.api.description import description
from tests.support.commands import ROOT, environment, manage
from tests.support.servers import free_port

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PROCFILE = dict(re.findall(r"^(\w+): (.+)$", (ROOT / "Procfile").read_text(), re.MULTILINE))


def test_the_service_has_the_version_of_the_project() -> None:
    assert PROJECT["version"] == settings.VERSION


def test_the_newest_release_of_the_changelog_is_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    releases = re.findall(r"^## \[(\d.*)\] - (\d{4}-\d\d-\d\d)$", changelog, re.MULTILINE)
    assert releases[0][0] == PROJECT["version"]
    assert re.search(r"^## \[Unreleased\]$", changelog, re.MULTILINE)


def test_the_version_is_passed_to_sentry_as_the_release(tmp_path: Path) -> None:
    done = manage(
        "shell",
        "--no-imports",
        "--command",
        "import sentry_sdk; print(sentry_sdk.get_client().options['release'])",
        data_dir=tmp_path,
        SENTRY_DSN="https://key@sentry.example/1",
    )
    assert (done.stdout, done.stderr) == (f"mediapipe@{settings.VERSION}\n", "")


def test_the_api_description_states_the_version() -> None:
    assert description()["info"]["version"] == settings.VERSION


def test_the_admin_shows_the_version_to_users_only(admin_client: Client, client: Client) -> None:
    assert f"mediapipe {settings.VERSION}" in admin_client.get("/admin/").content.decode()
    assert settings.VERSION not in client.get("/admin/login/").content.decode()


def test_the_readme_badges_match_the_project_metadata() -> None:
    pythons, djangos = (
        re.findall(rf"{name} :: (\d+\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE)
        for name in ("Python", "Django")
    )
    readme = (ROOT / "README.md").read_text()
    assert re.findall(r'shields\.io/\S+ alt="([^"]+)"', readme) == [
        f"Python {pythons[0]} to {pythons[-1]}",
        f"Django {', '.join(djangos)}",
        f"licence {PROJECT['license']}",
    ]


def test_the_licence_file_matches_the_declared_licence() -> None:
    assert PROJECT["license"] == "BSD-3-Clause"
    assert (ROOT / "LICENSE").read_text().startswith("BSD 3-Clause License\n")


def test_pre_commit_runs_what_ci_runs() -> None:
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    (hook,) = repo["hooks"]
    assert hook["entry"] in (ROOT / ".ci" / "run").read_text().splitlines()


def test_the_procfile_starts_a_whole_service() -> None:
    entry = "python docker/entrypoint.py"
    assert {
        # Without exec some shells do not pass on the platform's signals.
        "web": f"WEB_BIND=0.0.0.0:$PORT exec {entry} web",
        "worker": f"exec {entry} worker",
        "beat": f"exec {entry} beat",
        "release": f"{entry} migrate --noinput",
    } == PROCFILE


@pytest.mark.services
def test_the_web_process_of_the_procfile_listens_on_the_port_of_the_platform(
    tmp_path: Path,
) -> None:
    port = free_port()
    # As a platform starts it: through a shell, without this project's variables.
    env = environment(tmp_path, PORT=str(port), PATH=f"{Path(sys.executable).parent}:/usr/bin:/bin")
    env.pop("PYTHONPATH", None)
    env.pop("DJANGO_SETTINGS_MODULE", None)
    with subprocess.Popen(
        ["/bin/sh", "-c", PROCFILE["web"]], cwd=ROOT, env=env, start_new_session=True
    ) as process:
        try:
            assert alive(f"http://127.0.0.1:{port}/healthz")
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


def alive(url: str) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  (our own)
                return bool(answer.status == 200)
        except OSError:
            time.sleep(0.1)
    return False
