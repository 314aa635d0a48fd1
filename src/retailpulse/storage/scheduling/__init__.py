"""What waits, which worker has it, and the limits of each host: a fair queue by host in PostgreSQL.

slices   images of one job at one host that wait, in the order of a fair queue
grants   images that a worker has in hand
leases   how many requests a worker may have at a host; hosts hold their sum
workers  the workers that are alive

Each image without a result, of an ongoing job, that is no copy and whose store is known, is in exactly one
slice or one grant. Rows are locked in one order: workers, results, jobs, hosts, leases, grants, slices.
"""
