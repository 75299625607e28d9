"""The image and the Compose file agree with each other, with the settings and with `make run`."""

from __future__ import annotations

import fnmatch
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from mediapipe.operations import programs
from mediapipe.operations.programs import Program
from tests.support.configuration import settings_names
from tests.support.servers import missing

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKER = ROOT / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
COMPOSE = (DOCKER / "compose.yml").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
# gunicorn's default graceful_timeout: how long open requests may go on after SIGTERM.
GUNICORN_GRACE_S = 30
WORKERS = ("worker", "worker-retries", "worker-housekeeping")
OUR_SERVICES = ("web", *WORKERS, "beat")
Words = Sequence[str]


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    parsed: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
    return parsed


@pytest.fixture(scope="module")
def entry() -> Callable[[Words], Program]:
    """Return the function with which the entrypoint chooses a program."""
    chosen: Callable[[Words], Program] = runpy.run_path(str(DOCKER / "entrypoint.py"))["program"]
    return chosen


def seconds(grace: str) -> int:
    return int(grace.removesuffix("s"))


def test_the_containers_run_the_same_programs_as_make_run(
    services: dict[str, dict[str, Any]], entry: Callable[[Words], Program]
) -> None:
    expected = {
        "web": programs.web(settings.WEB_BIND),
        "worker": programs.worker("media"),
        "worker-retries": programs.worker("retries"),
        "worker-housekeeping": programs.worker("housekeeping"),
        "beat": programs.beat(),
    }
    for name, program in expected.items():
        assert entry(services[name]["command"]) == program


def test_first_attempts_have_two_workers_unless_configured_otherwise(
    services: dict[str, dict[str, Any]],
) -> None:
    replicas = {
        name: service["deploy"]["replicas"]
        for name, service in services.items()
        if "deploy" in service
    }
    assert replicas == {"worker": "${WORKER_PROCESSES:-2}"}


def test_any_other_word_is_run_as_a_command_of_manage_py(entry: Callable[[Words], Program]) -> None:
    assert entry(["migrate", "--noinput"]).command[1:] == ["manage.py", "migrate", "--noinput"]


def test_no_container_of_ours_starts_before_the_migrations_have_completed(
    services: dict[str, dict[str, Any]],
) -> None:
    for name in OUR_SERVICES:
        needed = services[name]["depends_on"]["migrate"]["condition"]
        assert needed == "service_completed_successfully", name


def test_a_stop_waits_for_the_downloads_and_requests_in_progress(
    services: dict[str, dict[str, Any]],
) -> None:
    for name in WORKERS:
        assert seconds(services[name]["stop_grace_period"]) > programs.worker().grace_s
    assert seconds(services["web"]["stop_grace_period"]) > GUNICORN_GRACE_S


def test_every_container_has_limits_on_memory_processes_and_disk(
    services: dict[str, dict[str, Any]],
) -> None:
    for name, service in services.items():
        assert service["mem_limit"] and service["pids_limit"], name
        assert {"max-size", "max-file"} <= service["logging"]["options"].keys(), name
        assert all("size=" in mount for mount in service.get("tmpfs", [])), name


def test_no_password_has_a_default() -> None:
    secrets = yaml.safe_load(COMPOSE)["secrets"]
    assert set(secrets) == {"postgres_password", "rabbitmq_password", "twilio_auth_token"}
    assert {name: secret["file"] for name, secret in secrets.items()} == {
        name: f"./secrets/{name}" for name in secrets
    }
    assert "docker/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert not re.search(r"(PASSWORD|TOKEN|SECRET)=.", EXAMPLE)


def test_the_environment_of_a_container_has_no_secret(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            assert not re.search("PASS|TOKEN|SECRET", variable) or variable.endswith("_FILE")
            if variable.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"], name
    # This image's entrypoint does not read secret files, so the shell does.
    assert services["rabbitmq"]["secrets"] == ["rabbitmq_password"]
    assert "$$(cat /run/secrets/rabbitmq_password)" in services["rabbitmq"]["command"][-1]


def test_the_image_has_no_installer() -> None:
    first, last = DOCKERFILE.split("\nFROM ")[1:]
    assert "pip uninstall --yes --quiet setuptools pip" in first
    assert "rm -rf /usr/local/lib/python3.14/site-packages/*" in last


def test_our_containers_can_write_only_to_their_volume(
    services: dict[str, dict[str, Any]],
) -> None:
    for name in (*OUR_SERVICES, "migrate"):
        assert services[name]["read_only"]
        assert services[name]["volumes"] == ["data:/data"]
    assert "DATA_DIR=/data" in DOCKERFILE


def test_the_database_does_not_log_the_values_of_a_failed_statement(
    services: dict[str, dict[str, Any]],
) -> None:
    command = services["postgres"]["command"]
    assert {"log_min_error_statement=panic", "log_error_verbosity=terse"} < set(command)


def test_only_the_tls_proxy_is_published_to_other_hosts(
    services: dict[str, dict[str, Any]],
) -> None:
    assert services["caddy"]["profiles"] == ["tls"]
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published.keys() == {"web", "caddy"}
    assert published["web"] == ["127.0.0.1:8000:8000"]


def test_the_example_lists_every_setting_and_every_variable_of_compose() -> None:
    shown = re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE)
    assert sorted(shown) == sorted(settings_names() | set(re.findall(r"\$\{([A-Z_]+)", COMPOSE)))


