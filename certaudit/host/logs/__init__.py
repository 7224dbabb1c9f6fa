"""The logs of a machine as bytes and lines: rotated, packed, and searched once for everything."""
