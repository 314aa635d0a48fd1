"""Several URLs in one cell are told apart, and a URL that holds a separator is kept whole."""

import pytest

from retailpulse.tables import split_urls


@pytest.mark.parametrize("between", [",", ", ", ";", " ; ", "|", "\n", "\r\n", " ", "\u00a0", ",\n", " | "])
def test_urls_are_cut_where_the_next_begins(between: str) -> None:
    urls = ["http://a/x,y;z|1.jpg", "https://b/?q=1,2", "s3://bucket/a b.jpg", "GS://c/d"]
    assert split_urls(between.join(urls)) == urls


@pytest.mark.parametrize(
    "url",
    ["http://a/b,c", "http://a/?next=http://b/c", "http://a/b;", "http://a b", "nowhere", "ftp://a,ftp://b"],
)
def test_one_url_stays_as_it_is(url: str) -> None:
    assert split_urls(f" {url}\n") == [url]


def test_separators_without_a_url_give_none() -> None:
    assert split_urls("") == split_urls(" \n") == []
    assert split_urls("http://a;;\n;http://b;") == ["http://a", "http://b"]


def test_a_long_cell_of_blanks_takes_no_time() -> None:
    assert split_urls("http://a" + " " * 130_000 + "b") == ["http://a" + " " * 130_000 + "b"]


def test_separators_at_the_end_cost_no_more_than_their_number() -> None:
    assert split_urls("http://a/x http://b/" + ", " * 500_000 + ";|\u200b") == ["http://a/x", "http://b/"]
