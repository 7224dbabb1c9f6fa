"""What certaudit costs to run, measured against an empty Python."""
