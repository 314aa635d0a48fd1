"""Images that wait by host, and which worker may take how many of them where."""
