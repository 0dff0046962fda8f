"""Signed addresses of objects (AWS Signature Version 4, in the query), made in a tenth of the client's time.

The client derives a signing key for every address, and a page of samples shows a hundred of them. The key is the same
for a whole day, and all but the object's name for a whole page, so both are kept. What comes out is byte for byte what
the client makes (`tests/infra/test_signing.py`).
"""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"
Headers = Iterable[tuple[str, str]]


class AddressSigner:
    """Signs addresses of one bucket.

    `example` is an address of the object `x` there, from the client: it says the scheme, the host and how the bucket is
    written, which differ between stores. `origin` is its scheme, host and port.
    """

    def __init__(self, example: str, access_key: str, secret_key: str, region: str) -> None:
        parts = urlsplit(example)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._host, self._folder = parts.netloc, parts.path[:-1]
        self._access_key, self._region = access_key, region
        self._key_of_day = lru_cache(maxsize=2)(lambda day: _signing_key(secret_key, day, region))
        self._query_of = lru_cache(maxsize=64)(self._query)

    def sign(self, method: str, key: str, seconds: int, moment: int, answer_headers: Headers = ()) -> str:
        """The address that reads (GET) or writes (PUT) `key` for `seconds` after `moment` (seconds since 1970).

        `answer_headers` (`response-content-type`, …) are what the store answers with.
        """
        query, canonical, head, day = self._query_of(seconds, moment, tuple(answer_headers))
        path = self._folder + quote(key)
        request = f"{method}\n{path}\n{canonical}\nhost:{self._host}\n\nhost\nUNSIGNED-PAYLOAD"
        signed = f"{head}{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._key_of_day(day), signed.encode(), "sha256").hex()
        return f"{self.origin}{path}?{query}&X-Amz-Signature={signature}"

    def _query(
        self, seconds: int, moment: int, answer_headers: tuple[tuple[str, str], ...]
    ) -> tuple[str, str, str, str]:
        """The query as it is sent, the same in the order that is signed, the head of what is signed, and the day."""
        when = datetime.fromtimestamp(moment, UTC)
        day, second = f"{when:%Y%m%d}", f"{when:%Y%m%dT%H%M%SZ}"
        scope = f"{day}/{self._region}/s3/aws4_request"
        sent = [f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(answer_headers)]
        sent += [
            f"X-Amz-Algorithm={_ALGORITHM}",
            f"X-Amz-Credential={quote(f'{self._access_key}/{scope}', safe='')}",
            f"X-Amz-Date={second}",
            f"X-Amz-Expires={seconds}",
            "X-Amz-SignedHeaders=host",
        ]
        return "&".join(sent), "&".join(sorted(sent)), f"{_ALGORITHM}\n{second}\n{scope}\n", day


def _signing_key(secret: str, day: str, region: str) -> bytes:
    """The key of one day, region and service: it opens no other."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
