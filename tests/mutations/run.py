"""Takes each guard out, one after the other, and sees its test go red.

A mutation is a patch whose first line names the tests that must fail: `Tests: path::name ...`.
It is applied to a copy of the project, so nothing of yours is touched.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import track

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LONGEST_S = 90
# Exit status of pytest when it ran and tests failed; 2 and above are troubles of another kind.
TESTS_FAILED = 1


def main() -> int:
    """Run the mutations named on the command line, else all; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="names of patches, without .patch")
    names = parser.parse_args().names
    patches = [HERE / f"{name}.patch" for name in names] or sorted(HERE.glob("*.patch"))
    console = Console()
    survivors = []
    for patch in track(patches, "mutating", console=console):
        problem = survived(patch)
        console.print(f"{patch.stem}: {problem or 'its test went red'}", highlight=False)
        survivors += [patch.stem] if problem else []
    console.print(f"{len(patches) - len(survivors)} passed, {len(survivors)} failed")
    return 1 if survivors else 0


def survived(patch: Path) -> str:
    """Return why a mutation was not caught, or nothing if its test went red."""
    tests = patch.read_text().splitlines()[0].removeprefix("Tests: ").split()
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_of_project(Path(folder))
        applied = run(["git", "apply", str(patch)], copy)
        if applied.returncode:
            return f"the patch does not apply any more: {applied.stderr.strip()}"
        try:
            tested = run([sys.executable, "-m", "pytest", "-q", "-x", *tests], copy)
        except subprocess.TimeoutExpired:
            # What waits for ever without its guard is as good as a failed assertion.
            return ""
    if tested.returncode == TESTS_FAILED:
        return ""
    return f"pytest ended with {tested.returncode}: {tested.stdout.strip().splitlines()[-1:]}"


def copy_of_project(folder: Path) -> Path:
    """Copy what git knows into a folder of its own, so that a patch applies to that alone."""
    listed = run(["git", "ls-files"], ROOT).stdout.splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    run(["git", "init", "--quiet"], folder)
    return folder


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, timeout=LONGEST_S
    )


if __name__ == "__main__":
    sys.exit(main())
