"""A flagged photo as lists across jobs show it: which job it is of, and all that its result says."""

from typing import Annotated

from retailpulse.schema.image_facts import CaptureFacts, PictureFacts
from retailpulse.schema.record import Joined, Record, described
from retailpulse.schema.results import CheckedImage, ImageOutcome, ReviewOfImage, Settling, VisitOfImage


class JobOfPhoto(Record, frozen=True, kw_only=True):
    """The job that a photo is of."""

    job_id: Annotated[str, described("The job that the photo is of.", format="uuid")]


class FlaggedPhoto(
    JobOfPhoto,
    ImageOutcome,
    PictureFacts,
    CheckedImage,
    CaptureFacts,
    Settling,
    VisitOfImage,
    ReviewOfImage,
    metaclass=Joined,
    frozen=True,
    kw_only=True,
):
    """A flagged photo of any job."""
