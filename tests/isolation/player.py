"""A player in a process of their own, who asks for a page of achievements every few milliseconds.

`python -m tests.isolation.player URL AUTHORIZATION`: for each line of the standard input, print the longest wait since
the one before as a JSON number of seconds, and how many pages there were.
"""

import http.client
import json
import select
import sys
import time
import urllib.parse

PAUSE_SECONDS = 0.005


def main() -> None:
    """Ask until the standard input ends."""
    url, authorization = urllib.parse.urlsplit(sys.argv[1]), sys.argv[2]
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=30)
    headers = {"Authorization": authorization, "x-xbl-contract-version": "2"}
    longest, pages = 0.0, 0
    while True:
        started = time.perf_counter()
        connection.request("GET", f"{url.path}?{url.query}", headers=headers)
        response = connection.getresponse()
        response.read()
        assert response.status == http.HTTPStatus.OK, response.status
        longest, pages = max(longest, time.perf_counter() - started), pages + 1
        if select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
            if not sys.stdin.readline():
                return
            print(json.dumps([longest, pages]), flush=True)  # noqa: T201  (its output)
            longest, pages = 0.0, 0


if __name__ == "__main__":
    main()
