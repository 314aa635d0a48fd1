"""CSV of every dialect gives the same rows, and what may be shifted is refused with its line."""

import csv
import io
from typing import Literal

import pytest

from retailpulse.tables import BadRow, Row
from tests.tables.reading import HEADER, bad, dialect, everything, refusal, rows

ROW = ("RP1", "https://photos.example/a,b;c|d.jpg", "2026-11-20 10:00")


def written(separator: str, quoting: Literal[0, 1] = csv.QUOTE_MINIMAL, end: str = "\r\n") -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=end)
    writer.writerow(["store_id", "image_url", "visit_time"])
    writer.writerow(ROW)
    return text.getvalue()


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_any_separator_is_found_by_the_header(separator: str, quoting: Literal[0, 1], end: str) -> None:
    assert rows(written(separator, quoting, end).encode()) == [(2, ROW)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "^"])
@pytest.mark.parametrize("said", ["sep={}\r\n", '"sep={}"\r\n', "SEP={}\r\n", "\r\nsep={}\r\n"])
def test_a_line_may_say_the_separator(separator: str, said: str) -> None:
    text = said.format(separator) + written(separator)
    assert [cells for _, cells in rows(text.encode())] == [ROW]


def test_a_separator_in_names_and_titles_misleads_nobody() -> None:
    text = "Visits; all, of them; of 2026\n\nstore_id,image_url,visit_time,note\nA,http://a,x,1;2;3;4;5\n"
    assert rows(text.encode()) == [(4, ("A", "http://a", "x"))]
    assert dialect(text.encode()) == "CSV, separator comma, UTF-8, the header in line 3"


def test_empty_rows_are_left_out_and_lines_keep_their_numbers() -> None:
    text = " \n,,\n" + HEADER + "A,b,c\n,,\n  \n\n\u00a0,\u200b,\nD,e,f\n,,,,,\n"
    assert rows(text.encode()) == [(4, ("A", "b", "c")), (9, ("D", "e", "f"))]


def test_cells_are_trimmed_of_what_no_eye_sees() -> None:
    text = HEADER + '\u200b A\u00a0,"\ufeff b ", c\u200d\n'
    assert rows(text.encode()) == [(2, ("A", "b", "c"))]


def test_quotes_behind_a_blank_are_quotes() -> None:
    assert rows((HEADER + 'A, "b,1", "c"\n').encode()) == [(2, ("A", "b,1", "c"))]


def test_a_row_with_another_number_of_cells_is_bad() -> None:
    text = HEADER + "A,b,c\nB,b,c,d\nC,b\nD,b,c,,\nE\n"
    assert bad(text.encode()) == {
        3: "it has 4 cells, the header has 3",
        4: "it has 2 cells, the header has 3",
        6: "it has 1 cell, the header has 3",
    }
    advice = next(row.advice for row in everything(text.encode()) if isinstance(row, BadRow))
    assert advice == "put a cell that has a comma in it in double quotes"


def test_empty_columns_at_the_end_of_the_header_hide_no_shifted_row() -> None:
    text = "store_id,image_url,visit_time,,\nA,b,c,,\nB,b,1,c,\n"
    assert bad(text.encode()) == {3: "it has 5 cells, the header has 3"}


def test_what_is_written_in_a_column_without_a_name_is_no_empty_row() -> None:
    assert rows(b"store_id,,image_url,visit_time\n,total,,\n") == [(2, ("", "", ""))]


def test_other_columns_are_given_in_their_order() -> None:
    text = b"note,store_id,image_url,visit_time,Note,\nx,A,b,c, y ,\n"
    (row,) = everything(text)
    assert row == Row(2, ("A", "b", "c"), ("x", "y"))


def test_the_header_of_a_second_file_behind_the_first_is_no_row() -> None:
    twice = (HEADER + "A,b,c\n") * 2
    assert rows(twice.encode()) == [(2, ("A", "b", "c")), (4, ("A", "b", "c"))]


def test_a_record_of_several_lines_has_the_number_of_its_first() -> None:
    text = HEADER + 'A,"b\nb",c\nB,b,c\n'
    assert rows(text.encode()) == [(2, ("A", "b\nb", "c")), (4, ("B", "b", "c"))]


