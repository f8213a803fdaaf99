"""A question and its answer -> the statement they make, where a template gives a grammatical one; and its opposite.

The templates are few and careful: a question that none of them fits makes no statement.
"""

import re
from collections.abc import Callable

_BE = r"is|are|was|were"
_VERBS = """
win:won:won go:went:gone take:took:taken give:gave:given make:made:made write:wrote:written lead:led:led
become:became:become begin:began:begun build:built:built buy:bought:bought come:came:come fall:fell:fallen
find:found:found fight:fought:fought fly:flew:flown get:got:got grow:grew:grown have:had:had hold:held:held
keep:kept:kept know:knew:known leave:left:left lose:lost:lost meet:met:met pay:paid:paid rise:rose:risen run:ran:run
say:said:said see:saw:seen sell:sold:sold send:sent:sent sing:sang:sung speak:spoke:spoken spend:spent:spent
stand:stood:stood teach:taught:taught tell:told:told think:thought:thought wear:wore:worn bring:brought:brought
choose:chose:chosen draw:drew:drawn drive:drove:driven break:broke:broken bear:bore:born strike:struck:struck
feel:felt:felt mean:meant:meant set:set:set put:put:put let:let:let cut:cut:cut hit:hit:hit
"""
_IRREGULAR = {base: (past, done) for base, past, done in (verb.split(":") for verb in _VERBS.split())}
_PASTS = "|".join(sorted({past for past, _ in _IRREGULAR.values()}))
_DONE = rf"(?:[a-z]{{2,}}ed|{'|'.join(sorted({done for _, done in _IRREGULAR.values()}))})"
_NOT_VERBS = """
first last also then originally initially usually often typically generally still only not never even ever most finally
officially early eventually once and or of in on at to for by from with as the a an
"""
_NO_VERB = frozenset(_NOT_VERBS.split())
_NAME = r"(?:[Tt]he )?[A-Z][\w.'’-]*(?: (?:(?:of|the|and|de|van|von|der|la|al|el|di|du) )*[A-Z0-9][\w.'’-]*)*"
_SUBJECT = rf"(?P<subject>{_NAME}|he|she|it|they)"
_NOUN = r"(?:[\w'’-]+ ){1,3}?"
_ADVERB = r"(?:[a-z]+ly|first|later|also|once|then)"
_NO_ANSWER = re.compile(
    r"[?;:*\"“”()]|\.\s|\b(?:is|are|was|were|has|had|its|his|her|their|it|he|she|they)\b", re.IGNORECASE
)
_STRANDED = re.compile(r"\b(?:for|by|as|of|with|from|to|on|at|into|called|named|about|against)$")
_PREPOSED = re.compile(
    r"(?:in|on|at|by|from|to|during|after|before|between|since|around|near|about|over|under|for|until|as|within)\b",
    re.I,
)
_DAY = re.compile(r"\b(?:[A-Z][a-z]+ \d{1,2}(?:st|nd|rd|th)?\b|\d{1,2}(?:st|nd|rd|th)? (?:of )?[A-Z][a-z]+)")
_TIME = re.compile(r"(?:(?:[Tt]he |[Ee]arly |[Ll]ate |[Mm]id-)*(?:\d{3,4}s?|[A-Z][a-z]+ \d|\d{1,2}(?:st|nd|rd|th)?\b))")
_AMOUNT = re.compile(
    r"(?:(?:about|around|over|nearly|almost|more than|less than|at least|up to) )?[$€£]?(?:\d|[a-z-]+$|[A-Z][a-z]+$)"
)
_AUXILIARY = re.compile(rf"\b(?:is|are|was|were|can|could|will|would|should|must|(?:has|have|had)(?= {_DONE}))\b")
_NEGATED = re.compile(r"\b(is|are|was|were|has|have|had|can|could|will|would|should|must) (?:not|never) ")
_EARLIER = re.compile(r"\b(?:that|which|who|when|where|and|not|never|no|[a-z]+ed)\b")
_PAST = re.compile(rf"(?<=[a-z0-9] )(?P<verb>{_PASTS})\b")


def stated(question: str, answer: str) -> str | None:
    """What a question and its answer say together, or None where no template is sure to be good English."""
    asked = " ".join(question.split()).rstrip("?").strip()
    answer = answer.strip().rstrip(".,;")
    if not answer or len(answer.split()) > _MOST_WORDS or _NO_ANSWER.search(answer) or '"' in asked:
        return None
    for pattern, made in _TEMPLATES:
        if match := pattern.fullmatch(asked):
            said = made(match, answer)
            return f"{said[:1].upper()}{said[1:]}." if said else None
    return None


