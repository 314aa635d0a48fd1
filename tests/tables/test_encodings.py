"""Files in any encoding that spreadsheets write are read, and none is misread without a word."""

import codecs

import pytest

from tests.tables.reading import HEADER, bad, dialect, refusal, rows

TEXT = HEADER + "Süd–1,http://photos.example/ä.jpg,20 août 2026\n"
CELLS = ("Süd–1", "http://photos.example/ä.jpg", "20 août 2026")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (TEXT.encode(), "UTF-8"),
        (TEXT.encode("utf-8-sig"), "UTF-8"),
        (TEXT.encode("cp1252"), "Windows-1252"),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "UTF-16"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "UTF-16"),
        (TEXT.encode("utf-16-le"), "UTF-16"),
        (TEXT.encode("utf-16-be"), "UTF-16"),
        (codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), "UTF-32"),
    ],
)
def test_an_encoding_is_recognised_and_said(content: bytes, name: str) -> None:
    assert rows(content) == [(2, CELLS)]
    assert dialect(content) == f"CSV, separator comma, {name}"


def test_the_last_line_may_be_the_one_that_shows_it() -> None:
    text = HEADER + "A,http://a,c\n" * 200_000 + "Café,http://a,c\n"
    assert rows(text.encode("cp1252"))[-1] == (200_002, ("Café", "http://a", "c"))


def test_lines_of_another_encoding_within_utf_8_are_bad() -> None:
    content = (HEADER + "Café,b,c\n").encode() + "Süd,b,c\nB,b,c\n".encode("cp1252")
    assert bad(content) == {3: "it is not UTF-8"}


def test_two_encodings_in_one_line_are_bad() -> None:
    content = HEADER.encode() + "Café".encode() + ",Süd,c\n".encode("cp1252")
    assert bad(content) == {2: "it is not UTF-8"}


def test_both_encodings_are_told_apart_with_any_line_end() -> None:
    content = (HEADER + "Café,b,c\n").encode() + "Süd,b,c\n".encode("cp1252")
    assert bad(content.replace(b"\n", b"\r")) == {3: "it is not UTF-8"}


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("Завод", "cp1251"),
        ("Завод", "koi8-r"),
        ("Süd", "cp850"),
        ("Café é", "cp437"),
        ("大阪支店", "shift-jis"),
        ("Café", "mac-roman"),
    ],
)
def test_other_code_pages_are_refused_with_the_line(text: str, codec: str) -> None:
    content = f"{HEADER}A,b,c\n{text},b,c\n".encode(codec)
    assert refusal(content) == (
        "line 3: its bytes are neither UTF-8 nor Windows-1252: save the file as CSV UTF-8"
    )


def test_utf_16_that_ends_within_a_character_is_refused() -> None:
    assert "begins like UTF-16" in refusal(TEXT.encode("utf-16")[:-1])


@pytest.mark.parametrize("text", ["Müller", "Märkte", "grün", "BÄcker Kräuter"])
def test_umlauts_of_a_mac_are_refused(text: str) -> None:
    assert "neither UTF-8 nor Windows-1252" in refusal(f"{HEADER}A,http://h/1,{text}\n".encode("mac-roman"))
