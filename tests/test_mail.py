"""Mail and mailboxes: bytes -> messages as people read them, however broken or hostile."""

import mailbox
import time
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.document import Document, canonical
from index.errors import Failed, Refused
from index.formats import read
from index.formats.mail import _MAX_LEVELS

HEAD = "From: Ann Brandt <ann@example.org>\nTo: Bo <bo@example.org>\nDate: Tue, 02 Jan 2024 10:30:00 +0100\nSubject: "


def mail(subject: str = "The mill", text: str = "It burned in 1902.") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ann Brandt <ann@example.org>"
    message["To"] = "Bo <bo@example.org>"
    message["Date"] = "Tue, 02 Jan 2024 10:30:00 +0100"
    message["Subject"] = subject
    message.set_content(text)
    return message


def of(message: EmailMessage | bytes | str) -> Document:
    data = message.encode() if isinstance(message, str) else message if isinstance(message, bytes) else bytes(message)
    return read("docs/a.eml", data)


def test_a_mail_is_its_head_lines_and_its_words():
    document = of(mail())
    assert document.text == f"{HEAD}The mill\n\nIt burned in 1902."
    assert (document.title, document.author, document.date) == ("The mill", "Ann Brandt", "2024-01-02T10:30:00+01:00")
    assert (document.media_type, document.pages) == ("message/rfc822", ())


def test_a_mail_of_windows_line_ends_reads_the_same():
    assert of(mail().as_bytes(policy=SMTP)).text == of(mail()).text


def test_words_in_other_letters_are_decoded_in_head_and_body():
    message = mail("Die Mühle – 水車小屋", "Sie brannte 1902. Grüße, Čeněk")
    message.replace_header("From", "Jürgen Groß <j@example.org>")
    document = of(message)
    assert (document.title, document.author) == ("Die Mühle – 水車小屋", "Jürgen Groß")
    assert document.text.endswith("Subject: Die Mühle – 水車小屋\n\nSie brannte 1902. Grüße, Čeněk")


@pytest.mark.parametrize("charset", ["iso-8859-1", "cp1252", "utf-8", "no-such", "punycode", "us-ascii", "\x00"])
@pytest.mark.parametrize("encoding", ["8bit", "no-such"])
def test_a_charset_that_is_wrong_harms_nobody(charset, encoding):
    text = "L'été où l'élève mangea des pâtes à la crème brûlée, Noël était déjà passé."
    coded = text.encode(charset if charset in ("utf-8", "cp1252") else "latin-1")
    head = f"{HEAD}x\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n"
    assert of(head.encode() + coded).text.endswith(f"\n\n{text}")


def test_japanese_of_two_encodings_is_read():
    head = (
        f"{HEAD}=?ISO-2022-JP?B?GyRCP2U8VhsoQg==?= =?shift_jis?b?j6yJrg==?=\n"
        "Content-Type: text/plain; charset=iso-2022-jp\n\n"
    )
    document = of(head.encode() + "水車小屋は焼けた。".encode("iso2022_jp"))
    assert document.title == "水車小屋"
    assert document.text.endswith("\n\n水車小屋は焼けた。")


def test_plain_text_is_preferred_to_html_unless_it_is_blank():
    message = mail()
    message.add_alternative("<h1>Mill</h1><p>It <b>burned</b>.", subtype="html")
    assert of(message).text.endswith("\n\nIt burned in 1902.")
    message = mail(text=" \n")
    message.add_alternative("<h1>Mill</h1><p>It <b>burned</b>.<script>no</script>", subtype="html")
    document = of(message)
    assert document.text.endswith("\n\nMill\n\nIt burned.")
    (heading,) = document.headings
    assert document.text[heading.start : heading.end] == "Mill"


def test_attachments_are_named_and_not_read():
    message = mail()
    message.add_alternative("<p>It burned.", subtype="html")
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="Der Müller.pdf")
    message.add_attachment("secret", filename="notes.txt")
    message.add_attachment(b"x", maintype="image", subtype="png")
    assert of(message).text.endswith(
        "\n\nIt burned in 1902.\n\nAttached: Der Müller.pdf (application/pdf)\nAttached: notes.txt (text/plain)\n"
        "Attached: a file without a name (image/png)"
    )


