"""Rows as files of types that a process of their own writes: Parquet, and XLSX for spreadsheets."""
