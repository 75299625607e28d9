"""`make` sets up the virtual environment, and does so again if that was not completed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
# Imitates the options of python, venv and pip that the Makefile uses.
PYTHON = """#!/bin/sh
[ "$1" = -m ] || exec $python "$@"
rm -rf .venv && mkdir -p .venv/bin
cp venv-python .venv/bin/python
touch .venv/has-pip
cp pip .venv/bin/pip
"""
VENV_PYTHON = """#!/bin/sh
[ "$2" = "import pip" ] && exec test -e .venv/has-pip
echo "the demo ran"
"""
PIP = """#!/bin/sh
! grep -q nonsense requirements/base.txt
"""
# Debian's Python without the package python3-venv.
WITHOUT_VENV = """#!/bin/sh
[ "$1" = -m ] || exec $python "$@"
mkdir -p .venv/bin
cp venv-python .venv/bin/python
echo "The virtual environment was not created successfully because ensurepip is not available."
exit 1
"""
TOO_OLD = "#!/bin/sh\nexit 1\n"
FAKE_PYTHON = "PYTHON=./python"
PACKAGE = "python{}.{}-venv".format(*sys.version_info)


@pytest.fixture(autouse=True)
def project(tmp_path: Path) -> None:
    """Create a project with the Makefile, and a fake Python whose environments run the demo."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "base.txt").touch()
    script(tmp_path / "python", PYTHON)
    script(tmp_path / "venv-python", VENV_PYTHON)
    script(tmp_path / "pip", PIP)


def script(path: Path, text: str) -> None:
    path.write_text(text.replace("$python", sys.executable))
    path.chmod(0o755)


def demo(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "demo", *words],  # noqa: S607
        cwd=folder,
        # `make test` sets MAKEFLAGS and MAKELEVEL, which change what make prints.
        env={
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MAKE", "MFLAGS", "PYTHON"))
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def assert_runs(folder: Path) -> None:
    done = demo(folder, FAKE_PYTHON)
    assert "the demo ran" in done.stdout, done.stderr


def test_make_sets_up_the_environment_only_once(tmp_path: Path) -> None:
    assert_runs(tmp_path)
    again = demo(tmp_path, FAKE_PYTHON)
    assert again.stdout.splitlines() == [".venv/bin/python manage.py demo", "the demo ran"]


def test_extras_are_installed_after_the_base_requirements(tmp_path: Path) -> None:
    script(tmp_path / "pip", "#!/bin/sh\nfor last; do :; done; echo $last >> installed\n")
    for name in ("s3", "django61"):
        (tmp_path / "requirements" / f"{name}.txt").touch()
    assert "the demo ran" in demo(tmp_path, FAKE_PYTHON, "EXTRAS=s3 django61").stdout
    assert (tmp_path / "installed").read_text().split() == [
        "requirements/base.txt",
        "requirements/s3.txt",
        "requirements/django61.txt",
    ]


def test_the_default_python3_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_pythons(tmp_path, monkeypatch, {"python3": PYTHON, "python3.14": TOO_OLD})
    assert "the demo ran" in demo(tmp_path).stdout


def test_another_python_is_used_if_the_default_python3_is_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_pythons(tmp_path, monkeypatch, {"python3": TOO_OLD, "python3.14": TOO_OLD})
    script(tmp_path / "bin" / "python3.12", PYTHON)
    assert "the demo ran" in demo(tmp_path).stdout


def use_pythons(folder: Path, monkeypatch: pytest.MonkeyPatch, scripts: dict[str, str]) -> None:
    """Put these Pythons at the front of PATH."""
    (folder / "bin").mkdir()
    monkeypatch.setenv("PATH", str(folder / "bin"), prepend=os.pathsep)
    for name, text in scripts.items():
        script(folder / "bin" / name, text)


def test_each_run_names_the_missing_venv_package_until_it_is_installed(tmp_path: Path) -> None:
    script(tmp_path / "python", WITHOUT_VENV)
    for _ in range(2):
        failed = demo(tmp_path, FAKE_PYTHON)
        assert failed.returncode == 2
        assert f"apt install {PACKAGE}" in failed.stderr
    script(tmp_path / "python", PYTHON)
    assert_runs(tmp_path)


def test_an_interrupted_installation_is_repeated_from_scratch(tmp_path: Path) -> None:
    assert_runs(tmp_path)
    (tmp_path / "requirements" / "base.txt").write_text("nonsense/")
    assert demo(tmp_path, FAKE_PYTHON).returncode == 2
    half_installed = tmp_path / ".venv" / "half-installed"
    half_installed.touch()
    (tmp_path / "requirements" / "base.txt").write_text("")
    assert_runs(tmp_path)
    assert not half_installed.exists()


def test_the_environment_of_a_removed_python_is_recreated(tmp_path: Path) -> None:
    assert_runs(tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/usr/bin/python3.removed")
    assert_runs(tmp_path)


def test_the_environment_of_another_minor_version_is_recreated(tmp_path: Path) -> None:
    assert_runs(tmp_path)
    # A newer Python behind the same link does not see the packages of the older one.
    (tmp_path / ".venv" / "has-pip").unlink()
    assert_runs(tmp_path)
    assert (tmp_path / ".venv" / "has-pip").exists()


@pytest.mark.parametrize("text", [TOO_OLD, "#!/missing\n"], ids=["too old", "missing"])
def test_an_unusable_python_is_refused_with_the_required_version(tmp_path: Path, text: str) -> None:
    script(tmp_path / "python", text)
    failed = demo(tmp_path, FAKE_PYTHON)
    assert failed.returncode == 2
    assert "needs Python 3.11 or newer" in failed.stderr