def test_a_forwarded_mail_is_read_and_one_forwarded_in_it_named():
    innermost = mail("Innermost", "not read")
    inner = mail("Inner", "The barn burned too.")
    inner.add_attachment(innermost)
    outer = mail("Outer", "See below.")
    outer.add_attachment(inner)
    document = of(outer)
    assert document.text == (
        f"{HEAD}Outer\n\nSee below.\n\nForwarded: Inner\n\n{HEAD}Inner\n\nThe barn burned too.\n\n"
        "Attached: Innermost (message/rfc822)"
    )
    (heading,) = document.headings
    assert document.text[heading.start : heading.end] == "Forwarded: Inner"
    assert document.title == "Outer"


def test_lines_that_flow_are_joined():
    data = f"{HEAD}x\nContent-Type: text/plain; format=flowed\n\nIt burned \nin 1902.\n-- \nAnn\n> quoted \n> text"
    assert of(data).text.endswith("\n\nIt burned in 1902.\n-- \nAnn\n> quoted \n> text")


BROKEN = {
    "no boundary": "Content-Type: multipart/mixed\n\nIt burned.",
    "boundary not there": "Content-Type: multipart/mixed; boundary=x\n\nIt burned.",
    "not closed": "Content-Type: multipart/mixed; boundary=x\n\n--x\n\nIt burned.",
    "head in a part": "Content-Type: multipart/mixed; boundary=x\n\n--x\nIt burned.\n--x--",
    "base64": "Content-Transfer-Encoding: base64\n\nSXQgYnVybmVkLg=",
    "numbers": f"Content-Type: text/plain; name*{'9' * 5000}=x\n\nIt burned.",
    "words": "Cc: =?utf-8?b?%%%?= =?x?q?a?=\nDate: never\nContent-Type: ;;;\n\nIt burned.",
    "stray": "this is no head line\nIt burned.",
}


@pytest.mark.parametrize("rest", BROKEN.values(), ids=BROKEN)
def test_a_broken_mail_is_read_as_far_as_it_can(rest):
    document = of(f"From: Ann\nSubject: x\n{rest}")
    assert document.text.endswith("It burned.")
    assert (document.title, document.author) == ("x", "Ann")


def test_a_file_that_is_no_mail_is_refused():
    with pytest.raises(Refused, match="not a mail"):
        of("The mill burned.")


def nested(depth: int) -> bytes:
    opened = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(depth))
    return f"{HEAD}x\n{opened}\nIt burned.".encode()


def test_parts_nested_as_deep_as_people_do_are_read():
    message = MIMEMultipart()
    message["Subject"] = "x"
    inner = message
    for _ in range(5):
        part = MIMEMultipart()
        inner.attach(part)
        inner = part
    inner.attach(MIMEText("It burned."))
    assert of(message.as_bytes()).text == "Subject: x\n\nIt burned."
    assert of(nested(_MAX_LEVELS)).text.endswith("It burned.")


HOSTILE = {
    "nested": (nested(1_000), "levels deep"),
    "parts": (
        f"{HEAD}x\nContent-Type: multipart/mixed; boundary=b\n\n".encode() + b"--b\n\na\n" * 100_000,
        "1,000 parts",
    ),
    "messages": (
        f"{HEAD}x\nContent-Type: multipart/digest; boundary=b\n\n".encode()
        + b"--b\n\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--c\n\nx\n" * 900,
        "1,000 parts",
    ),
    "head": (b"Subject: " + b"=?utf-8?q?a?= " * 700_000 + b"\nFrom: Ann\n\nIt burned.", ""),
    "head lines": (b"X: y\n" * 2_000_000 + b"\n\nIt burned.", "not a mail"),
    "head folded": (b"Subject: x\n" + b" y\n" * 3_000_000 + b"\nIt burned.", ""),
    "parameters": (b'Subject: x\nContent-Type: text/plain; a="' + b';"' * 1_000_000 + b"\n\nIt burned.", ""),
    "comments": (b"Subject: x\nFrom: " + b"(" * 1_000_000 + b"\nDate: " + b"(" * 1_000_000 + b"\n\nIt burned.", ""),
    "marks": (b"Subject: " + b"=?a?q?" * 1_000_000 + b"\n\nIt burned.", ""),
    "blanks": (
        b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n" + (b"\n--b" + b" " * 9_999 + b"x") * 900,
        "",
    ),
}


