"""The first process of a container: `web`, `worker`, `beat`, or any command of manage.py."""

import os
import sys
from collections.abc import Sequence

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def command(words: Sequence[str]) -> Sequence[str]:
    """Return the command line of a program, with the same options as `make run`."""
    # Imported here: it loads the settings, whose errors are printed below without a traceback.
    from mediapipe.operations import programs

    match words:
        case ["web"]:
            return programs.web(settings.WEB_BIND).command
        case ["worker", *queues]:
            return programs.worker(*queues).command
        case ["beat"]:
            return programs.beat().command
    return [sys.executable, "manage.py", *words]


if __name__ == "__main__":
    try:
        program = command(sys.argv[1:])
    except ImproperlyConfigured as error:
        sys.exit(f"error: {error}")
    # Replaces this process, so that the container's signals reach the program.
    os.execv(program[0], list(program))  # noqa: S606
