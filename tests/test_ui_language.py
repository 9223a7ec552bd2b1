"""Each visitor is served in the language of their browser, whoever else is served at the same time."""

from __future__ import annotations

import ast
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from gradio.context import LocalContext

import raven_core
from raven_core.analysis import report
from raven_core.errors import ImageError
from raven_core.evaluation import words as run_report
from raven_core.settings import Profile, Settings
from raven_core.ui import evaluate_flow, interface, labels, language, present, refusals, words, words_zh_report
from raven_core.ui.context import Context
from raven_core.ui.controls import html, renderers
from raven_core.ui.evaluate_runs import Meter
from raven_core.ui.keeper import Keeper
from raven_core.ui.labels import in_words, label, mark
from raven_core.ui.language import preferred, speaking, spoken
from raven_core.ui.loading import Loader
from raven_core.ui.report_words import report_words, run_words
from raven_core.ui.sitting import Sitting
from raven_core.ui.turns import Turn
from raven_core.ui.words import say
from tests.fake_raven import FakeRaven, write_profile

CHINESE = "zh-CN"


def serve(header: str | None) -> None:
    """As gradio does before it calls a handler."""
    headers = {} if header is None else {"accept-language": header}
    LocalContext.request.set(SimpleNamespace(headers=headers))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", CHINESE),
        ("ZH-cn;q=1", CHINESE),
        ("zh-TW,zh;q=0.9", CHINESE),
        ("zh", "en"),  # gradio has no words for it: labels would stay English
        ("en-US,en;q=0.9,zh-CN;q=0.8", "en"),
        ("de", "en"),
        ("", "en"),
        ("nonsense;;,,q", "en"),
    ],
)
def test_the_first_language_of_the_browser_counts_and_all_but_chinese_are_english(header, expected):
    assert preferred(header) == expected


def test_words_follow_the_request_that_is_served():
    def served(header: str | None) -> str:
        serve(header)
        return say("stop")

    assert copy_context().run(served, "zh-CN") == "停止"
    assert copy_context().run(served, "en-GB") == "Stop"
    assert copy_context().run(served, None) == "Stop"
    assert say("stop") == "Stop"


def test_two_people_at_once_each_get_their_language():
    both_are_there = threading.Barrier(2, timeout=20)

    def served(header: str) -> set[str]:
        serve(header)
        told = set()
        for _ in range(50):
            both_are_there.wait()
            told.add(say("neighbours_short", found=2, asked=3))
        return told

    with ThreadPoolExecutor(2) as pool:
        english, chinese = (pool.submit(copy_context().run, served, header) for header in ("en", "zh-CN"))
    assert english.result() == {"2 of the 3 neighbours asked for were left after leaving some out."}
    assert chinese.result() == {"请求了 3 个近邻，排除部分条目后剩余 2 个。"}


def test_a_named_language_goes_before_that_of_the_request():
    def served() -> tuple[str, str, str]:
        serve("zh-CN")
        with speaking("en"):
            inside = say("stop")
        return inside, say("stop"), say("stop", "en")

    assert copy_context().run(served) == ("Stop", "停止", "Stop")
    with pytest.raises(RuntimeError), speaking(CHINESE):
        raise RuntimeError
    assert spoken() == "en"


def test_an_evaluation_refuses_in_the_language_of_whoever_asked_though_it_runs_in_a_thread():
    def served() -> str:
        serve("zh-CN")
        views = evaluate_flow._watched(lambda: say("evaluate_no_file"), Meter(), Turn("1"))  # type: ignore[arg-type,return-value]
        try:
            while True:
                next(views)
        except StopIteration as ended:
            return str(ended.value)

    assert copy_context().run(served) == words.TABLE[CHINESE]["evaluate_no_file"]


# ---------------------------------------------------------------- labels


def told(marked: str, locale: str) -> str:
    """What the browser makes of a mark."""
    assert marked.startswith("__i18n__"), marked
    name = re.findall(r'"key": "([^"]+)"', marked)[0]
    return labels.translations().translations_dict[locale][name]


def test_a_label_holds_its_words_in_every_language_with_its_values():
    marked = label("adapter_default", name="raven {1}")
    assert told(marked, "en") == "raven {1} · default"
    assert told(marked, "zh-CN") == told(marked, "zh-TW") == "raven {1} · 默认"
    assert in_words(marked) == "raven {1} · default" and in_words(marked, CHINESE) == "raven {1} · 默认"


def test_a_label_that_is_put_together_is_put_together_in_each_language():
    keeper = Keeper.from_settings(Settings(data_dir=Path("kept"), store=True, database_url="sqlite://"))
    marked = mark(lambda: keeper.note)
    assert "its database" in told(marked, "en") and "数据库" in told(marked, "zh-CN")


def test_words_with_other_values_have_marks_of_their_own():
    first, second = label("adapter_default", name="a"), label("adapter_default", name="b")
    assert first != second and label("adapter_default", name="a") == first
    assert told(first, "en") == "a · default" and told(second, "en") == "b · default"


def test_marks_inside_plain_values_become_words():
    told_of = in_words({"label": label("stop"), "choices": [[label("stop"), "stop"]], "n": 3, "none": None})
    assert told_of == {"label": "Stop", "choices": [["Stop", "stop"]], "n": 3, "none": None}


# ---------------------------------------------------------------- the page


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> gr.Blocks:
    folder = tmp_path_factory.mktemp("language")
    profile = Profile.load(str(write_profile(folder / "profile")))
    settings = Settings(profile=str(profile.folder), data_dir=folder / "data")
    loader = Loader(lambda: FakeRaven(profile, 0))
    return interface.build(Context(profile, settings, loader, Keeper.from_settings(settings)))


