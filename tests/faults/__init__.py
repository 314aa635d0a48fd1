"""One test per fault that the service must survive; docs/reliability.md lists them by their promises."""
