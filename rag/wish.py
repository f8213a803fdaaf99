"""What a question that counts, adds up or compares asks of a sheet. Pure.

Every word of the question must be accounted for: by what is to be done, a head, a cell, a number to compare with, a
date, the sheet's name, or as a word that says nothing by itself. A question with any other word is not asked of the
sheet; one that may be understood in two ways is refused, with a reason.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from index.document import Span
from index.lexical import Word, words
from rag.amounts import WORTH
from rag.bounds import Bound, bounds, condition
from rag.sheet import Column, Sheet, folded, forms, singular, standing
from rag.tally import Condition, Operation, Unclear, Wish

_SMALL = {word: int(worth) for word, worth in WORTH.items() if 1 < worth <= 12}
_COUNT = rf"[0-9]{{1,3}}|{'|'.join(_SMALL)}"
_UP = r"largest|highest|biggest|greatest|maximum|max"
_DOWN = r"smallest|lowest|least|minimum|min|fewest"
_ASKED: tuple[tuple[str, str], ...] = (  # what is to be done, the longer phrases first
    ("count", r"how many|(?:total |overall )?number of|count(?: of| up| the)?"),
    ("distinct", r"different|distinct|unique"),
    ("top", rf"top (?P<top>{_COUNT})\b|(?P<most>{_COUNT}) (?:{_UP})\b"),
    ("bottom", rf"bottom (?P<low>{_COUNT})\b|(?P<few>{_COUNT}) (?:{_DOWN})\b"),
    ("latest", r"latest|(?:the )?most recent"),
    ("earliest", r"earliest"),
    ("most", r"the most|most"),
    ("fewest", r"the fewest|fewest|the least|least"),
    ("max", rf"{_UP}|top"),
    ("min", rf"{_DOWN}|bottom"),
    ("mean", r"average|mean"),
    ("median", r"median"),
    ("sum", r"in total|total|sum of|sum|altogether|combined|add up"),
    ("single", r"single|individual"),
)
_PHRASES = re.compile("|".join(rf"(?P<{name}_>\b(?:{said})\b)" for name, said in _ASKED), re.IGNORECASE)
_INNER: dict[str, Operation] = {"sum": "sum", "mean": "mean", "median": "median"}
_SUPERLATIVES: dict[str, Operation] = {
    **dict.fromkeys(("top", "most", "max", "latest"), "max"),
    **dict.fromkeys(("bottom", "fewest", "min", "earliest"), "min"),
}

# Words that say nothing by themselves in a question of a table. Not "not", "or", "each", "other", "last", "more".
_EMPTY_WORDS = """
a an the of in on at to for by from with as is are was were be been being do doe does did has have had having that this
these those it its there they their them we our us you your i me my what which who whom whose when where and all can
could will would how much s any
"""
_SOFT_WORDS = """
tell show give please find list calculate compute work worked working live lived living located based belong recorded
contain contained table sheet file data spreadsheet csv xlsx value column whole entire overall
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
_SOFT = frozenset(_SOFT_WORDS.split())  # likewise, unless a column is called so
_ROWS = frozenset({"row", "record", "entry", "line"})
_PIECES = frozenset(
    {"unit", "quantity", "qty", "stock", "count", "number", "amount", "piece", "available", "inventory", "sold"}
    | {"ordered", "hand", "left", "remaining", "total", "volume", "item", "sale", "pc"}
)
_COUNTED = frozenset(  # heads of numbers that say how many there are; "Order" and "Price" do not
    {"unit", "quantity", "qty", "stock", "piece", "inventory", "pc"}
)
_MEASURED = frozenset(  # heads of whole numbers that are plural, and count nothing that a row is of
    {"salary", "wage", "price", "cost", "fee", "amount", "year", "month", "day", "hour", "minute", "second", "week"}
    | {
        "expense",
        "earning",
        "saving",
        "rate",
        "rating",
        "score",
        "grade",
        "mark",
        "level",
        "code",
        "id",
        "zip",
        "number",
    }
    | {"dollar", "euro", "pound", "cent", "thousand", "million", "billion", "mile", "metre", "meter", "ton", "tax"}
    | {"revenue", "sale", "profit", "loss", "asset", "balance", "payment", "budget", "income", "size", "rank"}
)
_TIMES = frozenset({"year", "quarter", "month", "week", "day", "date", "period", "season", "time"})
_COUNTING = frozenset({"number", "count", "quantity", "qty"})
_LINKS = frozenset({"is", "are", "was", "were", "of", "equal", "to", "the", "a", "an", "with", "named", "called", "at"})
_KEY_WORDS = frozenset({"id", "name", "number", "no", "code", "key", "nr", "ref", "reference", "full", "identifier"})
_PLACING = frozenset({"in", "from", "for", "at", "of", "to", "with"})
_DOERS = ("er", "or", "ee")
_NAMED = 12  # columns, of those that may be meant
_LONGEST = 100  # words of a question, of which each must be of the table
_BRACKETS = re.compile(r"[(\[][^)\]]*+[)\]]?")  # one that is never closed is looked for the end of once
_YES_OR_NO = re.compile(  # unless it is a wish: "Can you give me the total revenue?"
    r"(?:is|are|was|were|do|does|did|has|have|had|should|may|might|must|(?:can|could|will|would)(?! you\b))\b",
    re.IGNORECASE,
)
_AND = frozenset({"and", "or", "the", "in", "either", "both"})

