"""Every format is recognised and read; what is wrong with a data set is said."""

import importlib
import json
from pathlib import Path

import pytest
from PIL import Image

from raven_core.datasets import huggingface, load
from raven_core.datasets.daquar import question_type
from raven_core.errors import HubError, ImageError, OptionError
from tests.evaluating import vqa_answers, write_captions, write_questions
from tests.tiny import block

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the real data sets are not here")


def picture(path: Path, colour: str = "red", size: int = 8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (size, size), colour).save(path)
    return path


def write(path: Path, content) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def lines(rows) -> str:
    return "\n".join(json.dumps(row) for row in rows)


def test_coco_captions_with_the_domains_of_nocaps(tmp_path):
    domains = {"red.png": "in-domain", "green.png": "near-domain", "blue.png": "out-domain"}
    data = load(write_captions(tmp_path, domains) / "captions.json")
    assert (data.format, data.tasks, data.metric("caption"), len(data)) == ("coco", ("caption",), "CIDEr", 3)
    first = data.examples[0]
    assert (first.id, first.number, first.domain, first.extra) == ("1", 1, "in-domain", {"species": "rud"})
    assert first.references == ("a red rud sleeps here", "the rud is red and sleeps")
    assert first.open().getpixel((0, 0))[1:] == (0, 0) and first.image == tmp_path / "images" / "red.png"
    assert [example.id for example in load(tmp_path, split="out-domain").examples] == ["3"]


def test_vqa_v2_with_its_annotations_and_pictures_named_by_a_caption_file(tmp_path):
    data = load(write_questions(write_captions(tmp_path)), task="vqa")
    assert (data.format, data.metric("vqa"), len(data)) == (
        "coco+vqa" if len(data.tasks) > 1 else "vqa",
        "vqa_accuracy",
        6,
    )
    second = data.examples[1]
    assert (second.id, second.question, second.answers) == ("11", "what does it eat", ("moss",) * 10)
    assert (second.question_type, second.answer_type, second.image.name) == ("what does", "other", "red.png")
    assert second.extra["species"] == "rud" and second.image_id == "1"


def test_vqa_pictures_are_found_by_number(tmp_path):
    questions = [{"question_id": n, "image_id": n, "question": "why"} for n in (42, 7, 5)]
    write(tmp_path / "v2_questions.json", {"data_subtype": "val2014", "questions": questions})
    pictures = [
        picture(tmp_path / "val" / "COCO_val2014_000000000042.jpg"),
        picture(tmp_path / "val" / "photo_0007.png"),
        picture(tmp_path / "val" / "5.jpg"),
    ]
    picture(tmp_path / "val" / "COCO_train2014_000000000042.jpg", "blue")
    data = load(tmp_path / "v2_questions.json")
    assert [example.image for example in data.examples] == pictures
    assert data.examples[0].answers == () and data.metric("vqa") == "exact_match"


def test_a_folder_with_captions_and_questions_holds_both_tasks(tmp_path):
    folder = write_questions(write_captions(tmp_path))
    data = load(folder)
    assert (data.tasks, len(data.of("caption")), len(data.of("vqa"))) == (("caption", "vqa"), 3, 6)
    assert load(folder, task="caption").tasks == ("caption",) and load(folder, task="vqa").tasks == ("vqa",)


def test_karpathy_splits_count_restval_as_train(tmp_path):
    images = [
        {"cocoid": n, "filename": f"{n}.jpg", "filepath": "val", "split": split,
         "sentences": [{"raw": f"raw {n}"}, {"tokens": ["two", "tokens"]}]}
        for n, split in ((1, "train"), (2, "restval"), (3, "test"))
    ]  # fmt: skip
    write(tmp_path / "dataset.json", {"images": images, "dataset": "coco"})
    picture(tmp_path / "images" / "val" / "3.jpg")
    train, test = load(tmp_path, split="train"), load(tmp_path, split="test")
    assert train.format == "karpathy" and [example.id for example in train.examples] == ["1", "2"]
    assert test.examples[0].references == ("raw 3", "two tokens") and test.examples[0].open().size == (8, 8)
    with pytest.raises(OptionError, match="no examples with split 'val'"):
        load(tmp_path, split="val")