def test_empty_values_in_the_example_have_the_effect_of_unset_variables(tmp_path: Path) -> None:
    values = dict.fromkeys(re.findall(r"^([A-Z_]+)=$", EXAMPLE, re.MULTILINE), "")
    assert values.keys() == {"TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "PUBLIC_BASE_URL"}
    assert settings_with(values, tmp_path) == settings_with({}, tmp_path)


def test_the_defaults_that_the_example_shows_are_the_real_defaults(tmp_path: Path) -> None:
    shown = dict(re.findall(r"^#([A-Z_]+)=(.+)$", EXAMPLE, re.MULTILINE))
    assert settings_with(shown, tmp_path) == settings_with({}, tmp_path)


def settings_with(variables: dict[str, str], data_dir: Path) -> str:
    """Return every setting as a new process reads it from these variables alone."""
    script = "print({name: value for name, value in vars(settings).items() if name.isupper()})"
    return subprocess.run(
        [sys.executable, "-c", f"from mediapipe import settings; {script}"],
        env={"DATA_DIR": str(data_dir), **variables},
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_the_image_uses_the_python_of_the_project_and_does_not_run_as_root() -> None:
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"python:3.14-slim-trixie"}
    user = re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE)
    assert user and int(user[-1]) > 0


@pytest.mark.parametrize("path", [".env", "docker/.env", ".git/config", "var/secret_key", "tests"])
def test_secrets_data_and_history_stay_out_of_the_image(path: str) -> None:
    assert not is_in_image(path)


@pytest.mark.parametrize(
    "path", ["manage.py", "pyproject.toml", "mediapipe/celery.py", "docker/entrypoint.py"]
)
def test_the_program_is_included_in_the_image(path: str) -> None:
    assert is_in_image(path)


def test_every_path_that_the_dockerfile_copies_exists_and_is_not_ignored() -> None:
    for source in re.findall(r"^COPY (?!--)(\S+) ", DOCKERFILE, re.MULTILINE):
        assert (ROOT / source).exists()
        assert source == "." or is_in_image(source)


def is_in_image(path: str) -> bool:
    """Return whether .dockerignore lets a path into the image: the last matching rule decides."""
    allowed = True
    for rule in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = rule.removeprefix("!").rstrip("/")
        fits = fnmatch.fnmatch(path, pattern) or path.startswith(f"{pattern}/")
        if fits and not rule.startswith("#"):
            allowed = rule.startswith("!")
    return allowed


@pytest.fixture
def filled_in(tmp_path: Path) -> Path:
    """Return a folder with a copy of docker/ whose .env is filled in."""
    shutil.copytree(DOCKER, tmp_path / "docker")
    values = EXAMPLE.replace("PUBLIC_BASE_URL=\n", "PUBLIC_BASE_URL=https://media.example.com\n")
    (tmp_path / "docker" / ".env").write_text(values)
    return tmp_path


def test_docker_compose_accepts_the_compose_file(filled_in: Path) -> None:
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True).returncode:
        pytest.skip("there is no docker compose here")
    command = [docker, "compose", "-f", "docker/compose.yml", "config", "-q"]
    subprocess.run(command, cwd=filled_in, check=True)


def test_the_docker_compose_of_debian_accepts_the_compose_file(filled_in: Path) -> None:
    compose = shutil.which("docker-compose")
    if not compose:
        missing("there is no docker-compose here")
    # Compose version 1, which reads a file without an engine; only the key `name` is unknown to it.
    without_name = COMPOSE.replace("\nname: mediapipe\n", "\n")
    assert without_name != COMPOSE
    (filled_in / "docker" / "compose.yml").write_text(without_name)
    command = [compose, "-f", "docker/compose.yml", "--profile", "tls", "config"]
    done = subprocess.run(command, cwd=filled_in, check=True, capture_output=True, text=True)
    config = yaml.safe_load(done.stdout)
    caddy = config["services"]["caddy"]["environment"]
    assert caddy == {"PUBLIC_BASE_URL": "https://media.example.com"}
    assert "/secrets/twilio_auth_token" in config["secrets"]["twilio_auth_token"]["file"]
