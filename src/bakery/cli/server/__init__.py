"""Commands that run on the server, on the database and the key. What they need is loaded when one of them runs."""
