"""The database itself: connections and their shares, the embedded server, roles, migrations, backup."""
