"""Files made to harm whoever reads them, and the folders they lie in; nothing is made until it is asked for."""

from tests.malice import archives, mails, office, pdfs, texts, xmls
from tests.malice.mutations import mutated
from tests.malice.places import lay_out, restless
from tests.malice.recipe import BAIT, Bait, Hostile, Recipe

RECIPES: tuple[Recipe, ...] = (
    *archives.RECIPES,
    *xmls.RECIPES,
    *office.RECIPES,
    *pdfs.RECIPES,
    *texts.RECIPES,
    *mails.RECIPES,
)
"""Every hostile file, by how it is made."""

__all__ = ["BAIT", "RECIPES", "Bait", "Hostile", "Recipe", "lay_out", "mutated", "restless"]
