"""A flagged photo as lists across jobs show it: which job it is of, and all that its result says."""

from typing import TYPE_CHECKING, Annotated

from retailpulse.schema.image_facts import CaptureFacts, PictureFacts
from retailpulse.schema.record import Record, described, joined
from retailpulse.schema.results import CheckedImage, ImageOutcome, ReviewOfImage, Settling, VisitOfImage


class JobOfPhoto(Record, frozen=True, kw_only=True):
    """The job that a photo is of."""

    job_id: Annotated[str, described("The job that the photo is of.", format="uuid")]


if TYPE_CHECKING:

    class FlaggedPhoto(
        JobOfPhoto,
        ImageOutcome,
        PictureFacts,
        CheckedImage,
        CaptureFacts,
        Settling,
        VisitOfImage,
        ReviewOfImage,
        frozen=True,
        kw_only=True,
    ):
        """A flagged photo of any job: its result, and the job that it is of."""

else:
    FlaggedPhoto = joined(
        "FlaggedPhoto",
        "A flagged photo of any job.",
        JobOfPhoto,
        ImageOutcome,
        PictureFacts,
        CheckedImage,
        CaptureFacts,
        Settling,
        VisitOfImage,
        ReviewOfImage,
    )
