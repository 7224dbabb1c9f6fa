"""Tests against a real systemd, booted in a throw-away container; see README.md beside this file."""
