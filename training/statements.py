"""A question and its answer -> a statement; a sentence -> a shorter one that it bears out, or a yes-or-no question."""

import re
from random import Random

_BE = r"is|are|was|were|has|have|had|can|could|will|would|should|must"
_DO = r"did|does|do"
_ASKED = re.compile(
    rf"""\b(?P<how>how\ (?:many|much))\b
    | \b(?P<wh>(?:(?:in|on|at|by|for|to|from|of)\ )?(?:what|which|whose)\b
        (?:(?:\ [\w'’-]+){{0,3}}?(?=\ (?:{_BE}|{_DO})\b))?
    | who|whom|when|where|why|how)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_INVERTED = re.compile(rf"^\s*(?P<aux>{_BE}|{_DO})\b\s*(?P<rest>.+)$", re.IGNORECASE | re.DOTALL)
_PARTICIPLE = re.compile(
    r"\b(?:\w+ed|\w+ing|born|built|held|made|known|found|written|given|taken|sold|won|lost|set|led|used)\b"
)
_PREPOSITION = {"when": "in ", "where": "in ", "why": "because ", "how": "by "}
_DECLARED = re.compile(
    r"(?P<subject>[A-Z][^,;:()\"“”?!]*?)"
    r" (?P<aux>is|are|was|were|can|could|will|would|should|must|has been|have been|had been)"
    r"(?: (?:not|never))? (?P<rest>[^,;:()\"“”?!]+)"
)
_MOST_SUBJECT, _MOST_REST = 8, 14  # words
_NO_SUBJECT = re.compile(  # what a clause begins with, or stands for something said before
    r"(?:in|on|at|by|for|from|with|to|of|after|before|during|when|while|as|if|although|though|since|because|however|but|"
    r"and|or|so|thus|here|he|she|it|they|we|i|you|this|that|these|those|what|who|which|both|also|under|among)\b"
    r"|.*\b(?:who|which|that|when|where|while|because|if|although|and)\b",
    re.IGNORECASE,
)
_LOWERED = re.compile(
    r"(?:The|An?|His|Her|Its|Their|Our|Most|Many|Some|Several|All|Each|Every|There|One|Such|No|Other)\b"
)
_BRACKETS = re.compile(r"\s*\([^()]*\)")


def declarative(question: str, answer: str) -> str | None:
    """What question and answer say together, in plain if not always good English; None without a question word."""
    asked = _ASKED.search(question)
    if asked is None:
        return None
    before, after = question[: asked.start()].strip(), question[asked.end() :].strip().rstrip("?").strip()
    wh = asked[0].split()[-1].lower()
    inverted = _INVERTED.match(after)
    if before or inverted is None or asked["how"] or _subject(asked[0], inverted["aux"]):
        return f"{_first_upper(f'{before} {answer} {after}'.strip())}."
    preposition = _PREPOSITION.get(wh, "")
    if answer.lower().startswith(preposition) or not answer:
        preposition = ""
    aux, rest = inverted["aux"], inverted["rest"]
    if re.fullmatch(_DO, aux, re.IGNORECASE):
        return f"{_first_upper(rest)} {preposition}{answer}."
    verb = _PARTICIPLE.search(rest)
    if verb and verb.start() > 0:
        return f"{_first_upper(rest[: verb.start()])}{aux} {rest[verb.start() :]} {preposition}{answer}."
    return f"{_first_upper(answer)} {aux} {rest}."


def shortened(sentence: str, rng: Random) -> str:
    """A part of a sentence that says less: without brackets, or without its first or last clause."""
    said = " ".join(_BRACKETS.sub("", sentence).split())
    parts = said.split(", ")
    if len(parts) > 2 and rng.random() < 0.6:
        kept = parts[1:] if rng.random() < 0.5 else parts[:-1]
        shorter = ", ".join(kept)
        if len(shorter.split()) >= 6:
            return f"{_first_upper(shorter.rstrip('.'))}."
    return said


def yes_or_no(sentence: str) -> tuple[str, str, str] | None:
    """What a sentence settles, as a question, its end, and the words that settle it there; None of most sentences.

    "The mill was not built of brick." -> "Was the mill built of brick?", "built of brick", "not built of brick"
    """
    declared = _DECLARED.match(sentence)
    if declared is None or _NO_SUBJECT.match(declared["subject"]):
        return None
    subject, aux, rest = declared["subject"], declared["aux"], declared["rest"].strip().rstrip(".")
    if len(subject.split()) > _MOST_SUBJECT or len(rest.split()) > _MOST_REST:
        return None
    if _LOWERED.match(subject):
        subject = subject[0].lower() + subject[1:]
    first, *more = aux.split()
    question = " ".join([_first_upper(first), subject, *more, rest])
    return f"{question}?", rest, sentence[declared.end("aux") : declared.start("rest") + len(rest)].strip()


def _subject(wh: str, aux: str) -> bool:
    """Whether what is asked for is the subject, so that the answer stands in its place: "Who was the king?"."""
    return wh.lower() in {"who", "what"} and re.fullmatch(_DO, aux, re.IGNORECASE) is None


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
