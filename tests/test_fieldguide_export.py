"""The export command: layout, determinism, refusals."""

import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image

from finetune.fieldguide.__main__ import main


def run(out: Path, *extra: str, split: str = "near-domain", n: str = "3", seed: str = "1") -> int:
    return main(["export", "--split", split, "--n", n, "--seed", seed, "--out", str(out), "--size", "64", *extra])


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_captions_are_laid_out_as_coco(tmp_path: Path) -> None:
    assert run(tmp_path / "out") == 0
    coco = json.loads((tmp_path / "out/captions.json").read_text())
    assert [image["id"] for image in coco["images"]] == [1, 2, 3]
    assert [note["image_id"] for note in coco["annotations"]] == [1] * 5 + [2] * 5 + [3] * 5
    assert len({note["id"] for note in coco["annotations"]}) == 15
    for image in coco["images"]:
        assert image["domain"] == "near-domain" and len(image["traits"]) == 5 and isinstance(image["seed"], int)
        with Image.open(tmp_path / "out/images" / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"]) == (64, 64)


def test_questions_are_laid_out_as_vqa(tmp_path: Path) -> None:
    run(tmp_path / "out")
    asked = json.loads((tmp_path / "out/questions.json").read_text())["questions"]
    answered = json.loads((tmp_path / "out/annotations.json").read_text())["annotations"]
    ids = [question["question_id"] for question in asked]
    assert ids == [note["question_id"] for note in answered] and len(set(ids)) == len(ids)
    assert set(asked[0]) == {"question_id", "image_id", "question"}
    for note in answered:
        assert {"question_type", "answer_type", "multiple_choice_answer", "image_id"} <= set(note)
        assert [answer["answer_id"] for answer in note["answers"]] == list(range(1, 11))
        assert set(note["answers"][0]) == {"answer", "answer_id", "answer_confidence"}


def test_the_same_seed_gives_the_same_bytes_and_another_shares_no_image(tmp_path: Path) -> None:
    for name, seed in (("first", "1"), ("again", "1"), ("other", "2")):
        run(tmp_path / name, seed=seed, n="12")
    first, again, other = (hashes(tmp_path / name) for name in ("first", "again", "other"))
    assert first == again
    assert not set(first.values()) & set(other.values())


def test_a_folder_with_something_in_it_is_refused_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    assert run(tmp_path) == 2
    assert "--force" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_force_replaces_an_earlier_export_and_nothing_else(tmp_path: Path) -> None:
    run(tmp_path / "out", n="5")
    (tmp_path / "out/images/mine.png").write_bytes(b"keep")
    assert run(tmp_path / "out", "--force", n="2") == 0
    names = sorted(path.name for path in (tmp_path / "out/images").iterdir())
    assert names == ["mine.png", "near-domain-000000.png", "near-domain-000001.png"]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"split": "test"}, "in-domain"), ({"n": "0"}, "1 or more"), ({"n": "-3"}, "1 or more")],
)
def test_bad_options_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture, options: dict[str, str], message: str
) -> None:
    assert run(tmp_path / "out", **options) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()