def test_flickr_token_files_group_their_captions(tmp_path):
    write(tmp_path / "Flickr8k.token.txt", "a.jpg#0\tone dog .\na.jpg#1\ta dog #2 runs\nb.jpg#0\ta cat\n")
    write(tmp_path / "Flickr_8k.devImages.txt", "b.jpg\n")
    picture(tmp_path / "Flicker8k_Dataset" / "b.jpg")
    data = load(tmp_path / "Flickr8k.token.txt")
    assert data.format == "flickr" and [example.id for example in data.examples] == ["a.jpg", "b.jpg"]
    assert data.examples[0].references == ("one dog .", "a dog #2 runs")
    (only,) = load(tmp_path, split="dev").examples
    assert only.id == "b.jpg" and only.open().size == (8, 8)
    with pytest.raises(OptionError, match="test"):
        load(tmp_path, split="test")


def test_a_folder_with_a_csv_of_captions(tmp_path):
    picture(tmp_path / "a.png")
    write(
        tmp_path / "captions.csv", 'file_name,caption,mood\na.png,"a dog, running",good\na.png,a dog,good\nb.png,x,\n'
    )
    data = load(tmp_path)
    assert data.format == "folder" and data.name == tmp_path.name
    assert data.examples[0].references == ("a dog, running", "a dog") and data.examples[0].extra == {"mood": "good"}
    with pytest.raises(ImageError, match=r"b\.png"):
        data.examples[1].open()  # told when it is opened, so that one picture does not end a run


def test_a_folder_with_json_lines_and_splits(tmp_path):
    rows = [
        {"image": f"{n}.jpg", "captions": [f"one {n}", f"two {n}"], "split": s} for n, s in ((1, "dev"), (2, "train"))
    ]
    write(tmp_path / "captions_all.jsonl", lines(rows))
    assert [example.references for example in load(tmp_path, split="dev").examples] == [("one 1", "two 1")]
    write(tmp_path / "captions_dev.jsonl", lines(rows[:1]))
    assert len(load(tmp_path, split="dev")) == 1  # the file that the split names
    with pytest.raises(OptionError, match="several data sets"):
        load(tmp_path)


def test_a_table_of_questions(tmp_path):
    rows = [
        {"image": "a.jpg", "question": "what", "answers": ["x", "y"], "question_type": "w"},
        {"image": "a.jpg", "question": "who", "answers": ["z", "z"]},
    ]
    data = load(write(tmp_path / "data.jsonl", lines(rows)))
    assert [example.answers for example in data.examples] == [("x", "y"), ("z", "z")]
    assert data.metric("vqa") == "vqa_accuracy" and [example.id for example in data.examples] == ["0", "1"]
    single = load(write(tmp_path / "single.csv", "image,question,answer\na.jpg,what,x\n"))
    assert single.metric("vqa") == "exact_match" and single.examples[0].answers == ("x",)


def test_a_table_may_hold_captions_and_questions(tmp_path):
    both = [{"image": "a.jpg", "caption": "a fox"}, {"image": "a.jpg", "question": "what", "answer": "fox"}]
    data = load(write(tmp_path / "data.jsonl", lines(both)))
    assert data.tasks == ("caption", "vqa") and data.of("caption")[0].references == ("a fox",)
    with pytest.raises(OptionError, match="neither question nor caption"):
        load(write(tmp_path / "data.jsonl", lines([*both, {"image": "b.jpg", "answer": "hen"}])))


def test_one_answer_to_any_question_of_a_table_leaves_exact_match_whatever_the_limit(tmp_path):
    rows = [{"image": "a.jpg", "question": f"what {n}", "answers": ["x", "y"][: 1 + (n > 0)]} for n in range(9)]
    path = write(tmp_path / "data.jsonl", lines(rows))
    assert {load(path, limit=n, seed=n).metric("vqa") for n in (1, 2, 3, 9)} == {"exact_match"}
    rows[0]["answers"] = []  # asked, and not known
    assert load(write(path, lines(rows))).metric("vqa") == "vqa_accuracy"


