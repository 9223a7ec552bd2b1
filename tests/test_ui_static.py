"""The style sheets survive what gradio does to them."""

from __future__ import annotations

import re

import pytest

from raven_core.ui.interface import launch_options

SHEETS = launch_options()["css_paths"]


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_no_selector_has_a_comma_inside_parentheses(sheet):
    """gradio puts a prefix behind every comma of a selector: inside ``:has(p, .a)`` it makes a rule that never fits."""
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL)
    selectors = [part.split("}")[-1].strip() for part in text.split("{")[:-1]]
    rules = [selector for selector in selectors if not selector.startswith("@")]
    assert len(rules) > 5
    inside = [part for rule in rules for part in re.findall(r"\(([^()]*)\)", rule)]
    assert [part for part in inside if "," in part] == []


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_no_rule_has_a_font_out_of_variables_and_more_about_the_font(sheet):
    """gradio writes every rule anew from what the browser read, and a shorthand that is then incomplete falls out."""
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL)
    rules = re.findall(r"\{([^{}]*)\}", text)
    shorthands = [rule for rule in rules if re.search(r"(^|[;\s])font:[^;]*var\(", rule)]
    assert [rule for rule in shorthands if re.search(r"(^|[;\s])font-", rule)] == []
