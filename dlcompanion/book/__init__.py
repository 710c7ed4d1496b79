"""The book's coordinates, and what the companion has at each of them: find("4.9").

`coordinates.txt` lists the numbers of chapters 2-8 in the book's order; its titles are our words.
What the companion has is read from docstrings and notebooks, so there is no second list to keep.
"""

from dlcompanion.book.rooms import ROOMS, builders, builders_of
from dlcompanion.book.search import find, source

__all__ = ["ROOMS", "builders", "builders_of", "find", "source"]
