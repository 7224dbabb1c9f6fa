"""The audited machine and its parts: files, units, journal, clock. The only floor that opens anything."""
