"""The frozen backbone: what it makes of whole pictures (for the retriever) and of places in them (for the VLM)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from tqdm import tqdm
from transformers import AutoModel

from finetune.loop import device
from finetune.photos.views import MIRRORED, WHOLE, Views
from raven_core.dual_encoder import pixels
from raven_core.images import load_image

BATCH = 64
Halves = npt.NDArray[np.float16]
Floats = npt.NDArray[np.float32]


def load_backbone(folder: Path) -> Any:
    """The image model in a folder, float32, frozen."""
    model: Any = AutoModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    # channels last: depthwise convolutions on a CPU are quicker so
    return model.requires_grad_(False).eval().to(device(), memory_format=torch.channels_last)


def vision_config(model: Any) -> dict[str, Any]:
    """The model's configuration as the dual encoder keeps it: without names of classes nor of files."""
    left_out = {
        "id2label",
        "label2id",
        "architectures",
        "dtype",
        "transformers_version",
        "_name_or_path",
    }
    return {"model_type": model.config.model_type} | {
        name: value for name, value in model.config.to_diff_dict().items() if name not in left_out
    }


@torch.inference_mode()
def pooled(model: Any, images: Sequence[Image.Image], size: int) -> torch.Tensor:
    """(len(images), width) float32: each picture as the encoder sees it, squared to ``size`` pixels."""
    seen: torch.Tensor = model(pixels(images, size).to(device())).pooler_output
    return seen.flatten(1).float()


def pooled_features(model: Any, files: Sequence[str], size: int) -> Floats:
    """(len(files), width) float32: ``pooled`` of the pictures in the files."""
    rows = []
    for start in tqdm(range(0, len(files), BATCH), desc="looking at pictures", unit="batch"):
        images = [load_image(file) for file in files[start : start + BATCH]]
        rows.append(pooled(model, images, size).cpu().numpy())
    return np.concatenate(rows)


@torch.inference_mode()
def feature_maps(model: Any, images: torch.Tensor) -> torch.Tensor:
    """(n, 3, s, s) → (n, places, width) float32: the last feature map, place by place."""
    maps: torch.Tensor = model(images.to(device())).last_hidden_state
    return maps.float().flatten(2).transpose(1, 2)


def principal_basis(maps: torch.Tensor, components: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean (width,) and directions (width, components) of most variance, scaled so that a direction has 1 on average.

    Directions keep their relative weight: what varies most matters most to who imitates it.
    """
    flat = maps.flatten(0, 1)
    mean = flat.mean(0)
    centred = (flat - mean).double()
    values, vectors = torch.linalg.eigh(centred.T @ centred / max(1, len(flat) - 1))
    kept = vectors[:, -components:].flip(1)
    scale = values[-components:].clamp(min=0).mean().sqrt().clamp(min=1e-6)
    return mean, (kept / scale).float()


def write_maps(model: Any, views: Views, path: Path, components: int, size: int, sample: int) -> tuple[Halves, Floats]:
    """What the teacher sees, on disk: maps (rows * views, places, components) float16 in the order row, view, and of
    whole pictures the pooled features (rows, width) float32.

    Of a mirrored picture it sees the mirrored map, so that one costs nothing. It goes on where it stopped: finished
    rows are counted in a file beside it.
    """
    mean, basis = _basis(model, views, path.with_suffix(".pt"), components, size, sample)
    total, count = len(views.pixels), views.count
    places, width = feature_maps(model, views.batch([0], [WHOLE], size)).shape[1:]
    counter = path.with_suffix(".count")
    first = int(counter.read_text()) if counter.exists() and path.exists() else 0
    mode: Any = "r+" if first else "w+"
    shape = (total * count, places, basis.shape[1])
    maps = np.lib.format.open_memmap(path, mode=mode, dtype=np.float16, shape=shape)
    pooled_path = path.with_name(f"{path.stem}-pooled.npy")
    whole = np.lib.format.open_memmap(pooled_path, mode=mode, dtype=np.float32, shape=(total, width))
    for start in tqdm(range(first, total, BATCH), desc="teacher", unit="batch"):
        rows = list(range(start, min(total, start + BATCH)))
        for view in (view for view in range(count) if view != MIRRORED):
            plain = feature_maps(model, views.batch(rows, [view] * len(rows), size))
            seen = (plain - mean) @ basis
            maps[[row * count + view for row in rows]] = seen.half().cpu().numpy()
            if view == WHOLE:
                whole[rows] = plain.mean(1).cpu().numpy()  # the backbone pools by the mean
                maps[[row * count + MIRRORED for row in rows]] = mirrored(seen).half().cpu().numpy()
        maps.flush()
        whole.flush()
        counter.write_text(str(rows[-1] + 1))
    return maps, whole


def mirrored(maps: torch.Tensor) -> torch.Tensor:
    """(n, side², width) maps with left and right exchanged."""
    side = round(maps.shape[1] ** 0.5)
    return maps.unflatten(1, (side, side)).flip(2).flatten(1, 2)


def _basis(
    model: Any, views: Views, path: Path, components: int, size: int, sample: int
) -> tuple[torch.Tensor, torch.Tensor]:
    if path.exists():
        return _placed(torch.load(path, weights_only=True))
    rows = np.unique(np.linspace(0, len(views.pixels) - 1, sample).astype(int)).tolist()
    chunks: Iterable[list[int]] = (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))
    maps = torch.cat([feature_maps(model, views.batch(c, [WHOLE] * len(c), size)) for c in chunks])
    found = principal_basis(maps, min(components, maps.shape[-1]))
    torch.save(tuple(part.cpu() for part in found), path)
    return found


def _placed(pair: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    return pair[0].to(device()), pair[1].to(device())
