"""What a page must not do, whatever documents, names, questions and other browsers say."""

from textwrap import shorten

import httpx
import pytest
from playwright.sync_api import Browser, expect

from index.catalog import File
from index.errors import FootnoteError
from tests.browser import Visit, check_quiet, free_port, serving, visit
from tests.fakes import EVIL, FIRE, HOSTILE, PLAIN, FakeDocs, as_footnote, fake, quoting
from tests.payloads import PAYLOADS
from web.page import launch

# What a payload would have become; nothing of ours in these columns is any of it, but for the links that save.
_FOREIGN = "script, img, iframe, svg, math, object, embed, form:not([data-event]), base, style, link, meta, table table"
_COLUMNS = ("#promise", "#past", "#files", "#conversation", "#source")
_A_QUESTION = 25  # payloads


def test_hostile_text_is_shown_as_it_is(browser: Browser) -> None:
    answer = quoting("What does it say?", *((EVIL, payload) for payload in PAYLOADS[::6]))
    names = tuple(File(f"seeds/{payload}", 1, 0, "", "refused", payload) for payload in PAYLOADS)
    docs = FakeDocs((EVIL,), (answer,), names, reason=HOSTILE)
    with serving(as_footnote(docs)) as url:
        seen = visit(browser, url)
        page, card = seen.page, seen.page.locator("#card")
        before = [page.locator(f"#{column}").bounding_box() for column in ("documents", "chat", "source-column")]
        assert page.locator("#files .state.unread").all_text_contents() == [f"refused: {each}" for each in PAYLOADS]
        assert page.locator("#files li").count() == len(PAYLOADS) + 1
        seen.ask(answer.question)
        for mark, citation in zip(page.locator("button.mark").all(), answer.citations, strict=True):
            mark.click()
            page.wait_for_function(
                "quote => document.querySelector('mark.cited')?.textContent === quote", arg=citation.quote
            )
            assert card.locator("q").text_content() == shorten(citation.quote, 400, placeholder=" …")
        assert page.locator(".source-text").text_content() == HOSTILE
        for start in range(0, len(PAYLOADS), _A_QUESTION):
            question = "\n".join(PAYLOADS[start : start + _A_QUESTION])
            seen.ask(question)
            section = page.locator("#conversation section").last
            assert section.locator(".question").text_content() == question
            assert section.locator(".abstention > p").first.text_content() == HOSTILE
        assert page.get_by_role("heading", level=1).all_text_contents() == ["Footnote"]
        for column in _COLUMNS:
            assert page.locator(f"{column} :is({_FOREIGN})").count() == 0, column
        assert page.locator("#conversation a").count() == 2
        assert [page.locator(f"#{name}").bounding_box() for name in ("documents", "chat", "source-column")] == before
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        check_quiet(seen)
        page.context.close()


PASSWORD = "correct horse"


def test_a_password_opens_the_page_and_nothing_else_does(browser: Browser) -> None:
    port, docs = free_port(), fake()
    with serving(as_footnote(docs), port=port, password=PASSWORD) as url:
        page = browser.new_page()
        page.goto(url)
        page.get_by_label("The password:").fill("wrong horse")
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_role("alert")).to_have_text("This is not the password.")
        page.get_by_label("The password:").fill(PASSWORD)
        page.get_by_role("button", name="Open").click()
        seen = Visit(page)
        seen.ask(FIRE.question)
        page.locator("button.mark").first.click()
        expect(page.locator("mark.cited")).to_have_text(FIRE.citations[0].quote)
        told = key = {str(each.get("name")): str(each.get("value")) for each in page.context.cookies()}
        assert [name.endswith("-key") for name in key] == [True]
        link = url + str(page.get_by_role("link", name="Save as JSON").get_attribute("href"))
        assert page.context.request.get(link).status == 200
        with httpx.Client(base_url=url) as client:
            for cookies in (
                {},
                {name.removesuffix("-key"): value for name, value in key.items()},
                dict.fromkeys(key, "0" * 64),
            ):
                assert client.get("", cookies=cookies).status_code == 401
                for path in ("assets/index.js", "gradio_api/queue/data", "theme.css", "parts", link, "elsewhere"):
                    assert client.get(path, cookies=cookies).status_code == 401, path
                assert client.post("gradio_api/queue/join", json={}, cookies=cookies).status_code == 401
            assert client.get("", headers={"Host": "notes.example"}, cookies=told).status_code == 200
            assert client.get("login", cookies=told).status_code == 303
            assert client.get("login").headers["location"] == "./"
            odd = "; ".join(f'{name}="\\351\\012"' for name in told)
            assert client.get("", headers={"Cookie": odd}).status_code == 401
            foreign = {"Origin": "http://elsewhere.example"}
            assert client.post("login", data={"password": PASSWORD}, headers=foreign).status_code == 403
    with serving(as_footnote(docs), port=port, password="another horse") as url:
        page.goto(url)
        expect(page.get_by_label("The password:")).to_be_visible()
    with serving(as_footnote(docs), port=port, password=PASSWORD) as url:
        page.goto(url)
        expect(page.get_by_role("textbox", name="Question")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("The password:")).to_be_visible()
        assert httpx.get(url, cookies=told).status_code == 401
        page.go_back()
        expect(page.get_by_label("The password:")).to_be_visible()
        page.get_by_label("The password:").fill(PASSWORD)
        page.get_by_role("button", name="Open").click()
        expect(page.locator(".question")).to_have_text(FIRE.question)
        page.context.close()


def test_a_page_without_a_password_is_not_signed_out_of(seen: Visit) -> None:
    expect(seen.page.get_by_role("button", name="Sign out")).to_have_count(0)
    expect(seen.page.locator("#leave")).to_be_hidden()


