"""The whole build on made-up pictures, and what happens without data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finetune.photos.__main__ import main
from tests.photo_data import write_backbone, write_data
from tests.tiny import TEXTS, block


def test_without_data_it_says_what_is_missing_and_leaves_with_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as left:
        main(["--data", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")])
    assert left.value.code == 2
    assert "captions_train.jsonl" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_an_unknown_stage_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data = write_data(tmp_path / "data", 2, 1, 1)
    with pytest.raises(SystemExit):
        main(["--data", str(data), "--out", str(tmp_path / "out"), "--tiny", "--until", "lunch"])
    assert "'lunch'" in capsys.readouterr().err


def test_a_folder_begun_with_another_recipe_is_not_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data = write_data(tmp_path / "data", 14, 2, 6)
    command = ["--data", str(data), "--out", str(tmp_path / "out"), "--until", "data"]
    main([*command, "--tiny"])
    with pytest.raises(SystemExit) as left:
        main(command)
    assert left.value.code == 2 and "--fresh" in capsys.readouterr().err
    main([*command, "--fresh"])
    assert json.loads((tmp_path / "out" / "work" / "done" / "data.json").read_text())["photos"]["report"] == 2


def test_an_encoder_may_have_any_image_model_and_comes_back_the_same(tmp_path: Path):
    import numpy as np
    import torch

    from finetune.modelling import train_tokenizer
    from finetune.photos.backbone import load_backbone, pooled
    from finetune.photos.neighbours import project
    from finetune.photos.train_retriever import RetrieverSize, build_retriever, save_retriever
    from raven_core.dual_encoder import DualEncoder
    from raven_core.encoder import Encoder

    write_backbone(tmp_path / "backbone")
    backbone = load_backbone(tmp_path / "backbone")
    images = [block("red", 1), block("blue", 2)]
    features = pooled(backbone, images, 64).cpu().numpy()
    torch.manual_seed(1)
    size = RetrieverSize(image=64, dim=8, text_hidden=16)
    save_retriever(build_retriever(backbone, train_tokenizer(TEXTS, 400), features.shape[1], size), tmp_path / "enc")
    encoder = Encoder.load(tmp_path / "enc", "cpu")
    assert encoder.dim == 8
    assert np.allclose(
        encoder.encode_images(images), project(DualEncoder.load(str(tmp_path / "enc")), features), atol=5e-3
    )
    assert encoder.encode_texts(["a red creature"]).shape == (1, 8)


@pytest.mark.slow
def test_every_stage_runs_resumes_and_makes_a_profile_that_answers(tmp_path: Path):
    from raven_core import Raven, Settings

    data, out = write_data(tmp_path / "data"), tmp_path / "out"
    command = ["--data", str(data), "--out", str(out), "--tiny", "--tune"]
    main([*command, "--until", "retriever-0"])
    assert (out / "work" / "done" / "retriever-0.json").exists() and not (out / "profile.json").exists()
    main(command)
    report = json.loads((out / "report.json").read_text(encoding="utf8"))
    assert set(report["captions"]["scores"]) == {"no-retrieval", "sight", "none", "text", "image", "both", "copied"}
    assert report["captions"]["photos"] == 6 and report["questions"]["all"]["questions"] == 16
    assert "CIDEr" in (out / "results.md").read_text(encoding="utf8")
    raven = Raven.load(out, Settings(profile=str(out), device="cpu"))
    answer = raven.answer(block("red", 500), "how many chairs are there ?")
    assert len(answer.neighbours) == report["k"] or answer.neighbours
    assert raven.profile.default_adapter == "raven" and len(raven.profile.example_list()) == 2
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    main(command)  # nothing is left to do
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == before
