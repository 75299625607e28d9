#!/usr/bin/env python
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mediapipe.settings")
    try:
        from mediapipe.management.main import main
    except KeyboardInterrupt:
        sys.exit(130)
    main(sys.argv)
