"""What servers of Git tell of pushes: checked, understood, decided, and kept with what came of it."""