_IN_ALL = {"in total", "altogether", "combined"}


class NotAsked(Exception):
    """A question that is none of this sheet, as far as can be told."""


@dataclass(slots=True)
class _Mention:
    """What some words of a question may name.

    Attributes:
        first: The first of its words, as a place among them.
        last: One past the last.
        full: Columns whose heads they are.
        partly: Columns of whose heads they are a part.
        values: What stands in cells of a column as they do, by column.
        weak: Whether such a cell says so little that its column must be named beside it.
        titled: Whether they are of the sheet's name, or stand for any row.
        used: Whether it says no more than what is named beside it.
    """

    first: int
    last: int
    full: set[int] = field(default_factory=set)
    partly: set[int] = field(default_factory=set)
    values: dict[int, list[str]] = field(default_factory=dict)
    weak: bool = False
    titled: bool = False
    used: bool = False

    @property
    def columns(self) -> set[int]:
        """The columns it may name: those it names in full, or else those it names a part of."""
        return self.full or self.partly


def is_aggregating(question: str) -> bool:
    """Whether a question may ask to count, add up or compare: whether any of its words says so."""
    return any(not found["distinct_"] and not found["single_"] for found in _PHRASES.finditer(question))


def is_plainly_aggregating(question: str) -> bool:
    """Whether it hardly asks for anything else: "mean" and "most" say other things as well."""
    said = (
        found[0].lower() for found in _PHRASES.finditer(question) if not found["distinct_"] and not found["single_"]
    )
    return any(each not in ("mean", "most", "least", "top", "bottom", "sum") for each in said)


def heads_said(question: str, names: Sequence[str]) -> int:
    """How many words of a question are of some names: heads, titles; a quick look before a sheet is read."""
    known = {word.stem for name in names for word in words(_split(name)) if _form(_split(name), word) not in _EMPTY}
    said = ((word.stem, _form(question, word)) for word in words(question))
    return sum((stem in known and form not in _EMPTY) or form in _ROWS for stem, form in said)


class _Heads:
    """How the heads of a sheet may be said.

    Attributes:
        told: Of each head its stems, whole, without what is in brackets, without empty words; and its forms.
        plain: The forms of each head as it is written.
    """

    def __init__(self, heads: Sequence[str]) -> None:
        self.told: list[tuple[list[list[str]], set[str]]] = []
        self.plain = {forms(head) for head in heads}
        self._columns: dict[str, set[int]] = {}  # whose heads have a stem
        self._forms: dict[str, set[str]] = {}  # of the words that have a stem
        for column, head in enumerate(heads):
            whole, patterns = _split(head), list[list[str]]()
            for text in dict.fromkeys((_BRACKETS.sub(_left_out, whole), whole)):
                said = [(word.stem, _form(text, word)) for word in words(text)]
                content = [stem for stem, form in said if form not in _EMPTY]
                patterns += [[stem for stem, _ in said], content] if content else []
                for stem, form in said:
                    self._columns.setdefault(stem, set()).add(column)
                    self._forms.setdefault(stem, set()).add(form)
            self.told.append((patterns, set(forms(whole))))

    def saying(self, stems: Sequence[str]) -> list[int]:
        """The columns whose heads have all of some stems."""
        few, *others = sorted((self._columns.get(stem, set()) for stem in set(stems)), key=len)
        return sorted(few.intersection(*others))

    def related(self, stems: Sequence[str]) -> set[str]:
        """The words of heads that have one of these stems."""
        return {form for stem in stems for form in self._forms.get(stem, ())}


@lru_cache(16)
def _heads_of(heads: tuple[str, ...]) -> _Heads:
    return _Heads(heads)


