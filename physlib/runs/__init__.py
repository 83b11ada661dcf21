"""From one configuration to one stored result."""
