"""Numbers about the service, kept in small tables: throughput, totals, what each process reports."""
