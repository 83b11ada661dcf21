"""Reading a reader's own files."""