def negated(statement: str) -> str | None:
    """The statement denied or, where it denies, affirmed; None where that is not sure to be good English."""
    if taken_out := _NEGATED.search(statement):
        return f"{statement[: taken_out.end(1)]} {statement[taken_out.end() :]}"
    found = [match for match in (_AUXILIARY.search(statement), _PAST.search(statement)) if match]
    first = min(found, key=lambda match: match.start(), default=None)
    if first is None or re.match(
        r"(?:Once|Since|When|If|While|After|Before|As|Although|Though|What|Because)\b", statement
    ):
        return None
    if _EARLIER.search(statement[: first.start()]) or re.search(r"\b(?:not|no|never)\b", statement):
        return None
    if not first.groupdict():
        return f"{statement[: first.end()]} not{statement[first.end() :]}"
    base = next(base for base, (said, _) in _IRREGULAR.items() if said == first["verb"])
    return f"{statement[: first.start()]}did not {base}{statement[first.end() :]}"


def clipped(sentence: str) -> str | None:
    """A sentence without its brackets and the clause that ends it; None where nothing can be left off."""
    said = re.sub(r"\s*\([^()]*\)", "", sentence)
    said = re.sub(r", (?:which|who|including|such as|where|while|although|because) [^,;:]*\.$", ".", said)
    plain = _FEWEST_WORDS <= len(said.split()) <= _LONGEST and not re.search(r"[\"“”;:()\[\]]", said)
    return said if plain and said != sentence and said.endswith(".") else None


def fronted(sentence: str) -> str | None:
    """A sentence that says first when it was, which it said last, or the other way round; None of most sentences."""
    if last := re.fullmatch(
        r"((?:[A-Z]|The )[^,;:()\"]+) ((?:in|on|since|during) (?:\w+ )?(?:\d{1,2}, )?\d{4})\.", sentence
    ):
        when = last[2]
        first = last[1] if not last[1].startswith(("The ", "It ", "He ", "She ", "They ", "A ")) else _lower(last[1])
        return f"{when[0].upper()}{when[1:]}, {first}."
    if first_said := re.fullmatch(r"((?:In|On|Since|During) (?:\w+ )?(?:\d{1,2}, )?\d{4}), ([^,;:()\"]+)\.", sentence):
        return f"{first_said[2][0].upper()}{first_said[2][1:]} {_lower(first_said[1])}."
    return None


_MOST_WORDS, _FEWEST_WORDS, _LONGEST = 10, 6, 30  # of an answer, and of a sentence

Made = Callable[[re.Match[str], str], str | None]


def _subject_asked(match: re.Match[str], answer: str) -> str | None:
    """Who founded Velton? What was the name of the river?"""
    rest = match["rest"]
    several = re.search(r"[a-z]*[^\Wsui]s$", answer) and re.match(r"(?:is|was|has) ", rest)
    if several or _STRANDED.search(rest) or re.search(rf"{_DONE}$", rest):
        return None
    if _PREPOSED.match(answer) or (answer[0].islower() and not re.match(r"(?:the|a|an|his|her|its|their) ", answer)):
        return None
    return f"{answer} {rest}"


def _what_is(match: re.Match[str], answer: str) -> str | None:
    """What was Tesla known for? What is the capital of France?"""
    rest, be = match["rest"], match["be"]
    if _STRANDED.search(rest):
        done = re.search(rf" (?:{_ADVERB} )?{_DONE}\b", rest)
        return f"{rest[: done.start()]} {be} {rest[done.start() + 1 :]} {answer}" if done else None
    if re.search(rf"\b{_DONE}$", rest) or not re.match(r"(?:the|a|an|[A-Z][\w'’]*['’]s)\s", rest):
        return None
    return _subject_asked(re.fullmatch(r"(?P<rest>.*)", f"{be} {rest}") or match, answer)


def _when_is(match: re.Match[str], answer: str) -> str | None:
    """When was the mill built?"""
    done = re.search(rf" (?:{_ADVERB} )?{_DONE}\b", match["rest"])
    when = _when(match["asked"], answer)
    if not done or not when:
        return None
    return f"{match['rest'][: done.start()]} {match['be']} {match['rest'][done.start() + 1 :]} {when}"


def _when_did(match: re.Match[str], answer: str) -> str | None:
    """When did Ann leave Velton?"""
    when, verb = _when(match["asked"], answer), _finite(match["do"], match["verb"], match["subject"])
    return f"{match['subject']} {verb}{match['rest']} {when}" if when and verb else None