def test_every_mark_on_the_page_is_given_to_the_browser_in_all_its_languages(page):
    used = set(re.findall(r"raven-[0-9a-f]{16}", str(page.config["components"])))
    given = interface.launch_options()["i18n"].translations_dict
    assert len(used) > 100 and set(given) == {"en", "zh-CN", "zh-TW"}
    assert all(used <= entries.keys() for entries in given.values())


def test_no_component_of_the_page_says_a_word_in_one_language_alone(page):
    """Labels are marks, and HTML is rendered again, but for hidden parts and for names."""
    english = {text for text in words.TABLE["en"].values() if len(text) > 3 and "{" not in text}
    same = {"2026-11-23"}  # a date
    for block in page.config["components"]:
        props = block["props"]
        found = [props.get(name) for name in ("label", "info", "placeholder")]
        found += [choice[0] for choice in props.get("choices") or ()]
        found += [props.get("value")] if "button" in block["type"] else []
        if props.get("elem_id"):  # what programs use alone has none
            assert not english & {text for text in found if isinstance(text, str)} - same, props["elem_id"]


def test_programs_read_words_and_not_marks(page):
    described = str(page.get_api_info())
    assert "__i18n__" not in described and "Neighbours to look up (k)" in described


def test_what_was_rendered_at_the_start_is_rendered_again_in_the_visitors_language(page):
    pieces = renderers(page)
    with speaking(CHINESE):
        drawn = "".join(render() for render in pieces.values())
    for key in ("welcome", "feed_hint", "study_empty_body", "annotate_who", "errors_title", "evaluate_empty",
                "about_title", "privacy_title", "examples"):  # fmt: skip
        assert say(key, CHINESE) in drawn and say(key, "en") not in drawn, key


def test_an_answer_that_was_quicker_than_the_greeting_stays():
    with gr.Blocks():
        answer, other = html(lambda: say("welcome")), html(lambda: say("stop"))
    pieces = {answer: lambda: say("welcome"), other: lambda: say("stop")}
    tab: Any = SimpleNamespace(shown=SimpleNamespace(answer=answer))
    sitting = Sitting()
    assert interface.in_their_words(pieces, tab, sitting) == gr.skip()  # who reads English has it already
    with speaking(CHINESE):
        assert interface.in_their_words(pieces, tab, sitting) == {answer: "尚未提问", other: "停止"}
        sitting.turns.press()
        changes = sitting.turns.changes
        assert interface.in_their_words(pieces, tab, sitting) == {other: "停止"}
        assert sitting.turns.changes == changes + 1  # so that the run draws the page at its end


def test_a_piece_of_html_without_words_is_not_rendered_again():
    with gr.Blocks() as blocks:
        html("<p>1</p>")
        spoken_piece = html(lambda: f"<p>{say('stop')}</p>")
    assert renderers(blocks).keys() == {spoken_piece} and spoken_piece.value == "<p>Stop</p>"


# ---------------------------------------------------------------- refusals


def skeletons(call: ast.AST) -> set[str]:
    """The texts inside a piece of code, with ``{}`` where a value is filled in."""
    found = set()
    for node in ast.walk(call):
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values]
            found.add("".join(parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def test_every_refusal_that_is_translated_is_one_that_the_library_makes():
    made: set[str] = set()
    for path in Path(raven_core.__file__).parent.rglob("*.py"):
        if not path.name.startswith("words"):
            made |= skeletons(ast.parse(path.read_text("utf-8")))
    assert refusals.TABLE[CHINESE].keys() - made == set()


def test_a_refusal_keeps_what_it_names():
    problem = ImageError("The image is 4000 x 10, thinner than 1 to 100: crop it.")
    assert present.reason(problem) == str(problem)
    with speaking(CHINESE):
        assert present.reason(problem) == "图像为 4000 x 10，长宽比超过 100：请裁剪。"
        assert present.reason("nobody translated this") == "nobody translated this"
        assert "文件 <b>.csv" not in present.error("'<b>.csv' cannot be read (gone): check the file.")


def test_every_translated_refusal_fills_in_as_many_values_as_it_names():
    for english, chinese in refusals.TABLE[CHINESE].items():
        assert {int(number) for number in re.findall(r"{(\d)}", chinese)} == set(range(english.count("{}"))), english


# ---------------------------------------------------------------- the report


def test_the_report_has_every_word_in_chinese_and_names_for_cells_and_tags():
    assert report_words() is None
    with speaking(CHINESE):
        chinese: dict[str, Any] = report_words() or {}
    assert words_zh_report.JUDGED.keys() == report.WORDS.keys()
    for key, text in report.WORDS.items():
        assert set(re.findall(r"{\w+}", chinese[key])) == set(re.findall(r"{\w+}", text)), key
    assert chinese["language"] == CHINESE and chinese["cell=both"] == "图像和描述" and chinese["tag=other"] == "其他"


def test_a_run_is_reported_with_every_word_in_chinese():
    assert run_words() is None
    with speaking(CHINESE):
        chinese: dict[str, Any] = run_words() or {}
    for key, text in run_report.WORDS.items():
        assert set(re.findall(r"{\w+}", chinese[key])) == set(re.findall(r"{\w+}", text)), key
    assert {key for key in words_zh_report.RUN if "=" not in key} == run_report.WORDS.keys()
    assert chinese["cell=none"] == "无检索" and chinese["cell=nearest-caption"] == "照抄最近描述"
    assert chinese["neighbours=random"] == "随机"


def test_languages_have_one_name():
    assert set(language.LANGUAGES) == set(words.TABLE) == set(language.LOCALES.values()) | {"en"}
