"""A Report as text: pure functions from report to string."""
