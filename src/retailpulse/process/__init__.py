"""What any process of the service stands on: signals, and the watch over its event loop."""
