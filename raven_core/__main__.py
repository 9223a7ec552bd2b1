"""``python -m raven_core``."""

import sys

from raven_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
