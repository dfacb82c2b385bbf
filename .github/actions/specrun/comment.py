#!/usr/bin/env python3
"""Write a file as the one comment of this workflow on a pull request: the first time new, then edited in place."""

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

MARK = "<!-- specrun plan -->\n"
COMMENTS = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/issues"


def ask(method: str, url: str, document: Any = None) -> Any:
    """Ask GitHub's API, and return its answer."""
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
        "Content-Type": "application/json",
    }
    data = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - GitHub's own address
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
        return json.load(reply)


def earlier(pull_request: str) -> int | None:
    """Return the id of the comment written before, None where there is none."""
    page = 1
    while found := ask("GET", f"{COMMENTS}/{pull_request}/comments?per_page=100&page={page}"):
        for comment in found:
            # A person may quote the mark; only an app's comment is this workflow's.
            if comment["user"]["type"] == "Bot" and comment["body"].startswith(MARK):
                return int(comment["id"])
        page += 1
    return None


def main(plan: Path, pull_request: str) -> None:
    """Write the comment."""
    comment, body = earlier(pull_request), {"body": MARK + plan.read_text("utf-8")}
    if comment is None:
        ask("POST", f"{COMMENTS}/{pull_request}/comments", body)
    else:
        ask("PATCH", f"{COMMENTS}/comments/{comment}", body)


if __name__ == "__main__":
    main(Path(sys.argv[1]), os.environ["PULL_REQUEST"])
