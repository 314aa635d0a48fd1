"""All SQL lives here: the database, its schema, and every statement that reads or writes it.

The caller owns the transaction: functions take a connection and never commit.
"""