class Asked:
    """A question laid beside a sheet, word by word."""

    def __init__(self, question: str, sheet: Sheet) -> None:
        """Account for every word.

        Raises:
            NotAsked: A word is left over, or nothing in the question is of this sheet.
        """
        self._question, self.sheet = question, sheet
        self._words = words(question)
        if len(self._words) > _LONGEST:
            raise NotAsked
        self._heads = _heads_of(tuple(column.head for column in sheet.columns))
        self._forms = [_form(question, word) for word in self._words]
        names = (self.sheet.title, self.sheet.called)
        self._titled = {form for name in names for form in forms(_split(name))} - _EMPTY
        found_bounds = list(bounds(question))
        if not all(self._within(each.start, each.end) for each in found_bounds):
            raise NotAsked  # a number of other digits
        self._bounds = [each for each in found_bounds if not (self._is_name(each) or self._is_head(each))]
        taken = {place for bound in self._bounds for place in self._within(bound.start, bound.end)}
        found = [(each, self._within(*each.span())) for each in _PHRASES.finditer(question)]
        counts = {place for each, places in found if each["top_"] or each["bottom_"] for place in places}
        self._bounds = [each for each in self._bounds if not set(self._within(each.start, each.end)) & counts]
        taken -= counts  # "the top 3" compares nothing with 3, and "at least 3" asks for no least
        self._phrases = {place: each for each, places in found if not taken & set(places) for place in places}
        self._doubted = ""
        self._mentions = self._chosen(list(self._candidates(taken)))
        covered = {place for each in self._mentions for place in range(each.first, each.last)}
        self._swallowed: set[int] = set()
        self._joined: set[int] = set()  # words between values of one column
        self._pooled = ""  # two of these, joined by "and"
        self._ops = self._operations(covered)
        self._empty = set(range(len(self._words))) - taken - covered - set(self._phrases)
        known = _EMPTY | _SOFT | {"or"}
        left = [place for place in sorted(self._empty) if self._forms[place] not in known or self._is_name_like(place)]
        is_one = "?" not in question.rstrip(" ?!.") and not _YES_OR_NO.match(question)
        if left or not self._mentions or not is_one:
            raise NotAsked(self._forms[left[0]] if left else "")

    @property
    def named(self) -> list[int]:
        """The columns that the question names in full."""
        return sorted({column for each in self._mentions for column in each.full})

    @property
    def fit(self) -> int:
        """How well the question fits the sheet: which of several it is asked of."""
        columns = sum(2 * bool(each.full) + bool(each.partly) + 2 * bool(each.values) for each in self._mentions)
        return columns + sum(3 * each.titled for each in self._mentions if not each.columns or each.titled)

    # --- the words ---

    def _within(self, start: int, end: int) -> list[int]:
        return [place for place, word in enumerate(self._words) if start <= word.span.start and word.span.end <= end]

    def _is_name_like(self, place: int) -> bool:
        """Whether a word that says little may be a name here: "A" within a question, "a" at its end, "a+"."""
        span = self._words[place].span
        if self._forms[place] == "a" and place == len(self._words) - 1:
            return True
        return self._question[span.end : span.end + 1] in ("+", "#") or (
            place > 0 and self._question[span.start : span.end] == "A"
        )

    def _is_name(self, bound: Bound) -> bool:
        """Whether a number is what the sheet is called: "in sheet 2022", or "in 2022" where it holds no dates."""
        place = self._within(bound.start, bound.end)[-1]
        is_said = place > 0 and self._forms[place - 1] in ("sheet", "table", "file")
        return self._forms[place] in self._titled and (is_said or (bound.is_day and not self._dated_columns()))

    def _is_head(self, bound: Bound) -> bool:
        """Whether a number is what a column is called: "the total in 2020", of a table of years."""
        said = self._forms[self._within(bound.start, bound.end)[-1]]
        is_alone = bound.said.startswith(("is in ", "is on ", "is exactly "))
        return is_alone and not self._dated_columns() and (said,) in self._heads.plain

    def _candidates(self, taken: Collection[int]) -> Iterator[_Mention]:
        """What each run of words may name."""
        for first in range(len(self._words)):
            for last in range(first + 1, min(len(self._words), first + 8) + 1):
                if last - 1 in taken:
                    break
                found = _Mention(first, last)
                self._of_heads(found)
                self._of_cells(found)
                run = set(self._forms[first:last])
                found.titled = last == first + 1 and bool(run & _ROWS or run & self._titled) and not run & _EMPTY
                if found.columns or found.values or found.titled:
                    yield found

    def _of_heads(self, found: _Mention) -> None:
        """The columns whose heads some words are, or are a part of."""
        places = range(found.first, found.last)
        run = [self._words[place].stem for place in places]
        is_asking = any(place in self._phrases for place in places)
        said = {self._forms[place] for place in places}
        silent, related = said & (_EMPTY | _SOFT), self._heads.related(run)
        for column in self._heads.saying(run):
            patterns, head = self._heads.told[column]
            if silent - head:  # "located" is not "Location"
                continue
            if any(form.endswith(_DOERS) and form not in said for form in related & head):
                continue  # who manages is no manager
            if run in patterns:
                found.full.add(column)
            elif patterns and not is_asking and set(run) <= set(patterns[-1]):
                found.partly.add(column)

    def _of_cells(self, found: _Mention) -> None:
        run = tuple(self._forms[found.first : found.last])
        for place in self.sheet.texts_beginning(run[0]):
            column = self.sheet.columns[place]
            same = column.meant(run, self._question, self._span(found))
            if same:
                found.values[place] = same
        said = self._said(found)
        found.weak = set(run) <= _EMPTY | _AND | {"no", "not", "other", "yes"} or len(said) == 1
        found.weak = found.weak or all(place in self._phrases for place in range(found.first, found.last))

    def _chosen(self, candidates: list[_Mention]) -> list[_Mention]:
        """The mentions that hold: the longest first, what is named in full before what is named in part."""
        chosen: list[_Mention] = []
        ranked = sorted(candidates, key=lambda each: (each.first - each.last, not (each.full or each.values)))
        for each in ranked:
            places = set(range(each.first, each.last))
            if each.weak:
                self._strengthen(each)
            alone = places <= self._phrases.keys() and not each.values
            if alone or not (each.columns or each.values or each.titled):
                continue
            if self._forms[each.first] in _EMPTY and not (each.full or each.values):
                continue
            if not any(each.first < other.last and other.first < each.last for other in chosen):
                chosen.append(each)
        return sorted(chosen, key=lambda each: each.first)

    def _strengthen(self, each: _Mention) -> None:
        """Keep of the cells that some words may name, and which say little, those meant for certain: "IT", not "it".

        They are spelt as in the table, with a capital, or stand beside the head of their column.
        """
        said, before = self._said(each), self._forms[each.first - 1] if each.first else ""
        sure = {
            column: [cell for cell in cells if self._is_spelt(cell, each)]
            or (cells if self._beside_head(each, column) else [])
            for column, cells in each.values.items()
        }
        if each.values and not any(sure.values()) and before in _PLACING:
            self._doubted = said
        each.values = {column: cells for column, cells in sure.items() if cells}

    def _is_spelt(self, cell: str, mention: _Mention) -> bool:
        """Whether a cell stands in a question as it does in the table, with a capital or with signs."""
        span = self._span(mention)
        if not standing(cell, self._question, span):
            return False
        said = self._said(mention)
        return len(cell) > len(said) or (mention.first > 0 and cell == said != said.lower())

    def _beside_head(self, mention: _Mention, column: int) -> bool:
        """Whether the head of a column stands right before some words, or right after them."""
        stems = [word.stem for word in self._words]
        for pattern in self._heads.told[column][0]:
            before = mention.first
            while before and self._forms[before - 1] in _LINKS:
                before -= 1
            if stems[max(0, before - len(pattern)) : before] == pattern:
                return True
            if stems[mention.last : mention.last + len(pattern)] == pattern:
                return True
        return False

    def _operations(self, covered: Collection[int]) -> dict[str, re.Match[str]]:
        """What is to be done, as the words say that are not of a longer name.

        Raises:
            NotAsked: The same is to be done twice.
        """
        told: dict[str, re.Match[str]] = {}
        for found in dict.fromkeys(self._phrases.values()):
            places = set(self._within(*found.span()))
            name = next(name for name, _ in _ASKED if found[f"{name}_"])
            if places & set(covered):
                self._swallowed |= places if name == "sum" else set()
            elif name in told:
                raise NotAsked
            else:
                told[name] = found
        if self._swallowed and not told.keys() - {"distinct", "single"}:  # "What is the total price?", of such a column
            told["sum"] = self._phrases[min(self._swallowed)]
        return told

    # --- what is asked ---

    def wish(self) -> Wish:
        """What is asked.

        Raises:
            Unclear: It may be understood in several ways.
            NotAsked: Some word finds no place in it.
        """
        if self._doubted:
            raise Unclear(f"“{self._doubted}” may be what a cell says; write it as it stands there, after its column.")
        conditions = (*self._of_values(), *self._of_bounds())
        outer = [name for name in self._ops if name in _SUPERLATIVES]
        inner = self._ops.keys() & {"sum", "mean", "median", "count"}
        if self._ops.get("sum") and self._ops["sum"][0].lower() in _IN_ALL and inner == {"sum", "count"}:
            inner -= {"sum"}  # "how many in total"
        if len(outer) > 1 or len(inner) > 1:
            raise Unclear("It asks for several figures at once; ask for one of them.")
        self._check_and()
        if outer:
            return self._superlative(outer, conditions)
        if "count" in self._ops:
            return self._counting(conditions)
        operation = next((name for name in ("median", "mean", "sum") if name in self._ops), "")
        if not operation:
            raise NotAsked
        return self._reducing(operation, conditions)

    def _check_and(self) -> None:
        """See that no "and" joins what is worked out to something else: "the salary of Ann and the total of all".

        Raises:
            Unclear: One does.
        """
        for place in self._empty - self._joined:
            if self._forms[place] != "and" or place == 0:
                continue
            after = next((each for each in range(place + 1, len(self._forms)) if self._forms[each] not in _EMPTY), -1)
            found = self._starting(after)
            is_figure = found is not None and bool(found.columns) and not found.used and not found.values
            if is_figure or any(phrase > place for phrase in self._phrases):
                raise Unclear("It asks for several things, joined by “and”; ask for one of them.")

    def rows(self) -> tuple[Condition, ...]:
        """What holds of the rows that are asked for, where nothing is to be worked out: "the salary of Ada Brandt".

        Raises:
            Unclear: It may be understood in several ways.
            NotAsked: It names no column, or nothing that tells some rows from others.
        """
        named = [each for each in self._mentions if each.full or (self._keys(each) and not each.values)]
        if self._ops or self._doubted or not named:
            raise NotAsked
        conditions = (*self._of_values(), *self._of_bounds())
        if not conditions:
            raise NotAsked
        return conditions

    def _of_values(self) -> Iterator[Condition]:
        """The conditions that the cells named in the question make."""
        by: dict[int, list[_Mention]] = {}
        for mention in (each for each in self._mentions if each.values):
            if mention.full:
                raise Unclear(f"“{self._said(mention)}” is the name of a column and stands in cells too.")
            by.setdefault(self._column_of(mention), []).append(mention)
        for column, mentions in by.items():
            for one, other in pairwise(mentions):
                between = range(one.last, other.first)
                if not {self._forms[place] for place in between} & {"and", "or"} and not self._comma(one, other):
                    raise Unclear(f"It names two values of {self._head(column)} at once; ask for one of them.")
                self._joined |= set(between)
                if any(self._forms[place] == "and" for place in between):
                    self._pooled = f"{self._said(one)} and {self._said(other)}"
            for each in mentions:
                if len({cell.casefold() for cell in each.values[column]}) > 1:
                    spelt = listed(each.values[column][:5], "or")
                    raise Unclear(f"“{self._said(each)}” may be {spelt} of {self._head(column)}; write it just so.")
            cells = dict.fromkeys(cell for each in mentions for cell in each.values[column])
            yield Condition(column, f"{self._head(column)} is {' or '.join(cells)}", "text", cells.__contains__)
        if any(self._forms[place] == "or" and place not in self._joined for place in self._empty):
            raise Unclear("It joins by “or” what is not of one column; ask for one of them.")

    def _comma(self, one: _Mention, other: _Mention) -> bool:
        return "," in self._question[self._words[one.last - 1].span.end : self._words[other.first].span.start]

    def _column_of(self, mention: _Mention) -> int:
        """The column that a value stands in: the one named beside it, or the only one."""
        for other in (self._before(mention.first), self._after(mention.last)):
            beside = (other.columns & mention.values.keys()) if other else set()
            if other and len(beside) == 1:
                other.used = True
                return next(iter(beside))
        if len(mention.values) > 1:
            heads = listed([self._head(column) for column in mention.values])
            raise Unclear(f"“{self._said(mention)}” stands in the columns {heads}; say in which one it is meant.")
        return next(iter(mention.values))

    def _of_bounds(self) -> Iterator[Condition]:
        """The conditions that the numbers and dates in the question make."""
        for bound in self._bounds:
            places = self._within(bound.start, bound.end)
            near = [each for each in (self._after(places[-1] + 1), self._before(places[0])) if each]
            if not bound.said.startswith("is exactly"):  # "orders over 500" are no numbers of orders over 500
                near = [each for each in near if each.full or not (each.titled or self._keys(each))]
            fits = self._dated_columns() if bound.is_day else self._numeric_columns()
            column = next((self._take(each, fits) for each in near if each.columns & set(fits)), None)
            column = self._only(fits, bound) if column is None else column
            said = condition(column, self._head(column), bound, is_dated=self.sheet.columns[column].is_dated)
            if said is None:
                raise NotAsked(self._head(column))
            yield said

    def _take(self, mention: _Mention, fits: Sequence[int]) -> int:
        both = sorted(mention.columns & set(fits))
        if len(both) > 1:
            heads = listed([self._head(each) for each in both], "or")
            raise Unclear(f"“{self._said(mention)}” may be {heads}; say which.")
        mention.used = True
        return both[0]

    def _only(self, fits: Sequence[int], bound: Bound) -> int:
        """The column that a number or a date must be of, though none is named beside it.

        Raises:
            NotAsked: There is none.
            Unclear: It could be another.
        """
        said = self._question[bound.start : bound.end]
        if not fits or bound.said.startswith("is exactly"):
            raise NotAsked(said)
        plain = {"date", "day", "year", "time", *self._forms, *forms(_split(self.sheet.called))}
        if bound.is_day:
            sure = [each for each in fits if set(forms(_split(self._head(each)))) <= plain]
        else:
            numbers = [each for each in fits if bound.unit]
            sure = [each for each in numbers if bound.unit in self.sheet.columns[each].units]
        if len(sure) == 1:
            return sure[0]
        heads = listed([self._head(each) for each in sure or fits], "or")
        raise Unclear(f"“{said}” may be of {heads}; say of which, as in “{self._head((sure or fits)[0])} {said}”.")

    def _counting(self, conditions: tuple[Condition, ...]) -> Wish:
        """How many rows, or different values, or what a column of numbers counts."""
        phrase = self._ops.get("distinct", self._ops["count"])
        noun = self._noun(phrase)
        self._spare(noun)
        if noun is None:
            self._check_pieces()
            return Wish("count", None, conditions)
        keys, numeric = self._keys(noun), self._counts(noun)
        if "distinct" in self._ops:
            return Wish("distinct", self._one(noun, keys or sorted(noun.columns)), conditions)
        keys = keys or self._numbered(noun)
        if numeric and not keys:
            if noun.titled or len(numeric) > 1:
                raise Unclear(f"“{self._said(noun)}” may be the rows, or the numbers in {self._head(numeric[0])}.")
            return Wish("sum", numeric[0], conditions, of_one=self._times(numeric[0]))
        if not keys and not noun.titled:
            self._check_amounts(noun)
            raise NotAsked(self._said(noun))
        return Wish("count", None, conditions, tuple(keys), self._said(noun))

    def _noun(self, phrase: re.Match[str]) -> _Mention | None:
        """What is counted; None where it is told by a value: "How many managers are there?".

        Raises:
            NotAsked: Nothing tells.
        """
        place = next((place for place, word in enumerate(self._words) if word.span.start >= phrase.end()), 0)
        first = self._starting(place)
        later = [each for each in self._mentions if each.first >= place and not each.values]
        noun = next((each for each in later if each is first or not each.used), None)
        if noun is None and not (first and first.values):
            raise NotAsked
        return noun

    def _check_pieces(self) -> None:
        """See that "How many ladders are there?" asks for the rows where the item is a ladder, and not for pieces.

        Raises:
            Unclear: A column tells how many there are of what a row is of.
        """
        for column in self._numeric_columns():
            if set(forms(_split(self._head(column)))) & _PIECES:
                raise Unclear(
                    f"It may ask for rows or for the numbers in {self._head(column)}; ask how many rows there are, or "
                    f"for the total of {self._head(column)}."
                )

    def _reducing(self, operation: str, conditions: tuple[Condition, ...]) -> Wish:
        """The total or average of a column."""
        measure, nouns = self._measured()
        self._spare(*nouns)
        if measure is None:
            raise Unclear(self._measures())
        if self._pooled and operation != "sum":
            raise Unclear(f"“{self._pooled}” may be meant together or one by one; ask for one, or join them by “or”.")
        for noun in nouns:
            before = noun.first - 1
            while before > 0 and self._forms[before] in ("the", "all", "our"):
                before -= 1
            if self._forms[before] != "of" and (not noun.titled or self._forms[before] == "by"):
                raise Unclear(f"It does not say one “{self._said(noun)}”; ask for one, or which has the largest.")
        self._check_swallowed()
        keys = tuple(key for noun in nouns for key in self._identified(noun)) if operation != "sum" else ()
        return Wish(_INNER[operation], measure, conditions, keys, self._said(nouns[0]) if nouns else "")

    def _check_swallowed(self) -> None:
        """See that "total price" is not both a column and the total of another."""
        for mention in self._mentions:
            places = [place for place in range(mention.first, mention.last) if place not in self._swallowed]
            run = [self._words[place].stem for place in places]
            others = [place for place, (patterns, _) in enumerate(self._heads.told) if run in patterns]
            if len(places) < mention.last - mention.first and others and mention.columns:
                heads = f"{self._head(min(mention.columns))}, or the total of {self._head(others[0])}"
                raise Unclear(f"“{self._said(mention)}” may be the column {heads}; ask for “the sum of” one of them.")

    def _superlative(self, outer: Sequence[str], conditions: tuple[Condition, ...]) -> Wish:
        """The rows, or the values of a column, that have the most."""
        operation, top = _SUPERLATIVES[outer[0]], self._top(outer)
        inner = next((name for name in ("count", "mean", "median", "sum") if name in self._ops), "")
        group = self._grouping()
        if inner == "count" or (not inner and self._is_of_rows(outer, group)):
            return self._most_rows(operation, top, group, conditions)
        measure, nouns = self._measured(group, dated=not inner)
        if not inner and measure is not None and outer[0] in ("most", "fewest"):
            self._check_numbered(measure)
        group = group or (nouns[0] if len(nouns) == 1 else None)
        self._spare(group, *nouns)
        if measure is None:
            raise Unclear(self._measures())
        numbers = [
            each
            for each in nouns
            if each.columns & set(self._numeric_columns()) and not each.titled and not self._keys(each)
        ]
        if numbers and self.sheet.columns[measure].is_dated:
            raise Unclear(f"Ask for the {outer[0]} {self._head(measure)} alone, without “{self._said(numbers[0])}”.")
        keys = self._identified(group) if group else []
        if inner or (keys and outer[0] in ("most", "fewest")):
            if group is None or not keys:
                raise Unclear("It does not say what is to be compared; ask “which … has the highest total …”.")
            return Wish(operation, measure, conditions, (), "", self._one(group, keys), _INNER[inner or "sum"], top)
        if not keys or group is None or "single" in self._ops or self.sheet.columns[measure].is_dated:
            return Wish(operation, measure, conditions, top=top)
        return Wish(operation, measure, conditions, tuple(keys), self._said(group), top=top)

    def _most_rows(
        self, operation: Operation, top: int, group: _Mention | None, conditions: tuple[Condition, ...]
    ) -> Wish:
        """Which value of a column has the most rows, or the most of what a column counts."""
        nouns = [each for each in self._mentions if each is not group and not each.used and not each.values]
        if group is None or not group.columns or len(nouns) != 1:
            raise Unclear("It does not say clearly of what there are to be the most; ask “which … has the most rows”.")
        by, keys, numeric = self._one(group, self._identified(group)), self._keys(nouns[0]), self._counts(nouns[0])
        if numeric and not keys and not nouns[0].titled:
            return Wish(operation, self._one(nouns[0], numeric), conditions, (), "", by, "sum", top)
        if not keys and not nouns[0].titled:
            raise NotAsked(self._said(nouns[0]))
        return Wish(operation, None, conditions, tuple(keys), self._said(nouns[0]), by, "count", top)

    # --- which mention is what ---

    def _measured(self, group: _Mention | None = None, *, dated: bool = False) -> tuple[int | None, list[_Mention]]:
        """The column that is added up or compared, and the mentions that say of what."""
        fits = set(self._numeric_columns())
        if dated:
            days = set(self._dated_columns())
            fits = days if self._ops.keys() & {"latest", "earliest"} else fits | days
        left = [each for each in self._mentions if each is not group and not each.used and not each.values]
        named = (
            [each for each in left if each.full & fits]
            or [
                each
                for each in left
                if each.partly & fits and not each.full and not each.titled and not self._keys(each)
            ]
            or [each for each in self._mentions if each.used and each.columns & fits and self._is_first(each)]
            or [each for each in left if each.partly & fits and not each.full and not self._keys(each)]
        )
        if len(named) > 1:
            said = listed([self._said(each) for each in named])
            raise Unclear(f"It names several columns of numbers at once, {said}; ask for one of them.")
        nouns = [each for each in left if each not in named]
        if named:
            columns = named[0].full & fits or named[0].partly & fits
            return self._one(named[0], sorted(columns)), nouns
        if dated and self._ops.keys() & {"latest", "earliest"} and len(self._dated_columns()) == 1:
            return self._dated_columns()[0], nouns
        numeric = self._numeric_columns()
        texts = [each for each in left if each.full and not each.titled and not each.full & fits]
        if texts and not dated:
            column = self.sheet.columns[min(texts[0].full)]
            raise Unclear(_unread(column) or f"{column.head} holds no numbers. {self._measures()}")
        return (numeric[0] if len(numeric) == 1 and not dated else None), nouns

    def _is_first(self, mention: _Mention) -> bool:
        """Whether some words follow what is to be done: "the average revenue over 500"."""
        place = mention.first
        while place and self._forms[place - 1] in _EMPTY and place - 1 not in self._phrases:
            place -= 1
        return place - 1 in self._phrases

    def _identified(self, noun: _Mention) -> list[int]:
        """The columns whose values are what a noun names."""
        return sorted(noun.full) or self._keys(noun) or ([] if noun.titled else sorted(noun.partly))

    def _grouping(self) -> _Mention | None:
        """What stands right after "which" or "what": "which region", or after "the top 3"."""
        for place, form in enumerate(self._forms[:-1]):
            after = self._starting(place + 1)
            if form in ("which", "what") and after and after.columns and not after.used:
                return after
        return None

    def _is_of_rows(self, outer: Sequence[str], group: _Mention | None) -> bool:
        """Whether "the most" is of rows: of what is no column of numbers."""
        if outer[0] not in ("most", "fewest") or group is None:
            return False
        numeric = set(self._numeric_columns())
        left = [each for each in self._mentions if each is not group and not each.used and not each.values]
        return not any((each.full & numeric) or (each.partly & numeric and not each.titled) for each in left) or any(
            self._keys(each) for each in left
        )

    def _spare(self, *placed: _Mention | None) -> None:
        """See that every mention has found its place.

        Raises:
            Unclear: One has not.
        """
        measures = set(self._numeric_columns()) | set(self._dated_columns())
        for each in self._mentions:
            measured = each.columns & measures and "count" not in self._ops
            if each.used or each.values or each.titled or measured or any(each is other for other in placed):
                continue
            raise Unclear(f"It is not clear what “{self._said(each)}” is asked for; ask for one figure at a time.")
        texts = [each for each in placed if each and not each.titled]
        if len({id(each) for each in texts}) > 1:
            raise Unclear(f"It is not clear what “{self._said(texts[1])}” is asked for; ask for one figure at a time.")

    def _keys(self, noun: _Mention) -> list[int]:
        """The columns that hold what a noun names: "Order" and "Order ID" hold orders."""
        run = set(self._forms[noun.first : noun.last])
        keys = []
        for column in sorted(noun.columns | noun.partly):
            head = set(forms(_split(self._head(column))))
            named = run <= head <= run | _KEY_WORDS
            if named and (head - run or not self.sheet.columns[column].is_numeric):
                keys.append(column)
        return keys

    def _counts(self, noun: _Mention) -> list[int]:
        """The columns of numbers that count what a noun names: "Units", "Number of employees"."""
        run = set(self._forms[noun.first : noun.last])
        return [
            column
            for column in self._numeric_columns()
            if column in noun.full | noun.partly
            and run <= (head := set(forms(_split(self._head(column))))) <= run | _COUNTING | {"of"}
            and (run & _COUNTED or (head - run) & _COUNTING or self._is_plural(column))
            and self.sheet.columns[column].units <= {""}
        ]

    def _times(self, column: int) -> tuple[int, ...]:
        """The columns of times in which a number of inhabitants may be told again; sums of them count nobody."""
        if set(forms(_split(self._head(column)))) & (_COUNTED | _COUNTING) and not self._is_plural(column):
            return ()
        dated = set(self._dated_columns())
        return tuple(
            place
            for place, each in enumerate(self.sheet.columns)
            if place in dated or set(forms(_split(each.head))) & _TIMES
        )

    def _is_plural(self, column: int) -> bool:
        """Whether a column is called by what its numbers count: "Inhabitants", and neither "Order" nor "Years"."""
        head = words(_split(self._head(column)))
        last = folded(_split(self._head(column))[head[-1].span.start : head[-1].span.end]) if head else ""
        return singular(last) != last and singular(last) not in _MEASURED and self.sheet.columns[column].is_count

    def _numbered(self, noun: _Mention) -> list[int]:
        """The columns that are called what a noun names, and number it: "Order", with 1, 2, 3."""
        if set(self._forms[noun.first : noun.last]) & _COUNTED:
            return []
        return [each for each in sorted(noun.full) if self.sheet.columns[each].is_numbering]

    def _check_numbered(self, measure: int) -> None:
        """See that "the most orders" are no sum of the numbers that orders have.

        Raises:
            Unclear: They may be.
        """
        for each in self._mentions:
            is_plural = any(
                self._question[word.span.start : word.span.end].lower() != form and form not in _COUNTED
                for word, form in list(zip(self._words, self._forms, strict=True))[each.first : each.last]
            )
            if measure in self._numbered(each) and is_plural:
                raise Unclear(
                    f"“{self._said(each)}” may be the rows or the numbers in {self._head(measure)}; ask for the most "
                    f"rows, or for the highest total."
                )

    def _check_amounts(self, noun: _Mention) -> None:
        """See that no column of numbers is called what is to be counted: "How many salaries are there?".

        Raises:
            Unclear: One is.
        """
        for column in sorted(noun.full & set(self._numeric_columns())):
            head = self._head(column)
            raise Unclear(
                f"“{self._said(noun)}” may be the rows or the numbers in {head}; ask how many rows there are, or for "
                f"the sum of {head}."
            )

    def _before(self, place: int) -> _Mention | None:
        """The mention right before a word, but for words such as "is"."""
        while place and self._forms[place - 1] in _LINKS and not self._ending(place):
            place -= 1
        return self._ending(place)

    def _after(self, place: int) -> _Mention | None:
        """The mention right after a word."""
        if place < len(self._forms) and self._forms[place] in ("in", "of") and not self._starting(place):
            place += 1
        return self._starting(place)

    def _ending(self, place: int) -> _Mention | None:
        return next((each for each in self._mentions if each.last == place), None)

    def _starting(self, place: int) -> _Mention | None:
        return next((each for each in self._mentions if each.first == place), None)

    def _one(self, mention: _Mention, columns: Sequence[int]) -> int:
        if not columns:
            raise NotAsked(self._said(mention))
        if len(columns) > 1:
            heads = listed([self._head(each) for each in columns], "or")
            raise Unclear(f"“{self._said(mention)}” may be the column {heads}; say which.")
        return columns[0]

    def _top(self, outer: Sequence[str]) -> int:
        found = self._ops[outer[0]]
        said = next((found[name] for name in ("top", "most", "low", "few") if found[name]), "1").lower()
        return max(1, _SMALL.get(said, 0) or int(said if said.isdigit() else 1))

    def _numeric_columns(self) -> list[int]:
        return self.sheet.numeric

    def _dated_columns(self) -> list[int]:
        years = [place for place in self.sheet.numeric if "year" in self._heads.told[place][1]]
        return [*self.sheet.dated, *years]

    def _measures(self) -> str:
        heads = [self._head(place) for place in self._numeric_columns()]
        if heads:
            return f"Say which column is meant: {listed(heads, 'or')}."
        return next(filter(None, map(_unread, self.sheet.columns)), "No column of it holds numbers.")

    def _head(self, column: int) -> str:
        return self.sheet.columns[column].head

    def _span(self, mention: _Mention) -> Span:
        return Span(self._words[mention.first].span.start, self._words[mention.last - 1].span.end)

    def _said(self, mention: _Mention) -> str:
        span = self._span(mention)
        return self._question[span.start : span.end]


def _unread(column: Column) -> str:
    """That a column holds numbers which are not read, or ""."""
    if not column.unread or column.is_dated:
        return ""
    return f"{column.head} has numbers in a form that Footnote does not read, such as “{column.unread}”."


def _form(text: str, word: Word) -> str:
    """A word of a text in small letters, without accents and a plural's ending."""
    return singular(folded(text[word.span.start : word.span.end]))


def _left_out(brackets: re.Match[str]) -> str:
    """What is left of some brackets: a blank, and all of what is never closed."""
    return " " if brackets[0][-1] in ")]" else brackets[0]


def _split(name: str) -> str:
    """A name with blanks between its words: "UnitPrice" is two."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


def listed(names: Sequence[str], link: str = "and") -> str:
    """“a”, “b” and “c”; of many the first, and how many others."""
    quoted = [f"“{name}”" for name in names[:_NAMED]]
    if len(names) > _NAMED:
        quoted.append(f"one of {len(names) - _NAMED:,} others" if link == "or" else f"{len(names) - _NAMED:,} others")
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {link} {quoted[-1]}"
