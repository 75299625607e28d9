"""Removes one guard at a time and checks that its tests fail.

A mutation is a patch whose first line names the tests that must fail: `Tests: path::name ...`.
It is applied to a temporary copy of the project, so your working tree stays as it is.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TIMEOUT_S = 120
# pytest's exit status if tests failed; 2 and above are other problems.
TESTS_FAILED = 1


def main() -> int:
    """Run the mutations named on the command line, or all; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="names of patches, without .patch")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="mutations at a time (2)")
    options = parser.parse_args()
    patches = [HERE / f"{name}.patch" for name in options.names] or sorted(HERE.glob("*.patch"))
    console = Console()
    survivors = []
    with ThreadPoolExecutor(options.jobs) as pool:
        running = {pool.submit(mutate, patch): patch.stem for patch in patches}
        for number, done in enumerate(as_completed(running), start=1):
            name, (caught, outcome) = running[done], done.result()
            line = f"[{number}/{len(patches)}] {name}: {outcome}"
            console.print(line, highlight=False, markup=False)
            survivors += [] if caught else [name]
    console.print(f"{len(patches) - len(survivors)} passed, {len(survivors)} failed")
    return 1 if survivors else 0


def mutate(patch: Path) -> tuple[bool, str]:
    """Run the tests of one mutation; return whether they caught it, and how they ended."""
    tests = patch.read_text().splitlines()[0].removeprefix("Tests: ").split()
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_of_project(Path(folder))
        applied = run(["git", "apply", str(patch)], copy)
        if applied.returncode:
            return False, f"the patch no longer applies: {applied.stderr.strip()}"
        try:
            tested = run([sys.executable, "-m", "pytest", "-q", "-x", *tests], copy)
        except subprocess.TimeoutExpired:
            # A test that hangs without its guard has caught the mutation too.
            return True, f"its test hung for {TIMEOUT_S} s"
    if tested.returncode == TESTS_FAILED:
        return True, "its test went red"
    last = tested.stdout.strip().splitlines()[-1:]
    return False, f"pytest exited with {tested.returncode}: {last}"


def copy_of_project(folder: Path) -> Path:
    """Copy the files that git tracks into `folder`, and make it a separate repository."""
    for name in run(["git", "ls-files"], ROOT).stdout.splitlines():
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    run(["git", "init", "--quiet"], folder)
    return folder


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    # Two copies that run at the same time must not share a database; without DATABASE_URL, each
    # test session uses its own SQLite file.
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "DATABASE_URL": ""},
        check=False,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )


if __name__ == "__main__":
    sys.exit(main())