@pytest.mark.parametrize(("password", "told"), [("", "set a password for them"), ("horse", "at least 8 characters")])
def test_other_computers_are_let_in_with_a_password_only(password: str, told: str) -> None:
    with pytest.raises(FootnoteError, match=told):
        launch(as_footnote(fake()), port=free_port(), host="0.0.0.0", password=password)


def test_a_link_elsewhere_leads_to_the_same_conversations(browser: Browser) -> None:
    """A browser must be known where another site's page links here, or it gets a new secret and loses the old one."""
    with serving(as_footnote(fake())) as url:
        seen = visit(browser, url)
        seen.ask(FIRE.question)
        page = seen.page
        page.route(
            "http://elsewhere.example/",
            lambda route: route.fulfill(body=f"<a href={url}>x</a>", content_type="text/html"),
        )
        page.goto("http://elsewhere.example/")
        page.get_by_role("link").click()
        expect(page.locator(".question")).to_have_text(FIRE.question)
        page.context.close()


def test_other_sites_embed_nothing_of_the_documents() -> None:
    with serving(as_footnote(fake())) as url, httpx.Client(base_url=url) as client:
        for path in ("pages/1.png?document=seeds/report.pdf", "parts?document=seeds/mill.txt", "conversations/a.json"):
            assert client.get(path).status_code == 403
        assert client.get("").headers["cross-origin-resource-policy"] == "same-origin"


def test_numbers_from_the_browser_are_not_trusted(seen: Visit) -> None:
    page = seen.page
    seen.ask(FIRE.question)
    for turn, number in (
        ("0", "1"),
        ("-1", "1"),
        ("9", "1"),
        ("1", "0"),
        ("1", "99"),
        ("1.5", "1"),
        ("x", "1"),
        ("", ""),
    ):
        page.locator("button.mark").first.evaluate(
            "(mark, [turn, number]) => { Object.assign(mark.dataset, { turn, number }); mark.click(); }",
            [turn, number],
        )
    page.locator("#files button").first.evaluate(
        "button => { button.dataset.document = '../../etc/passwd'; button.click(); }"
    )
    page.wait_for_timeout(500)
    expect(page.locator("#source")).to_have_text("Choose a footnote to read the passage it rests on.")
    expect(page.locator("#chat .trouble")).to_have_text("")


def test_only_what_the_page_asks_for_is_served() -> None:
    paths = (
        "gradio_api/file=https://example.org",
        "gradio_api/file=/etc/passwd",
        "gradio_api/proxy=https://example.org",
    )
    routes = ("openapi.json", "gradio_api/openapi.json", "gradio_api/info", "docs", "monitoring", "gradio_api/runs")
    with serving(as_footnote(fake())) as url, httpx.Client(base_url=url) as client:
        for path in paths + routes:
            assert client.get(path).status_code == 404, path
        assert client.post("gradio_api/component_server", json={}).status_code == 404
        assert client.get("", headers={"Host": "elsewhere.example"}).status_code == 421
        foreign = {"Origin": "http://elsewhere.example"}
        assert client.post("gradio_api/upload", headers=foreign).status_code == 403
        assert client.post("gradio_api/queue/join", json={"session_hash": "a"}).status_code == 403
        home = client.get("")
        assert home.status_code == 200
        assert client.post("gradio_api/queue/join", json=[]).status_code == 400
        assert client.post("gradio_api/queue/join", content=b"{" * 2**21).status_code == 413


def test_a_script_that_the_page_does_not_hold_is_not_run(seen: Visit) -> None:
    policy = httpx.get(seen.page.url).headers["content-security-policy"]
    scripts = policy.partition("script-src")[2].partition(";")[0]
    assert "sha256-" in scripts
    assert "unsafe-inline" not in scripts
    for order in ("frame-ancestors 'none'", "connect-src 'self'", "object-src 'none'"):
        assert order in policy
    seen.page.evaluate("document.body.append(Object.assign(document.createElement('script'), { text: 'alert(1)' }))")
    seen.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=data:, onerror=alert(2)>')")
    seen.page.wait_for_timeout(300)
    assert seen.dialogs == []
    assert any("Content Security Policy" in error for error in seen.errors)
    seen.errors.clear()


def test_a_stolen_session_name_opens_nothing(browser: Browser) -> None:
    with serving(as_footnote(fake())) as url:
        alice, bob = visit(browser, url), visit(browser, url)
        alice.ask(FIRE.question)
        with alice.page.expect_request("**/queue/join*") as clicked:
            alice.page.locator("button.mark").first.click()
        expect(alice.page.locator("#source")).to_contain_text(PLAIN)
        stolen = clicked.value.post_data_json

        def told(visitor: Visit) -> str:
            """What a browser hears when it sends Alice's click under the name of her session."""
            request = visitor.page.context.request
            assert request.post(f"{url}gradio_api/queue/join", data=stolen).ok
            return request.get(f"{url}gradio_api/queue/data?session_hash={stolen['session_hash']}").text()

        assert "The mill burned" in told(alice)
        assert "The mill burned" not in told(bob)
        for visitor in (alice, bob):
            visitor.page.context.close()


@pytest.mark.parametrize("host", ["http://[", "[::1", "localhost:abc", "elsewhere.example"])
def test_the_page_goes_by_the_host_header_alone(host: str) -> None:
    with serving(as_footnote(fake()), password=PASSWORD) as url, httpx.Client(base_url=url) as client:
        client.post("login", data={"password": PASSWORD})
        page = client.get("")
        assert page.status_code == 200
        for header in ("X-Forwarded-Host", "X-Gradio-Server"):
            named = client.get("", headers={header: host})
            assert (named.status_code, host in named.text) == (200, False)
        assert client.get("", headers={"Host": host}).status_code == 200
