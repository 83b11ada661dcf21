"""Building the book, and what its pages need besides the library."""
