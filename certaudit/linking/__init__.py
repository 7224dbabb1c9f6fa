"""Facts tied into a Model: pure functions, nothing here reads the machine."""
