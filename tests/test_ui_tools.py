"""Tools for language models: what they answer, what they refuse, and that nothing else of the page is offered."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import io
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
from raven_core.errors import ConfigError
from raven_core.settings import Profile, Settings
from raven_core.ui import interface, tools
from raven_core.ui.context import Context
from raven_core.ui.keeper import Keeper
from raven_core.ui.loading import Loader
from tests.fake_raven import FakeRaven, drawn, write_profile

HAS_EXTRA = importlib.util.find_spec("mcp") is not None


def address_of(number: int) -> str:
    """A picture as a ``data:`` address."""
    buffer = io.BytesIO()
    drawn(number)[0].save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def make(folder: Path, **chosen: Any) -> Context:
    profile = Profile.load(str(write_profile(folder / "profile")))
    settings = Settings(profile=str(profile.folder), data_dir=folder / "data", **chosen)
    return Context(profile, settings, Loader(lambda: FakeRaven(profile, 0)), Keeper.from_settings(settings))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, str, Context]]:
    """A page with the tools' endpoints; with the extra, also their server."""
    context = make(tmp_path_factory.mktemp("tools"), mcp=True)
    page = interface.build(context)
    options = {"prevent_thread_lock": True, "quiet": True, "mcp_server": HAS_EXTRA, **interface.launch_options()}
    _, address, _ = page.launch(**options)
    yield page, address, context
    page.close()


# ---------------------------------------------------------------- what they answer


def test_an_answer_needs_no_more_than_an_image_and_is_not_stored(served):
    _, address, context = served
    client = Client(address, verbose=False)
    record = client.predict(address_of(70), api_name="/tool_answer")
    assert record["text"] == record["neighbours"][0]["caption"] and len(record["neighbours"]) == 3
    bare = client.predict(address_of(70), "what is it", 2, "none", api_name="/tool_answer")
    assert bare["neighbours"] == [] and bare["modalities"] == []
    assert context.keeper.store is not None and context.keeper.store.trials() == []


def test_neighbours_comparisons_and_explanations_come_as_plain_values(served):
    client = Client(served[1], verbose=False)
    found = client.predict(address_of(70), "", 2, api_name="/tool_find_neighbours")
    assert [one["rank"] for one in found] == [1, 2]
    compared = client.predict(address_of(70), "", [found[0]["caption"]], api_name="/tool_compare")
    effects = {cell["cell"]: cell["effect"] for cell in compared["cells"]}
    assert effects["text"] == "helped" and compared["metric"] == "ROUGE-L"
    why = client.predict(address_of(70), "", "text", "shapley", 2, api_name="/tool_explain")
    own = [share["nats"] for share in why["shares"] if share["part"] == "text"]
    assert (why["cell"], why["method"]) == ("text", "shapley")
    assert sum(own) == pytest.approx(why["log_likelihood"] - why["log_likelihood_without_neighbours"])


def test_an_image_may_be_uploaded_before_and_nothing_else_is_opened_or_fetched(served, tmp_path):
    _, address, _ = served
    drawn(71)[0].save(tmp_path / "for-the-tools.png")
    client = Client(address, verbose=False)
    uploaded = handle_file(str(tmp_path / "for-the-tools.png"))
    client.predict(uploaded, "caption", "", True, True, 2, "raven", 0.3, "nearest-last", True, False,
                   api_name="/answer")  # fmt: skip
    [path] = list(Path(get_upload_folder()).rglob("*/for-the-tools.png"))[:1]
    for named in (str(path), f"{address.rstrip('/')}/gradio_api/file={path}"):
        assert client.predict(named, api_name="/tool_answer")["text"]
    elsewhere = "http://127.0.0.1:9/gradio_api/file=/etc/hostname"
    for wrong in ("", "picture", str(tmp_path / "for-the-tools.png"), "https://example.com/a.png", elsewhere):
        with pytest.raises(AppError, match="nothing is fetched from elsewhere"):
            client.predict(wrong, api_name="/tool_answer")
    with pytest.raises(AppError, match="image"):
        client.predict("data:image/png;base64,AAAA", api_name="/tool_answer")


