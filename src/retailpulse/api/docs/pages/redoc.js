// Shows the description in Redoc, with the fonts that the machine has.
const fonts = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
const mono = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace";

Redoc.init(
  "/openapi.json",
  {
    hideDownloadButton: true,
    jsonSampleExpandLevel: 4,
    scrollYOffset: ".bar",
    sortRequiredPropsFirst: true,
    theme: {
      colors: { primary: { main: "#0b6e6e" } },
      typography: {
        fontFamily: fonts,
        fontSize: "15px",
        code: { fontFamily: mono },
        headings: { fontFamily: fonts },
      },
    },
  },
  document.getElementById("reader"),
);
