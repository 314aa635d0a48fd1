"""How one host is asked: its queue, its limiter (concurrency cap, throttle, circuit breaker), its latency."""
