"""Other libraries are opened once, remembered, served beside this one, and let go of in the end."""

import json
import logging
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import httpx
import pytest
from playwright.sync_api import Browser, expect

import rag
from index.errors import LibraryError
from index.library import OnProgress
from index.sync import Progress
from rag.footnote import Footnote
from tests.browser import check_quiet, serving, visit
from tests.fakes import FakeDocs, as_footnote, document, fake
from web import peer
from web.page import _beside
from web.shelf import Known, Shelf


class Opened:
    """An opener and a launch that keep a list of what they did."""

    def __init__(self) -> None:
        self.docs: list[FakeDocs] = []
        self.homes: list[Path | None] = []
        self.ended: list[str] = []

    def opener(self, folder: Path, *, home: Path | None, on_progress: OnProgress) -> Footnote:
        if not folder.is_dir():
            raise LibraryError(f"There is no folder {folder}.")
        on_progress(Progress(0, 1, "a.txt"))
        docs = fake()
        docs.library.folder, docs.library.home = folder, home or folder / "library"
        self.homes.append(home)
        self.docs.append(docs)
        return as_footnote(docs)

    def launch(self, docs: Footnote) -> tuple[str, Callable[[], None]]:
        url = f"http://127.0.0.1:{len(self.docs)}/"
        return url, lambda: self.ended.append(url)


@pytest.fixture
def opened() -> Opened:
    return Opened()


@pytest.fixture
def shelf(opened: Opened, tmp_path: Path) -> Shelf:
    return Shelf(opened.opener, opened.launch, tmp_path / "state" / "libraries.json")


def folders(tmp_path: Path, *names: str) -> list[Path]:
    made = [tmp_path / name for name in names]
    for each in made:
        each.mkdir()
    return made


def test_a_library_is_opened_once_and_the_one_opened_last_comes_first(
    shelf: Shelf, opened: Opened, tmp_path: Path
) -> None:
    one, other = folders(tmp_path, "one", "other")
    first = shelf.turn_to(one)
    shelf.turn_to(other)
    assert shelf.turn_to(one) == first
    assert shelf.turn_to(other / ".." / "one") == first
    (tmp_path / "link").symlink_to(one)
    assert shelf.turn_to(tmp_path / "link") == first
    assert len(opened.docs) == 2
    assert [each.folder for each in shelf.known()] == [other, one]
    shelf.close()
    assert opened.ended == ["http://127.0.0.1:2/", "http://127.0.0.1:1/"]
    assert all(docs.closed for docs in opened.docs)


def test_what_was_open_before_is_known_with_its_home(shelf: Shelf, opened: Opened, tmp_path: Path) -> None:
    one, gone = folders(tmp_path, "one", "gone")
    shelf.put(opened.opener(one, home=tmp_path / "elsewhere", on_progress=print), "http://127.0.0.1:1/")
    shelf.put(opened.opener(gone, home=None, on_progress=print), "http://127.0.0.1:2/")
    gone.rmdir()
    later = Shelf(opened.opener, opened.launch, tmp_path / "state" / "libraries.json")
    assert later.known() == (Known(one),)
    later.turn_to(one)
    assert opened.homes[-1] == tmp_path / "elsewhere"


def test_a_folder_that_cannot_be_opened_leaves_nothing_behind(shelf: Shelf, opened: Opened, tmp_path: Path) -> None:
    (one,) = folders(tmp_path, "one")
    with pytest.raises(LibraryError, match="no folder"):
        shelf.turn_to(tmp_path / "nowhere")

    def taken(docs: Footnote) -> tuple[str, Callable[[], None]]:
        raise LibraryError("No port.")

    with pytest.raises(LibraryError, match="No port"):
        Shelf(opened.opener, taken, tmp_path / "libraries.json").turn_to(one)
    assert opened.docs[-1].closed
    assert shelf.known() == ()


@pytest.mark.parametrize("typed", ["~nosuchuser/x", "x" * 300, "\0", "a/" * 3000])
def test_a_folder_that_cannot_be_is_said(shelf: Shelf, typed: str) -> None:
    with pytest.raises(LibraryError, match=r"There is no folder|cannot be looked into"):
        Shelf(rag.open, lambda docs: ("", print), shelf._file).turn_to(Path(typed))


