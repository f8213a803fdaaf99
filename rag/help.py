"""A line of help in place of an answer, for a greeting or a wish that Footnote does not grant."""

import re

_GREETING = re.compile(
    r"(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|greetings|thanks?(?: you)?|cheers|bye|goodbye)"
    r"(?: (?:there|footnote|all|everyone|again|so much|very much))*",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(?:help(?: me)?|what (?:can|do) you (?:do|know)(?: for me)?|who are you|what are you|how do you work"
    r"|what can i ask(?: you)?|what is this)",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    r"(?:please |can you |could you )*(?:summari[sz]e|sum up|give (?:me )?(?:a |an )?(?:summary|overview)|tl;?dr)\b.*",
    re.IGNORECASE | re.DOTALL,
)


def help_line(question: str) -> str | None:
    """One line of help, or None where the question is a real one."""
    asked = question.strip().rstrip("?!. ")
    if _SUMMARY.fullmatch(asked):
        return "Footnote does not summarise: it answers a question with sentences from your documents."
    if _GREETING.fullmatch(asked):
        return "Ask about your documents, and every sentence of the answer carries a footnote to its source."
    if _ABOUT.fullmatch(asked):
        return "Footnote answers questions from your documents, in their own words, with a footnote to each source."
    return None
