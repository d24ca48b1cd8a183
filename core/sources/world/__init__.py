"""A small written world: documents of ten registers, with everything that their author knew about each word.

The text of the demo. Its entropy is known exactly: `Document.surprisal` sums -ln p over all choices that were made,
and since a text determines the choices behind it, no model can reach a lower loss on average.
"""

from core.sources.world.registers import documents
from core.sources.world.tokens import token_notes
from core.sources.world.values import Document, Span

__all__ = ["Document", "Span", "documents", "token_notes"]
