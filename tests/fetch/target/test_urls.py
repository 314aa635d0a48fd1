import pytest
from hypothesis import given
from hypothesis import strategies as st

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause
from retailpulse.fetch.target.urls import Target, follow, origin_key, parse_target


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("http://photos.example/a.jpg", "http://photos.example/a.jpg"),
        ("https://photos.example:8443/a%20b.jpg?w=1&h=2", "https://photos.example:8443/a%20b.jpg?w=1&h=2"),
        ("  HTTP://Photos.Example/A.jpg\n", "http://photos.example/A.jpg"),
        ("http://photos.example", "http://photos.example/"),
        ("http://photos.example?q=1", "http://photos.example/?q=1"),
        ("http://photos.example/a#part", "http://photos.example/a"),
        ("http://photos.example/a b.jpg", "http://photos.example/a%20b.jpg"),
        (
            "http://photos.example/über/фото.jpg",
            "http://photos.example/%C3%BCber/%D1%84%D0%BE%D1%82%D0%BE.jpg",
        ),
        ("http://photos.example/a?q=ä ö", "http://photos.example/a?q=%C3%A4%20%C3%B6"),
        ("http://photos.example/it's", "http://photos.example/it's"),
        ("http://photos.example/100%.jpg", "http://photos.example/100%.jpg"),
        ("http://photos.example/a\nb.jpg", "http://photos.example/ab.jpg"),
        ("http://photos.example\\a\\b.jpg", "http://photos.example/a/b.jpg"),
        ("http://my_bucket.example./a", "http://my_bucket.example./a"),
        ("http://münchen.example/a", "http://xn--mnchen-3ya.example/a"),
        ("http://straße.example/a", "http://xn--strae-oqa.example/a"),
        ("http://%65xample.com/a", "http://example.com/a"),
        ("http://１２７。0。0。1/a", "http://127.0.0.1/a"),
        ("http://[2606:4700:0:0::1]:80/a", "http://[2606:4700::1]:80/a"),
        ("http://photos.example:/a", "http://photos.example/a"),
    ],
)
def test_a_url_is_taken_as_a_browser_takes_it(written: str, asked: str) -> None:
    assert parse_target(written).url == asked


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "form"),
        ("photos.example/a.jpg", "form"),
        ("/a.jpg", "form"),
        ("http:photos.example", "form"),
        ("ftp://photos.example/a.jpg", "http and https"),
        ("file:///etc/passwd", "http and https"),
        ("gopher://photos.example/_x", "http and https"),
        ("data:image/png;base64,AAAA", "form"),
        ("http://", "no host"),
        ("http:///a.jpg", "no host"),
        ("http://:80/a", "no host"),
        ("http://user@photos.example/", "password"),
        ("http://user:secret@photos.example/", "password"),
        ("http://@photos.example/", "password"),
        ("http://photos.example%40evil.example/", "not valid"),
        ("http://photos example/", "not valid"),
        ("http://photos.example:0/", "port"),
        ("http://photos.example:65536/", "port"),
        ("http://photos.example:80a/", "port"),
        ("http://photos.example:٨٠/", "port"),
        ("http://[::1/", "not valid"),
        ("http://[::1]x/", "not valid"),
        ("http://[1.2.3.4]/", "not valid"),
        ("http://[fe80::1%25eth0]/", "zone"),
        ("http://[fe80::1%eth0]/", "zone"),
        ("http://" + "a" * 254 + "/", "not valid"),
        ("http://photos.example/" + "a" * 8_192, "8 kB"),
        ("http://photos.example/" + "ü" * 4_096, "8 kB"),
        ("http://photos.example/" + "ü" * 2_000, "8 kB once it is escaped"),
        ("http://photos.example/\ud800", "Unicode"),
        ("http://ex\u0000ample/", "not valid"),
    ],
)
def test_a_url_that_is_not_fetched_says_why_and_counts_no_try(url: str, reason: str) -> None:
    with pytest.raises(ImageError, match=reason) as caught:
        parse_target(url)
    assert (caught.value.cause, caught.value.tries) == (Cause.BAD_URL, 0)


