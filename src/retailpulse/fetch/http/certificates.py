"""What a host's certificates lack, told from those that it sent.

OpenSSL says one and the same of a missing intermediate and of an authority that nobody knows. Weak: where the
authority is unknown, and the host's certificate says where to find it, it counts as left out.
"""

import pycurl

ISSUER_UNKNOWN = 20
"""OpenSSL did not find who signed a certificate (X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY)."""
AUTHORITY_NOT_TRUSTED = 19  # X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
INTERMEDIATE_MISSING = 21  # X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE
_SAYS_WHERE = b"CA Issuers - URI:http"


def verification_of(handle: pycurl.Curl) -> int:
    """OpenSSL's verdict on the certificates (X509_V_ERR_...), a more exact one if the handle keeps them."""
    verdict: int = handle.getinfo(pycurl.SSL_VERIFYRESULT)
    if verdict != ISSUER_UNKNOWN:
        return verdict
    sent = [dict(certificate) for certificate in handle.getinfo_raw(pycurl.INFO_CERTINFO)]
    if not sent:
        return verdict
    issuer, said = sent[0].get(b"Issuer"), sent[0].get(b"Authority Information Access", b"")
    is_sent = any(certificate.get(b"Subject") == issuer for certificate in sent[1:])
    return INTERMEDIATE_MISSING if _SAYS_WHERE in said and not is_sent else AUTHORITY_NOT_TRUSTED