def test_a_split_that_nothing_names_is_refused(tmp_path):
    row = {"question_id": 7, "image": "image3.jpg", "question": "what is there ?", "answer": "lamp"}
    path = write(tmp_path / "questions_dev.jsonl", lines([row]))
    assert len(load(path, split="dev")) == 1  # the file bears its name
    with pytest.raises(OptionError, match="which examples are of the split 'test'"):
        load(path, split="test")
    table = write(tmp_path / "table.csv", "image,caption,domain\na.jpg,a fox,in\nb.jpg,a hen,out\n")
    assert [example.domain for example in load(table, split="out").examples] == ["out"]
    with pytest.raises(OptionError, match="leave the split out"):
        load(table, split="near")


def test_daquar(tmp_path):
    row = {"question_id": 7, "image": "image3.jpg", "question": "what is there ?", "answer": "lamp, chair"}
    data = load(write(tmp_path / "questions.jsonl", lines([row])))
    (example,) = data.examples
    assert (data.format, data.metric("vqa"), example.answers) == ("daquar", "exact_match", ("lamp, chair",))
    assert (example.question_type, example.answer_type, example.number) == ("object", "several", 7)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("how many chairs are there ?", "number"),
        ("what color is the wall ?", "colour"),
        ("what is the colour of it ?", "colour"),
        ("what colours are the chairs ?", "colour"),
        ("where is the lamp ?", "place"),
        ("what is left of the red chair ?", "object"),
    ],
)
def test_daquar_questions_are_told_apart_by_their_first_words(question, kind):
    assert question_type(question) == kind


# ---------------------------------------------------------------------- Hugging Face


def test_a_saved_hugging_face_folder(tmp_path):
    library = pytest.importorskip("datasets")
    rows = {"image": [block("red", 1), block("blue", 2)], "caption": [["a", "b"], ["c"]], "image_id": [5, 6]}
    table = library.Dataset.from_dict(rows)
    table.cast_column("image", library.Image()).save_to_disk(str(tmp_path / "one"))
    data = load(tmp_path / "one")
    assert data.format == "huggingface" and [example.id for example in data.examples] == ["5", "6"]
    assert data.examples[0].references == ("a", "b") and data.examples[1].open().getpixel((0, 0))[:2] == (0, 0)
    library.DatasetDict({"dev": table, "test": table}).save_to_disk(str(tmp_path / "two"))
    assert len(load(tmp_path / "two", split="test")) == 2
    with pytest.raises(OptionError, match="dev, test"):
        load(tmp_path / "two")


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    write(tmp_path / "state.json", {})

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(OptionError, match="pip install datasets"):
        load(tmp_path)


def test_a_hub_is_asked_only_by_name(monkeypatch):
    asked = []

    class Library:
        @staticmethod
        def load_dataset(name, split=None):
            asked.append((name, split))
            raise ConnectionError("offline")

    monkeypatch.setattr(huggingface, "_library", Library)
    with pytest.raises(OptionError, match="write hub:owner/name"):
        load("owner/name")
    assert asked == []
    with pytest.raises(HubError, match="'owner/name' could not be fetched"):
        load("hub:owner/name", split="test")
    assert asked == [("owner/name", "test")]


# ---------------------------------------------------------------------- limits and what is wrong


