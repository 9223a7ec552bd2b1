"""Reads models and adapters from their folders, and says what is wrong with a folder that cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForImageTextToText, AutoProcessor

from raven_core.errors import AdapterError, HubError, ProfileError
from raven_core.hub import local_folder
from raven_core.settings import HUB_PREFIX

# what the libraries raise for missing, truncated and unfit files
_UNLOADABLE = (OSError, ValueError, ImportError, RuntimeError, KeyError, TypeError, SafetensorError)


def model_folder(source: str) -> Path:
    """The folder of a model, or of a hub model's files.

    Raises:
        ProfileError: there is no such folder.
        HubError: the hub model cannot be fetched.
    """
    if not source.startswith(HUB_PREFIX) and not Path(source).is_dir():
        raise ProfileError(f"There is no model folder {source!r}: check the profile, or rebuild it.")
    return local_folder(source)


def load_base(source: str, folder: Path) -> tuple[Any, Any]:
    """Model, in float32, and processor out of a folder; ``source`` is what the profile calls it.

    Raises:
        ProfileError, HubError: the folder, or the hub model, does not hold a loadable model.
    """
    try:
        # the PIL backend needs no torchvision
        processor = AutoProcessor.from_pretrained(folder, backend="pil", local_files_only=True)
        model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    except _UNLOADABLE as error:
        if source.startswith(HUB_PREFIX):
            raise HubError(
                f"The hub model {source.removeprefix(HUB_PREFIX)!r} cannot be loaded ({_first_line(error)}). Install "
                "torchvision if its processor needs it, or use a profile with another model."
            ) from error
        raise ProfileError(f"No model can be loaded from {source!r}: {_first_line(error)}") from error
    return model, processor


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def attach(model: Any, adapter: str, folder: Path) -> Any:
    """The model with one more adapter, switched by its name.

    Raises:
        AdapterError: the folder holds none, or one of another model.
    """
    from peft import PeftModel

    if not (folder / "adapter_config.json").is_file():
        missing = f"The adapter {adapter!r} has no adapter_config.json in {folder}"
        raise AdapterError(f"{missing}: train it or mend the profile.")
    try:
        if isinstance(model, PeftModel):
            model.load_adapter(str(folder), adapter_name=adapter)
            return model
        return PeftModel.from_pretrained(model, str(folder), adapter_name=adapter)
    except _UNLOADABLE as error:
        raise AdapterError(f"The adapter {adapter!r} does not fit the model: {_first_line(error)}") from error
