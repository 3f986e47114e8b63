"""Under which names an environment answers, how, and with what proof: rows, and their use cases."""
