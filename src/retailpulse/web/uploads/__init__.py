"""Files that come as the body of a request, or as a part of a form in it."""

from retailpulse.web.uploads.form_upload import Upload

__all__ = ["Upload"]
