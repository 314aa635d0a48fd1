// Shows the description in Swagger UI. No validator: it would send the description to another host.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reader",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  requestSnippetsEnabled: true,
  syntaxHighlight: { activated: true, theme: "agate" },
  validatorUrl: null,
});