@pytest.mark.parametrize(("data", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_mail_is_read_or_refused_in_seconds(data, reason):
    began = time.process_time()
    if reason:
        with pytest.raises(Refused, match=reason):
            of(data)
    else:
        assert of(data).text
    assert time.process_time() - began < 5


# --- mailboxes ---


def boxed(path: Path, *messages: EmailMessage) -> Document:
    box = mailbox.mbox(path / "box.mbox")
    for message in messages:
        box.add(message)
    box.close()
    return read("docs/box.mbox", (path / "box.mbox").read_bytes())


def test_a_message_is_a_page_called_by_its_number(tmp_path):
    texts = ["It burned.\n\nFrom ashes it rose.\n", "Not so.", ""]
    document = boxed(tmp_path, *(mail(f"Mail {n}", text) for n, text in enumerate(texts)))
    assert [(page.number, page.name) for page in document.pages] == [(n, f"message {n}") for n in (1, 2, 3)]
    pages = [document.text[page.start : page.end] for page in document.pages]
    assert pages == [
        f"{HEAD}Mail 0\n\nIt burned.\n\nFrom ashes it rose.",
        f"{HEAD}Mail 1\n\nNot so.",
        f"{HEAD}Mail 2",
    ]
    assert (document.title, document.media_type) == ("box", "application/mbox")


def test_only_a_line_as_programs_write_it_begins_a_message():
    start = "From ann@example.org Tue Jan  2 10:30:00 2024\nSubject: "
    data = (
        f"{start}a\n\nFrom here on\n\nFrom the mill\nFrom bo Tue Jan  2 10:30\n>From x\n>>From y\n\n"
        f"{start}b\n\nz\n\nFrom \nSubject: c"
    )
    document = read("docs/a.mbox", data.encode())
    assert [document.text[page.start : page.end] for page in document.pages] == [
        "Subject: a\n\nFrom here on\n\nFrom the mill\nFrom bo Tue Jan  2 10:30\nFrom x\n>From y",
        "Subject: b\n\nz",
        "Subject: c",
    ]
    assert read("docs/a.mbox", data.replace("\n", "\r\n").encode()).text == document.text


def test_a_message_that_is_refused_leaves_the_others_to_be_read():
    start = b"From ann@example.org Tue Jan  2 10:30:00 2024\n"
    document = read("docs/a.mbox", start + nested(100) + b"\n\n" + start + b"Subject: b\n\nIt burned.")
    first, second = (document.text[page.start : page.end] for page in document.pages)
    assert "its parts are nested more than" in first
    assert second == "Subject: b\n\nIt burned."


def test_a_file_that_is_no_mailbox_is_refused():
    with pytest.raises(Refused, match="not a mailbox"):
        read("docs/a.mbox", b"Subject: x\n\nIt burned.")


def test_a_mailbox_of_too_many_messages_is_refused_and_one_of_many_read_in_seconds():
    began = time.process_time()
    with pytest.raises(Refused, match="20,001 messages"):
        read("docs/a.mbox", b"From a 10:30\nSubject: x\n\n" * 20_001)
    assert len(read("docs/a.mbox", b"From a 10:30\nSubject: x\n\n" * 5_000).pages) == 5_000
    read("docs/a.mbox", b"From a 10:30\nSubject: x\n\n" + b"\n\nFrom x" * 500_000)
    assert time.process_time() - began < 10


PIECES = [
    "From a 10:30",
    "From: a",
    "Subject: =?x?b?y?=",
    "",
    "--b",
    "--b--",
    "Content-Type: multipart/alternative; boundary=b",
    "Content-Type: message/rfc822",
    "Content-Type: text/html; charset=x",
    "Content-Transfer-Encoding: base64",
    "x",
    "\u200b",
]


@given(st.lists(st.sampled_from(PIECES) | st.text()), st.sampled_from(["a.eml", "a.mbox"]))
def test_any_lines_become_a_canonical_document_or_a_refusal(lines, name):
    try:
        document = read(f"docs/{name}", "\n".join(["From a", *lines]).encode(errors="replace"))
    except Failed:
        raise
    except Refused:
        return
    assert canonical(document.text) == (document.text, 0)
