"""The connection to GitHub: the OAuth app that is registered there, and the accounts that people linked by it."""
