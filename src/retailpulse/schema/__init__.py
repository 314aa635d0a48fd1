"""Records that several rooms share, each said once: field, type, meaning, example."""

from retailpulse.schema.image_facts import FACTS, ImageFacts, ImageResult, Measurement
from retailpulse.schema.record import Record

__all__ = ["FACTS", "ImageFacts", "ImageResult", "Measurement", "Record"]
