"""From what use cases return to what templates are given: pure functions, told the time."""
