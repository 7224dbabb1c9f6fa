"""What a machine holds, collected as facts and gaps: one module per kind of thing that is looked at."""
