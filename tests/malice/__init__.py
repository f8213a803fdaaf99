"""Files made to harm whoever reads them, and the folders they lie in; nothing is made until it is asked for."""

from dataclasses import replace

from tests.malice import archives, mails, office, pdfs, texts, xmls
from tests.malice.mutations import mutated
from tests.malice.places import lay_out, restless
from tests.malice.recipe import BAIT, Bait, Hostile, Recipe

_SLOW = frozenset(
    (
        "a bzip2 bomb",
        "a directory of 2 ** 60 entries",
        "100,000 elements deep",
        "a million attributes",
        "an attribute of 20 MB",
        "a text of 20 MB",
        "a million elements",
        "a comment of 20 MB",
        "every column of 200 rows",
        "a million blank rows",
        "100,000 styles",
        "100,000 paragraphs",
        "30,000 shapes",
        "a chapter 100,000 deep",
        "a gigabyte deflated",
        "a gigabyte deflated three times",
        "a million shown letters",
        "forms in a ring",
        "forms that double 40 times",
        "a line of a million words",
        "a sentence of 200,000 clauses",
        "a million sentences",
        "200,000 brackets",
        "200,000 exclamations",
        "emphasis 50,000 deep",
        "a table of 1,000 columns",
        "front matter that never closes",
        "html begun",
        "headings",
        "500,000 elements deep",
        "lists 20,000 deep",
        "500,000 attributes",
        "the same key a million times",
        "a million empty rows",
        "a million columns",
        "five million empty lines",
        "a million rows",
        "100,000 cues",
        "a page 100,000 deep",
        "10,000 parts deep",
        "letters 10,000 parts deep",
        "a million letters begun",
    )
)
"""Kinds of which one or another takes a second or more to be made or read."""

RECIPES: tuple[Recipe, ...] = tuple(
    replace(recipe, slow=recipe.kind in _SLOW)
    for module in (archives, xmls, office, pdfs, texts, mails)
    for recipe in module.RECIPES
)
"""Every hostile file, by how it is made."""

__all__ = ["BAIT", "RECIPES", "Bait", "Hostile", "Recipe", "lay_out", "mutated", "restless"]
