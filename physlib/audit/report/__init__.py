"""What an audit found, as text, figures and a page."""