def test_origins_differ_by_scheme_host_and_port_and_by_nothing_else() -> None:
    urls = ["http://a.example/1", "HTTP://A.example:80/2", "http://a.example/ü?3"]
    assert len({parse_target(url).origin for url in urls}) == 1
    urls = ["http://a.example/", "https://a.example/", "http://a.example:8080/", "http://b.example/"]
    assert len({parse_target(url).origin for url in urls}) == 4


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        (b"/b.jpg", "https://a.example/b.jpg"),
        (b"b.jpg?x", "https://a.example/dir/b.jpg?x"),
        (b"//b.example/c", "https://b.example/c"),
        (b"http://b.example/c", "http://b.example/c"),
        ("/ü b".encode(), "https://a.example/%C3%BC%20b"),
        ("/ü".encode("latin-1"), "https://a.example/%C3%BC"),
    ],
)
def test_a_redirect_is_followed_from_where_it_stands(location: bytes, leads_to: str) -> None:
    assert follow(parse_target("https://a.example/dir/a.jpg"), location).url == leads_to


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        (b"?", "https://a.example/x//y/a.jpg?"),
        (b"?z=1#part", "https://a.example/x//y/a.jpg?z=1"),
        (b"", "https://a.example/x//y/a.jpg?q=/../1"),
        (b"#part", "https://a.example/x//y/a.jpg?q=/../1"),
        (b"b.jpg", "https://a.example/x//y/b.jpg"),
        (b"../b.jpg", "https://a.example/x//b.jpg"),
        (b"../../b.jpg", "https://a.example/x/b.jpg"),
        (b"../../../../../b.jpg", "https://a.example/b.jpg"),
        (b"./b/./", "https://a.example/x//y/b/"),
        (b"b/..", "https://a.example/x//y/"),
        (b"/%2e%2E/b/%2e", "https://a.example/b/"),
        (b"//b.example//c", "https://b.example//c"),
        (b"\\\\b.example\\c", "https://b.example/c"),
        (b"/a//b?c=/../d", "https://a.example/a//b?c=/../d"),
        (b"HTTP://b.example/%2fc", "http://b.example/%2fc"),
    ],
)
def test_a_redirect_is_resolved_as_browsers_do(location: bytes, leads_to: str) -> None:
    assert follow(parse_target("https://a.example/x//y/a.jpg?q=/../1"), location).url == leads_to


@pytest.mark.parametrize(
    "location", [b"ftp://b.example/", b"file:///etc/passwd", b"http://u:p@b/", b"http://[/"]
)
def test_a_redirect_is_held_to_the_rules_of_any_url(location: bytes) -> None:
    with pytest.raises(ImageError, match="redirected") as caught:
        follow(parse_target("http://a.example/"), location)
    assert caught.value.cause is Cause.BAD_URL


@given(st.one_of(st.text(), st.text().map("http://a.example/{}".format), st.text().map("http://{}/".format)))
def test_any_text_is_either_refused_or_becomes_plain_ascii_that_stays_the_same(text: str) -> None:
    try:
        target: Target = parse_target(text)
    except ImageError as error:
        assert error.cause is Cause.BAD_URL
    else:
        assert target.url.isascii()
        assert target.url.isprintable()
        assert " " not in target.url
        assert parse_target(target.url) == target


@given(st.binary())
def test_any_location_is_either_refused_or_followed(location: bytes) -> None:
    try:
        follow(parse_target("http://a.example/"), location)
    except ImageError as error:
        assert error.cause is Cause.BAD_URL


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://shop.example/a.jpg", "http://shop.example:80"),
        ("HTTPS://Shop.Example./a b.jpg#x", "https://shop.example:443"),
        ("https://shop.example.:8443/a.jpg", "https://shop.example:8443"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("http://shop.example:99999/a.jpg", None),
        ("ftp://shop.example/a.jpg", None),
        ("nonsense", None),
    ],
)
def test_whom_a_url_asks_has_one_name_for_all_workers(url: str, key: str | None) -> None:
    assert origin_key(url) == key
