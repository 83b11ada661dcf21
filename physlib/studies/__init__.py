"""Which runs the book is made of; no analysis."""
