"""What Sphinx needs to know; the pages are staged by `staging`."""

project = "Retail Pulse"
author = "Retail Pulse"
extensions = ["myst_parser"]
root_doc = "index"
nitpicky = True

# Anchors as code hosts make them, so that a link leads to the same heading in both.
myst_heading_anchors = 6
myst_enable_extensions = ["attrs_inline"]
myst_links_external_new_tab = False

html_theme = "furo"
html_title = "Retail Pulse"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_search_summary = False  # it asks for pages by fetch, which a site of plain files cannot answer
html_show_copyright = False
html_show_sphinx = False
