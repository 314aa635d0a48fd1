"""What every HTTP interface of the service stands on: the server, middleware, and what refusals look like."""