def _what_did(match: re.Match[str], answer: str) -> str | None:
    """What did Ann build in 1821? Who did Ann marry?"""
    verb, rest = _finite(match["do"], match["verb"], match["subject"]), match["rest"]
    if not verb or _PREPOSED.match(answer) or (answer[0].islower() and " " not in answer and match["verb"] == "do"):
        return None
    if rest and not _STRANDED.search(rest):
        return f"{match['subject']} {verb} {answer}{rest}" if _PREPOSED.match(rest.strip()) else None
    return f"{match['subject']} {verb}{rest} {answer}"


def _how_many(match: re.Match[str], answer: str) -> str | None:
    """How many towns lie on the river? How many men are there in Velton?"""
    if not _AMOUNT.match(answer):
        return None
    counted = answer if answer.endswith(match["noun"].split()[-1]) else f"{answer} {match['noun'].strip()}"
    parts = match.groupdict()
    if parts.get("there"):
        return f"there {match['there']} {counted}{match['rest']}"
    if parts.get("subject"):
        verb = _finite(match["do"], match["verb"], match["subject"])
        return f"{match['subject']} {verb} {counted}{match['rest']}" if verb else None
    return f"{counted} {match['rest']}"


def _when(asked: str, answer: str) -> str | None:
    """When or where, with its preposition; None where the answer is of another kind."""
    if _PREPOSED.match(answer):
        return _lower(answer)
    if asked.lower().startswith("where"):
        return f"in {answer}" if answer[0].isupper() else None
    if not _TIME.match(answer):
        return None
    if re.search(r"\ds$", answer) and not answer.lower().startswith("the "):
        return f"in the {answer}"
    return f"on {answer}" if _DAY.search(answer) else f"in {answer}"


def _finite(do: str, base: str, subject: str) -> str | None:
    """What "did leave" is in one word; None of what is hardly a verb."""
    if base in _NO_VERB or base.endswith("ly"):
        return None
    if do == "did":
        return _past(base)
    return base if do == "do" or subject == "they" else _present(base)


def _past(base: str) -> str:
    """Left of leave, carried of carry, planned of plan."""
    if base in _IRREGULAR:
        return _IRREGULAR[base][0]
    if re.search(r"[^aeiou]y$", base):
        return f"{base[:-1]}ied"
    if re.fullmatch(r"[^aeiou]*[aeiou][bdgklmnprt]", base):
        return f"{base}{base[-1]}ed"
    return f"{base}{'d' if base.endswith('e') else 'ed'}"


def _present(base: str) -> str:
    """Leaves of leave, carries of carry, has of have."""
    if base == "have":
        return "has"
    if re.search(r"[^aeiou]y$", base):
        return f"{base[:-1]}ies"
    return f"{base}{'es' if re.search(r'(?:s|x|ch|sh|o)$', base) else 's'}"


def _lower(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}"


_FIRST = r"(?:When|Where|[Ii]n (?:what|which) (?:year|month|decade|century|city|country|state)|(?:What|Which) year)"
_DID = rf"(?P<do>did|does|do) {_SUBJECT} (?P<verb>[a-z]+)"
_IS_ONE = rf"(?:{_BE}) (?:the|a|an|known|called|located|responsible|named)"
_PREPOSITION = r"(?:in|at|on|for|by|during|from|to)"
_COUNTED = rf"(?:{_PASTS})(?! (?:the |[A-Z]))|(?:{_BE}) {_DONE}|have|live|lived|died"
_TEMPLATES: tuple[tuple[re.Pattern[str], Made], ...] = (
    (re.compile(rf"(?:What|Who) (?P<rest>(?:[a-z]+ed|{_PASTS}|had|can|could|will|would) .+)"), _subject_asked),
    (re.compile(rf"(?:What|Who|Which) (?P<be>{_BE}) (?P<rest>.+)"), _what_is),
    (re.compile(rf"(?:What|Which) {_NOUN}(?P<rest>(?:{_PASTS}|{_IS_ONE}) .+)"), _subject_asked),
    (re.compile(rf"(?P<asked>{_FIRST}) (?P<be>{_BE}) (?P<rest>.+)"), _when_is),
    (re.compile(rf"(?P<asked>{_FIRST}) {_DID}(?P<rest>.*)"), _when_did),
    (re.compile(rf"(?:What|Who|(?:Which|What) {_NOUN[:-1]}) ?{_DID}(?P<rest>.*)"), _what_did),
    (re.compile(rf"How many (?P<noun>{_NOUN})(?P<there>{_BE}) there(?P<rest>.*)"), _how_many),
    (re.compile(rf"How many (?P<noun>{_NOUN}){_DID}(?P<rest>(?: {_PREPOSITION} .+)?)"), _how_many),
    (re.compile(rf"How many (?P<noun>{_NOUN})(?P<rest>(?:{_COUNTED}) .+)"), _how_many),
)
