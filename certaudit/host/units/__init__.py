"""The units of a machine, from a running systemd or from the files of an image."""
