"""The API's description (OpenAPI): what handlers say of themselves, and the document made of it."""
