"""PostgreSQL: connection, migrations, vault, events, logs, queue, and a server of our own."""
