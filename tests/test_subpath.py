"""The page behind a proxy, at a sub-path: all of it works there, or it says why not."""

from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, expect

from eval.served import free_port
from index.errors import FootnoteError
from tests.browser import Visit, check_quiet, serving, visit
from tests.fakes import FIRE, as_footnote, fake
from tests.proxy import Proxy, passing_on
from web.address import sub_path

PASSWORD = "correct horse"


@pytest.mark.parametrize("strips", [True, False])
def test_a_page_at_a_sub_path_answers_and_shows_its_sources(browser: Browser, strips: bool) -> None:
    port = free_port()
    with (
        serving(as_footnote(fake()), port=port, password=PASSWORD, root_path="/docs") as url,
        passing_on(Proxy(port, strips=strips)) as outside,
    ):
        page = browser.new_page()
        seen = Visit(page)
        page.on("request", lambda request: seen.urls.append(request.url))
        page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
        page.goto(f"{outside}/docs/")
        page.locator("input[type=password]").fill(PASSWORD)
        seen.errors.clear()  # Chromium takes the page that asks for the password, a 401, for one
        page.get_by_role("button", name="Open").click()
        page.get_by_role("textbox", name="Question").wait_for()
        seen.ask(FIRE.question)
        page.locator("button.mark").first.click()
        expect(page.locator("mark.cited")).to_have_text(FIRE.citations[0].quote)
        assert {each["path"] for each in page.context.cookies()} == {"/docs"}
        link = f"{page.url}{page.get_by_role('link', name='Save as JSON').get_attribute('href')}"
        assert page.context.request.get(link).status == 200
        upload = page.locator("#upload input, input[type=file]").first
        upload.set_input_files({"name": "added.txt", "mimeType": "text/plain", "buffer": b"The dam held."})
        expect(page.locator("#reading")).to_contain_text("added.txt is ready")
        assert {urlsplit(each).path.startswith("/docs/") for each in seen.urls if each.startswith("http")} == {True}
        check_quiet(seen)
        page.context.close()
        assert httpx.get(url).status_code == 401  # it is at the root for who needs no proxy


def test_a_proxy_that_hands_on_the_path_alone_is_shown_the_way_to_the_page() -> None:
    port = free_port()
    with serving(as_footnote(fake()), port=port, root_path="/docs") as url:
        answer = httpx.get(f"{url}docs")
        assert (answer.status_code, answer.headers["location"]) == (308, "/docs/")
        assert httpx.get(f"{url}docs/").status_code == 200
        assert httpx.get(f"{url}docsy/").status_code == 404


def test_a_stream_is_not_to_be_held_back_by_a_proxy() -> None:
    with serving(as_footnote(fake())) as url, httpx.Client(base_url=url) as client:
        client.get("")
        with client.stream("GET", "gradio_api/heartbeat/abc") as stream:
            assert stream.headers["x-accel-buffering"] == "no"


@pytest.mark.parametrize(
    ("root_path", "proxy", "said"),
    [
        ("", {}, "A proxy has this page at /docs; start Footnote with --root-path /docs."),
        ("/papers", {}, "A proxy has this page at /docs; start Footnote with --root-path /docs."),
        ("/docs", {"host": "localhost"}, "The proxy before this page changes the name of the computer"),
    ],
)
def test_a_page_that_its_server_does_not_know_to_be_there_says_so(
    browser: Browser, root_path: str, proxy: dict[str, str], said: str
) -> None:
    port = free_port()
    with (
        serving(as_footnote(fake()), port=port, root_path=root_path) as url,
        passing_on(Proxy(port, **proxy)) as outside,
    ):
        seen = visit(browser, f"{outside}/docs/")
        expect(seen.page.locator("#chat .trouble")).to_contain_text(said)
        box = seen.page.get_by_role("textbox", name="Question")
        box.fill(FIRE.question)
        box.press("Enter")
        expect(seen.page.locator("#chat .trouble")).to_contain_text(said)
        seen.page.context.close()
        if root_path:
            seen = visit(browser, url)
            expect(seen.page.locator("#chat .trouble")).to_contain_text(f"started with --root-path {root_path}, and")
            seen.page.context.close()


@pytest.mark.parametrize(("setting", "path"), [("", ""), ("/", ""), ("/docs", "/docs"), ("/a/b-c.d/", "/a/b-c.d")])
def test_a_root_path_is_a_path(setting: str, path: str) -> None:
    assert sub_path(setting) == path


@pytest.mark.parametrize(
    "setting", ["docs", "https://example.org/docs", "//docs", "/docs?a", "/a b", "/../a", "/docs#", "/d;Secure", "/ä"]
)
def test_what_is_no_root_path_is_said(setting: str) -> None:
    with pytest.raises(FootnoteError, match="is no root path; name the path under which the proxy has the page"):
        sub_path(setting)


@pytest.mark.parametrize("setting", ["/pages", "/gradio_api/docs", "/login/"])
def test_a_path_that_the_page_has_itself_is_refused(setting: str) -> None:
    with pytest.raises(FootnoteError, match="is a path of the page's own"):
        sub_path(setting)
