"""The first process of a container: `web`, `worker`, `beat`, or any command of manage.py."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from mediapipe.operations.programs import Program


def program(words: Sequence[str]) -> Program:
    """Return the program for these words; `make run` starts web, worker and beat alike."""
    # Imported here: it loads the settings, whose errors are printed below without a traceback.
    from mediapipe.operations import programs

    match words:
        case ["web"]:
            return programs.web(settings.WEB_BIND)
        case ["worker", *queues]:
            return programs.worker(*queues)
        case ["beat"]:
            return programs.beat()
    return programs.Program("manage", [sys.executable, "manage.py", *words])


if __name__ == "__main__":
    # Python puts only the script's own folder, docker/, on the path.
    sys.path.insert(0, str(Path(__file__).parent.parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mediapipe.settings")
    try:
        chosen = program(sys.argv[1:])
    except ImproperlyConfigured as error:
        sys.exit(f"error: {error}")
    # Replaces this process, so that the container's signals reach the program.
    os.execve(chosen.command[0], list(chosen.command), {**os.environ, **chosen.env})  # noqa: S606
