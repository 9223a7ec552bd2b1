"""What every command does to keep its output its own."""

from __future__ import annotations

import os
import warnings


def hush() -> None:
    """Keep the libraries' progress bars and warnings out of a command's output."""
    warnings.simplefilter("ignore", FutureWarning)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    from transformers.utils import logging

    logging.disable_progress_bar()
