"""People: who they are, how they sign in, what they may see, and the audit of what was done."""
