"""Real Debian packages as root file systems, with nothing of them run."""
