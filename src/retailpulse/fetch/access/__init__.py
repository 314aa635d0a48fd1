"""What opens private photos: credentials by origin."""
