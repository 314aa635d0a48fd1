"""The check of the database knows analyses: what is lost or wrong is found, and lost images wait again."""

from retailpulse.storage.postgres.database import Database
from tests.storage.analyses.photos import NOW, URLS, analysis_of, find, measured_job, seen, settle_analysis
from tests.storage.checking import change, found, mended
from tests.storage.claiming import in_line


async def test_lost_images_of_an_analysis_are_found_and_put_in_line_again(database: Database) -> None:
    await measured_job(database, {})
    analysis_id = await analysis_of(database, (await find(database)).photos)
    change(database, "DELETE FROM slices")
    assert found(database)["images_waiting"].count == len(URLS)
    assert "lost images put in line again: 5" in await mended(database)
    assert in_line(database, analysis_id) == [1, 2, 3, 4, 5]
    assert found(database) == {}


async def test_what_became_of_a_photo_agrees_with_the_result(database: Database) -> None:
    await measured_job(database, {})
    analysis_id = await analysis_of(database, (await find(database)).photos)
    await settle_analysis(database, *(seen(analysis_id, number, NOW) for number in range(1, 6)))
    assert "analysis_images" not in found(database)
    change(
        database,
        "UPDATE analysis_images SET became = NULL WHERE image_no = 1",
        "DELETE FROM analysis_images WHERE image_no = 2",
    )
    assert found(database)["analysis_images"].count == 2