def test_a_folder_on_a_disk_that_is_away_is_left_out(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = folders(tmp_path, "one", "other")
    shelf.turn_to(one)
    shelf.turn_to(other)
    real = Path.is_dir

    def away(path: Path) -> bool:
        if path == one:
            raise PermissionError(path)
        return real(path)

    monkeypatch.setattr(Path, "is_dir", away)
    assert [each.folder for each in shelf.known()] == [other]


def test_a_name_that_no_page_can_show_is_left_out(shelf: Shelf, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    odd.mkdir()
    shelf.turn_to(odd)
    assert shelf.known() == ()


def test_nothing_is_opened_once_it_ends(opened: Opened, tmp_path: Path) -> None:
    (one,) = folders(tmp_path, "one")

    def ending(folder: Path, *, home: Path | None, on_progress: OnProgress) -> Footnote:
        shelf.close()
        return opened.opener(folder, home=home, on_progress=on_progress)

    shelf = Shelf(ending, opened.launch, tmp_path / "libraries.json")
    with pytest.raises(LibraryError, match="Footnote is ending"):
        shelf.turn_to(one)
    assert opened.docs[-1].closed


def test_what_is_remembered_may_be_damaged_or_impossible_to_write(
    opened: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (one,) = folders(tmp_path, "one")
    damaged = tmp_path / "damaged.json"
    for text in ("[", "[1]", '{"a": 1}', "\x00"):
        damaged.write_text(text)
        assert Shelf(opened.opener, opened.launch, damaged).known() == ()
    Shelf(opened.opener, opened.launch, damaged).turn_to(one)
    assert json.loads(damaged.read_text()) == {str(one): str(one / "library")}
    with caplog.at_level(logging.WARNING):
        Shelf(opened.opener, opened.launch, damaged / "below").turn_to(one)
    assert "cannot be remembered" in caplog.text


def test_no_more_than_eight_are_remembered(shelf: Shelf, tmp_path: Path) -> None:
    made = folders(tmp_path, *(f"folder{number}" for number in range(10)))
    for each in made:
        shelf.turn_to(each)
    assert [each.folder for each in shelf.known()] == made[:1:-1]


def test_several_who_turn_to_a_folder_at_once_open_it_once(shelf: Shelf, opened: Opened, tmp_path: Path) -> None:
    (one,) = folders(tmp_path, "one")
    threads = [Thread(target=shelf.turn_to, args=(one,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened.docs) == 1


def test_a_reader_opens_another_folder_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    (bridges,) = folders(tmp_path, "bridges")
    (bridges / "velton.txt").write_text("The bridge at Velton was opened in 1931.")
    shelf = Shelf(rag.open, lambda docs: _beside(docs, shelf), tmp_path / "libraries.json")
    docs = fake()
    docs.library.folder = tmp_path
    with serving(as_footnote(docs), shelf=shelf) as url:
        shelf.put(as_footnote(docs), url)
        seen = visit(browser, url)
        page, column = seen.page, seen.page.locator("#documents")
        column.locator(".libraries > summary").click()
        folder = column.get_by_role("textbox", name="Another folder")
        folder.fill(str(tmp_path / "nowhere"))
        folder.press("Enter")
        expect(column.locator("#turning")).to_contain_text("There is no folder")
        expect(folder).to_have_value(str(tmp_path / "nowhere"))
        folder.fill(str(bridges))
        folder.press("Enter")
        page.wait_for_url(lambda address: not address.startswith(url), wait_until="commit", timeout=60_000)
        seen.ask("When was the bridge at Velton opened?")
        expect(page.locator(".answer")).to_contain_text("1931")
        expect(page).to_have_title("bridges · Footnote")
        column.locator(".libraries > summary").click()
        column.get_by_role("link", name=tmp_path.name).click()
        page.wait_for_url(url)
        expect(page.locator("#files")).to_contain_text("mill.txt")
        check_quiet(seen)
        page.context.close()
    shelf.close()


def test_who_does_not_run_the_page_opens_no_folder_and_learns_of_none(
    browser: Browser, shelf: Shelf, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither with a header of ours, nor with one that the server takes for what a proxy says of the sender."""
    (one,) = folders(tmp_path, "one")
    with serving(as_footnote(fake()), shelf=shelf) as url:
        for is_own, header in ((False, "footnote-self"), (True, "x-forwarded-for")):
            monkeypatch.setattr(peer, "is_own", lambda client, server, is_own=is_own: is_own)
            seen = visit(browser, url)
            page = seen.page
            expect(page.locator(".libraries")).to_have_count(int(is_own))
            page.context.set_extra_http_headers({header: "127.0.0.1:5"})
            page.evaluate(
                """folder => {
                  const form = document.createElement("form");
                  Object.assign(form.dataset, { event: "turn", folder });
                  document.body.append(form);
                  form.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
                }""",
                str(one),
            )
            expect(page.locator("#turning")).to_contain_text("Only who runs Footnote can open other folders")
            page.context.close()
    assert opened.docs == []


def test_the_server_s_own_word_for_the_sender_is_the_kernel_s(
    shelf: Shelf, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    monkeypatch.setattr(peer, "is_own", lambda client, server: told.append(client) or True)
    with serving(as_footnote(fake()), shelf=shelf) as url, httpx.Client(base_url=url) as client:
        client.get("/")
        for forged in ({}, {"x-forwarded-for": "127.0.0.1:5"}, {"forwarded": "for=127.0.0.1:5"}):
            client.post("/gradio_api/queue/join", json={"session_hash": "a", "fn_index": 0, "data": []}, headers=forged)
    assert len(told) == 1


def test_a_program_of_another_user_is_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()):
            taken, address = server.accept()
            assert peer.is_own(address, server.getsockname())
            assert not peer.is_own((address[0], address[1] ^ 1), server.getsockname())
            assert not peer.is_own(("192.0.2.1", address[1]), server.getsockname())
            assert not peer.is_own(None, server.getsockname())
            taken.close()
        code = f"exec 3<>/dev/tcp/127.0.0.1/{server.getsockname()[1]}; read -r <&3"
        try:
            child = subprocess.Popen(["/bin/bash", "-c", code], user="nobody", cwd="/")
        except PermissionError:
            pytest.skip("only root can start a program of another user")
        with child:
            taken, address = server.accept()
            assert not peer.is_own(address, server.getsockname())
            taken.close()
        with socket.create_connection(server.getsockname()):
            taken, address = server.accept()
        assert not peer.is_own(address, server.getsockname())  # it has gone, and could be anyone's
        taken.close()


def test_where_the_system_does_not_tell_the_loopback_address_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "_SOCKETS", (Path("/nowhere"),))
    assert peer.is_own(("127.0.0.1", 1), ("127.0.0.1", 2))
    assert not peer.is_own(("192.0.2.1", 1), ("192.0.2.1", 2))


def test_reading_is_followed_and_stopped(browser: Browser) -> None:
    docs = fake()
    docs.coming = tuple(document(f"new{number}.txt", "News.") for number in range(30))
    docs.seconds = 0.3
    with serving(as_footnote(docs)) as url:
        seen = visit(browser, url)
        page, reading = seen.page, seen.page.locator("#reading")
        page.get_by_role("button", name="Look for changes").click()
        expect(reading).to_contain_text("of 30: New")
        expect(reading.get_by_role("progressbar")).to_have_attribute("max", "30")
        reading.get_by_role("button", name="Stop").click()
        expect(reading).to_contain_text("Not all was read; look for changes again to go on.")
        assert 0 < len(docs.documents) - 2 < 30
        docs.seconds = 0.0
        page.get_by_role("button", name="Look for changes").click()
        expect(page.locator("#files li")).to_have_count(33)
        expect(reading).to_contain_text("files read, ")
        page.get_by_role("button", name="Look for changes").click()
        expect(reading).to_contain_text("Nothing has changed.")
        check_quiet(seen)
        page.context.close()
