"""The audited machine: files, units, journal, clock. The only floor that opens anything."""
