"""Small parts of asyncio programs for many rooms: sleeps, loops, shared calls, values kept for a time."""