def test_a_page_has_no_tools_unless_it_was_asked_for_them(tmp_path):
    page = interface.build(make(tmp_path))
    assert not [fn.api_name for fn in page.fns.values() if str(fn.api_name).startswith(tools.PREFIX)]


# ---------------------------------------------------------------- how they are offered


def test_the_flag_and_the_variable_ask_for_them_and_they_are_off_by_default(tmp_path, monkeypatch):
    assert app.parse([]).mcp is None and app.parse(["--mcp"]).mcp is True
    monkeypatch.setenv("RAVEN_MCP", "true")
    assert Settings.load().mcp is True and Settings().mcp is False
    with pytest.raises(ConfigError, match="true or false"):
        Settings.load(env={"RAVEN_MCP": "perhaps"})


def test_without_the_extra_the_flag_fails_at_once_and_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(app, "make_context", lambda settings: pytest.fail("nothing may be loaded"))
    assert app.main(["--mcp"]) == 2
    assert 'pip install "gradio[mcp]' in capsys.readouterr().err


def test_a_page_without_tools_is_launched_without_their_server_whatever_gradio_is_told(monkeypatch):
    monkeypatch.setenv("GRADIO_MCP_SERVER", "true")
    told: dict[str, Any] = {}
    page: Any = SimpleNamespace(launch=lambda **options: told.update(options))
    interface.launch(page, server_port=7)
    assert told["mcp_server"] is False and told["server_port"] == 7 and told["allowed_paths"] == []


def test_a_page_with_tools_offers_them_before_it_blocks_and_closes_where_it_cannot():
    acts: list[str] = []
    server = SimpleNamespace(tool_prefix="raven_", tool_to_endpoint={"forget": "/delete_mine"})
    page: Any = SimpleNamespace(
        launch=lambda **options: acts.append(f"launch {options['mcp_server']}"), mcp_server_obj=server,
        block_thread=lambda: acts.append("block"), close=lambda: acts.append("close"),
    )  # fmt: skip
    interface.launch(page, mcp=True)
    assert acts == ["launch True", "block", "close"]
    assert server.tool_to_endpoint == {f"raven_{name}": f"/tool_{name}" for name in tools.TOOLS}
    page.mcp_server_obj = SimpleNamespace()
    with pytest.raises(ConfigError, match="which tools to offer"):
        interface.launch(page, mcp=True)
    assert acts[-1] == "close" and acts.count("block") == 1


def test_every_tool_says_what_it_does_and_what_it_takes(served):
    page, _, _ = served
    wired = {fn.api_name: fn.fn for fn in page.fns.values() if str(fn.api_name).startswith(tools.PREFIX)}
    assert set(wired) == {f"{tools.PREFIX}{name}" for name in tools.TOOLS}
    for fn in wired.values():
        names = [name for name in fn.__annotations__ if name != "return"]
        assert fn.__doc__ and all(f"{name}: " in fn.__doc__ for name in names)


@pytest.mark.skipif(not HAS_EXTRA, reason=f"the MCP server needs the extra: {tools.EXTRA}")
def test_an_mcp_client_finds_these_tools_alone_and_gets_an_answer(served):
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    page, address, _ = served
    tools.offer_only_tools(page)

    async def talk() -> tuple[Any, Any, Any]:
        place = f"{address.rstrip('/')}/gradio_api/mcp/"
        async with streamablehttp_client(place) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            listed = (await session.list_tools()).tools
            answer = await session.call_tool("answer", {"image": address_of(70), "k": 2})
            return listed, answer, await session.call_tool("forget", {})

    listed, answer, other = asyncio.run(talk())
    assert [one.name for one in listed] == list(tools.TOOLS)
    assert all(one.description and one.inputSchema["required"] == ["image"] for one in listed)
    assert all(about["description"] for one in listed for about in one.inputSchema["properties"].values())
    assert not answer.isError and "neighbours" in answer.content[0].text
    assert other.isError and "Unknown tool" in other.content[0].text
