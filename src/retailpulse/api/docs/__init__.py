"""The page on which people read the API's description and try it: Swagger UI."""
