"""What happened: every past run and renewal with what made it, and what that brought and left behind."""
