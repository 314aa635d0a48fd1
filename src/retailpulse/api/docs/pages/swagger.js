// Shows the description in Swagger UI. No validator: it would send the description to another host.

// NDJSON is lines as they are; Swagger UI takes it for JSON by its name, and would put its example in quotes.
const linesAreText = {
  afterLoad() {
    const sample = this.fn.getSampleSchema;
    this.fn.getSampleSchema = (schema, type, ...rest) =>
      sample(schema, /ndjson/.test(type) ? "text/plain" : type, ...rest);
  },
};

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reader",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  plugins: [linesAreText],
  requestSnippetsEnabled: true,
  syntaxHighlight: { activated: true, theme: "agate" },
  validatorUrl: null,
});
