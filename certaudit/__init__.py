"""Who renews each TLS certificate of a server, by which path, and what that left stale."""

__version__ = "0.1.0"
