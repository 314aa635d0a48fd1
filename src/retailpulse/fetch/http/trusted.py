"""Which certificates are trusted: CAs; intermediates that hosts leave out only complete a chain to one.

libcurl takes one file, and by default trusts whatever is in it (partial chains). With intermediates in it
only roots are trusted, so that an intermediate counts as if the host had sent it. Weak: read once.
"""

import os
import ssl
from functools import cache
from pathlib import Path

import certifi
import pycurl

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.errors import ConfigError


def trust_options(settings: FetchSettings) -> dict[int, object]:
    """The options of libcurl that say whom to trust."""
    # libcurl's own default is a path of the machine that built the wheel.
    ca_file = settings.ca_file or certifi.where()
    if not settings.intermediates_file:
        return {pycurl.CAINFO: ca_file}
    joined = _joined(ca_file, settings.intermediates_file)
    return {pycurl.CAINFO: joined, pycurl.SSL_OPTIONS: pycurl.SSLOPT_NO_PARTIALCHAIN}


def check_trust(settings: FetchSettings) -> None:
    """Raise ConfigError if a file is missing, or if one of intermediates would make others trusted."""
    for name, file in (("CA_FILE", settings.ca_file), ("INTERMEDIATES_FILE", settings.intermediates_file)):
        if file and not Path(file).is_file():
            raise ConfigError(f"RETAILPULSE_FETCH_{name}: there is no file {file}")
    if settings.intermediates_file:
        _check_intermediates(settings.intermediates_file)


def _check_intermediates(file: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"RETAILPULSE_FETCH_INTERMEDIATES_FILE: {file} is no PEM file of certificates: {error}"
        ) from None
    stats = context.cert_store_stats()
    is_root = any(found["subject"] == found["issuer"] for found in context.get_ca_certs())
    if is_root or stats["x509"] != stats["x509_ca"]:
        raise ConfigError(
            f"RETAILPULSE_FETCH_INTERMEDIATES_FILE: {file} holds a certificate that is no intermediate; "
            "what is to be trusted by itself belongs in RETAILPULSE_FETCH_CA_FILE"
        )


@cache
def _joined(ca_file: str, intermediates_file: str) -> str:
    """The path of both files as one, in memory as long as this process lives."""
    joined = os.memfd_create("certificates")
    with os.fdopen(joined, "wb", closefd=False) as both:
        both.write(Path(ca_file).read_bytes() + b"\n" + Path(intermediates_file).read_bytes())
    return f"/proc/self/fd/{joined}"
