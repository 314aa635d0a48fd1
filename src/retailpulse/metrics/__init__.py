"""What operators see of the service: metrics, measured in every process and told by any API."""
