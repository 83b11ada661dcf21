"""Building the book, and what its pages need besides the library: `from physlib.book import Page, glue, table, ...`."""

from physlib.core.imports import public

__getattr__, __dir__, __all__ = public(
    __name__,
    {"page": ("Page", "glue", "glue_cost", "glue_interval", "glue_table", "show_source", "table", "with_interval")},
)