def test_a_bad_quote_is_the_fault_of_its_row_alone() -> None:
    text = HEADER + 'A,"b" b,c\nB,b,c\n'
    assert bad(text.encode()) == {2: "it is not CSV: ',' expected after '\"'"}


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_a_quote_that_is_never_closed_swallows_no_row(separator: str) -> None:
    lines = (
        "store_id;image_url;visit_time;size",
        'A;http://h/1;b;"12',
        "B;http://h/2;b;13",
        'C;"http://h/3";b;14"',
        "D;http://h/4;b;15",
        'E;http://h/5;b;"wide\nand; odd, see\nhttp://h/,\thelp"',
    )
    found = everything("\n".join(lines).replace(";", separator).encode())
    assert isinstance(found[0], BadRow)
    assert found[0].line == 2
    assert [row.line for row in found if isinstance(row, BadRow)] == [2]
    assert [row.cells[0] for row in found if isinstance(row, Row)] == ["D", "E"]
    told = bad(f'{HEADER}A,http://h/1,"b\nB,http://h/2,c"\n'.encode())
    assert told == {2: "a quote in it is not closed: a cell goes on over further rows"}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    "lines",
    [
        ['"http://a/1.jpg,S1,2026-11-20', "http://a/2.jpg,S2,2026-11-20", 'http://a/3.jpg",S3,2026-11-20'],
        ['http://a/1.jpg,S1,"2026-11-20', "http://a/2.jpg,S2,2026-11-20", 'http://a/3.jpg,S3,2026-11-20"'],
        ['"http://a/1.jpg,S1,20/11/2026', 'http://a/2.jpg",S2,20/11/2026'],
    ],
)
def test_an_open_quote_in_front_of_a_url_swallows_no_row(separator: str, lines: list[str]) -> None:
    text = "\n".join(["image_url,store_id,visit_time", *lines, "http://a/9.jpg,S9,2026-11-20", ""])
    assert 2 in bad(text.replace(",", separator).encode())


def test_several_urls_with_separators_of_their_own_are_no_open_quote() -> None:
    cell = "http://h/w_200,h_100/1.jpg\nhttp://h/?q=1,2\nhttp://h/2026-11-20/3.jpg"
    assert rows(f'{HEADER}A,"{cell}",b\n'.encode()) == [(2, ("A", cell, "b"))]


def test_apostrophes_of_our_own_exports_are_taken_away() -> None:
    text = HEADER + "'=A,http://a;'=1,'+c\n'A,http://a/'=b,it's\n"
    assert rows(text.encode()) == [
        (2, ("=A", "http://a;=1", "+c")),
        (3, ("'A", "http://a/'=b", "it's")),
    ]


def test_text_that_is_written_as_a_formula_keeps_its_zeros() -> None:
    assert rows(f'{HEADER}="00123",http://a/?x="b",="n 1"\n'.encode()) == [
        (2, ("00123", 'http://a/?x="b"', "n 1")),
    ]
    assert rows(f'{HEADER}"=""00123""",http://a,=""\n'.encode()) == [(2, ("00123", "http://a", ""))]
    assert rows(f'{HEADER}"=""0""&""1""",http://a,b\n'.encode()) == [(2, ('="0"&"1"', "http://a", "b"))]


def test_a_line_or_a_record_that_would_fill_the_memory_is_refused() -> None:
    assert refusal(HEADER.encode() + b"x" * 5_000_000) == "line 2 is longer than 4000000 characters"
    assert "more than 100000 commas" in refusal(HEADER.encode() + b"," * 100_001)
    many = HEADER.encode().replace(b",", b";") + b";" * 100_001
    assert "more than 100000 separators" in refusal(many)
    half = b"," * 60_000
    assert refusal(HEADER.encode() + half + b'"\n"' + half).startswith(
        "line 3: its record has more than 100000"
    )
    lines = (b'"' + b"x" * 100_000 + b'\n",') * 40
    assert "its record is longer than 4000000 characters" in refusal(HEADER.encode() + lines)


def test_what_a_record_may_hold_is_counted_for_each_alone() -> None:
    quoted = b'"x"' + b"," * 60_000 + b"\n"
    assert list(bad(HEADER.encode() + quoted + quoted)) == []
    assert list(bad(HEADER.encode() + quoted[3:] + quoted)) == []


def test_a_nul_character_is_named_by_its_line() -> None:
    assert bad((HEADER + "A,b,c\nB,b\0,c\n").encode()) == {3: "it holds a NUL character"}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoted_row", [1, 900, 1_500, None])
def test_lines_count_on_across_blocks_and_behind_the_first_quote(end: str, quoted_row: int | None) -> None:
    lines = [f"S{at},http://a/{at}{'x' * 40}.jpg,t" for at in range(2_000)]
    if quoted_row is not None:
        lines[quoted_row] = f'"S{quoted_row}",http://a/q.jpg,"two{end}lines"'
    lines[1_800] = ""
    read = rows((HEADER.rstrip("\n") + end + end.join(lines)).encode())
    assert [cells[0] for _, cells in read] == [f"S{at}" for at in range(2_000) if at != 1_800]
    behind = 0 if quoted_row is None else 1
    assert [line for line, _ in read[-199:]] == list(range(1_803 + behind, 2_002 + behind))
