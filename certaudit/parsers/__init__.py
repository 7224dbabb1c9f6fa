"""Text in, records out: pure functions that never open a file."""