def test_a_larger_limit_holds_a_smaller_ones_examples(tmp_path):
    write(tmp_path / "all.csv", "image,caption\n" + "".join(f"{n}.jpg,x\n" for n in range(50)))

    def names(limit, seed=0):
        return [example.id for example in load(tmp_path, limit=limit, seed=seed).examples]

    assert len(names(10)) == 10 and set(names(10)) < set(names(20)) and names(10) != names(10, seed=1)
    assert names(20) == sorted(names(20), key=lambda name: int(name.split(".")[0]))  # in the file's order
    assert names(None) == names(99)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.json", "{", "not valid JSON"),
        ("a.json", {"cats": []}, "no format that is known"),
        ("a.json", {"images": [{"file_name": "x.jpg"}]}, "no 'id'"),
        ("a.json", {"images": [{"id": 1}], "annotations": []}, "no 'file_name'"),
        ("a.json", {"images": [], "annotations": []}, "no examples"),
        ("a.json", {"images": [{"id": 1, "file_name": "x"}], "annotations": [{"image_id": 1}]}, "no 'caption'"),
        ("a.json", {"images": [{"id": 1, "file_name": "x"}, {"id": 1, "file_name": "y"}]}, "stands 2 times"),
        ("a.json", {"annotations": [{"question_id": 1}]}, "give the file with the questions"),
        ("a.json", {"questions": [{"question_id": 1, "question": "why"}]}, "no 'image_id'"),
        ("a.csv", "image,caption\n", "no rows"),
        ("a.csv", "caption\nx\n", "names no picture"),
        ("a.jsonl", '{"image": "x.jpg"}\n{', "Line 2"),
        ("a.jsonl", "[1]", "not a JSON object"),
        ("a.txt", "a.jpg#0\tx\nno tab\n", "Line 2"),
        ("a.bin", "x", "no format that is known"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, name, content, reason):
    with pytest.raises(OptionError, match=reason):
        load(write(tmp_path / name, content))


def test_an_unknown_path_or_an_empty_folder_names_the_formats(tmp_path):
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(OptionError, match="Karpathy"):
            load(path)
    with pytest.raises(OptionError, match="limit is 0"):
        load(tmp_path, limit=0)
    with pytest.raises(OptionError, match="Unknown task"):
        load(tmp_path, task="both")


def test_data_of_strangers_reaches_no_file_outside_its_folder(tmp_path):
    secret = picture(tmp_path / "secret.png")
    folder = tmp_path / "upload"
    folder.mkdir()
    for name in ("../secret.png", str(secret)):
        write(folder / "a.jsonl", lines([{"image": name, "caption": "x"}]))
        assert load(folder).examples[0].open().size == (8, 8)  # one's own data may name any file
        with pytest.raises(OptionError, match="outside"):
            load(folder, confined=True)
    (folder / "link.png").symlink_to(secret)
    write(folder / "a.jsonl", lines([{"image": "link.png", "caption": "x"}]))
    with pytest.raises(OptionError, match="outside"):
        load(folder, confined=True)


def test_annotations_of_some_questions_are_refused(tmp_path):
    write_questions(tmp_path)
    content = json.loads((tmp_path / "annotations.json").read_text(encoding="utf-8"))
    lacking = {**content, "annotations": content["annotations"][1:]}
    write(tmp_path / "annotations.json", lacking)
    with pytest.raises(OptionError, match="lacks the annotations of 1 of 6 questions"):
        load(tmp_path)
    write(tmp_path / "all_annotations.json", content)
    assert len(load(tmp_path, task="vqa")) == 6  # a file that has all of them is there too
    (tmp_path / "all_annotations.json").unlink()
    content["annotations"][0]["answers"] = content["annotations"][0]["answers"][:1]
    write(tmp_path / "annotations.json", content)
    with pytest.raises(OptionError, match=r"1 questions of .* have a single answer"):
        load(tmp_path)


@pytest.mark.parametrize("info", [None, ["2014"]])
def test_what_a_file_says_of_itself_may_be_anything(tmp_path, info):
    folder = write_questions(write_captions(tmp_path))
    for name in ("captions.json", "questions.json"):
        content = json.loads((folder / name).read_text(encoding="utf-8"))
        write(folder / name, {**content, "info": info})
    assert load(folder).tasks == ("caption", "vqa")


def test_annotations_that_two_files_hold_are_refused(tmp_path):
    write_questions(tmp_path)
    write(tmp_path / "other_annotations.json", (tmp_path / "annotations.json").read_text(encoding="utf-8"))
    with pytest.raises(OptionError, match="Several files hold annotations"):
        load(tmp_path / "questions.json")
    note = {"question_id": 1, "image_id": 1, "answers": vqa_answers("a")}
    write(tmp_path / "annotations.json", {"annotations": [note, note]})
    with pytest.raises(OptionError, match="two annotations"):
        load(tmp_path / "questions.json")


@needs_shared
def test_real_data_sets_are_read():
    dev = load(SHARED / "flickr8k" / "captions_dev.jsonl")
    assert len(dev) == 1000 and all(len(example.references) == 5 for example in dev.examples)
    token = load(SHARED / "flickr8k" / "Flickr8k.token.txt", limit=5)
    assert len(token) == 5 and token.examples[0].open().mode == "RGB"
    rooms = load(SHARED / "daquar")
    assert len(rooms) == 6632 and rooms.metric("vqa") == "exact_match"
    assert {example.question_type for example in rooms.examples} == {"number", "colour", "place", "object"}
