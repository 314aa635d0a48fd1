"""What waits, who works on it, and what each host bears: a fair queue by host in PostgreSQL.

slices   images of one job at one host that wait, in the order of a fair queue
grants   images that a worker has in hand
leases   how many requests a worker may have at a host; hosts hold their sum
workers  who is alive

Each image without a result, of an ongoing job, that is no copy and whose store is known, is in exactly one
slice or one grant. Rows are locked in one order: workers, results, jobs, hosts, leases, grants, slices.
"""
