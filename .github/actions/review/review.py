#!/usr/bin/env python3
"""Checks the SLO files of a pull request, replays them against its base, and says so in a comment.

There is one comment a path, which is found by its marker and its author, and brought up to date. A
token that may not comment is no error: the text is in the job's summary as well. All settings are
in the environment, see action.yml; the token is used for requests and goes nowhere else. Names and
label values from SLO files are never part of a command, and are inert in the comment: postburn
escapes what it replays, and what `check` says is in a code block.

It exits with 1 if the files can't be used or not be replayed.
"""

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

LIMIT = 65_000  # characters of a comment; GitHub's own limit is 65,536
CHECK_LIMIT = 3_000  # of these for what `check` says
TRIES = 3  # of a request that may help when it is sent again
TIMEOUT = 30  # seconds that GitHub may take
PAGES = 100  # of comments are looked through at most


class Refused(Exception):
    """GitHub does not let this token do that."""


class Unanswered(Exception):
    """Nobody knows whether GitHub did what it was asked."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token is for one server: it is sent to no other."""

    def redirect_request(self, *args):
        return None


class Comments:
    """The comments of one pull request."""

    def __init__(self, api, repository, number, token, author):
        self.url = f"{api.rstrip('/')}/repos/{repository}/issues"
        self.number = number
        self.token = token
        self.author = author
        self.opener = urllib.request.build_opener(NoRedirect)

    def keep(self, marker, body):
        """Brings the comment with this marker up to date, or makes it.

        After an answer that got lost it looks again, so that there are never two of them.
        """
        for tried in range(TRIES):
            try:
                found = self.find(marker)
                if found is None:
                    self.send("POST", f"{self.url}/{self.number}/comments", {"body": body})
                elif found["body"] != body:
                    self.send("PATCH", f"{self.url}/comments/{int(found['id'])}", {"body": body})
                return
            except Unanswered as err:
                if tried == TRIES - 1:
                    raise
                print(f"trying again: {err}", file=sys.stderr)
                time.sleep(float(os.environ.get("REVIEW_PAUSE", "5")))

    def find(self, marker):
        """Returns the first comment by the author that begins with the marker, or None."""
        for page in range(1, PAGES + 1):
            comments, more = self.send("GET", f"{self.url}/{self.number}/comments?per_page=100&page={page}")
            for comment in comments:
                login = (comment.get("user") or {}).get("login")
                if login == self.author and (comment.get("body") or "").startswith(marker):
                    return comment
            if not more:
                return None
        return None

    def send(self, method, url, content=None):
        """Returns the answer, and whether a list has another page."""
        request = urllib.request.Request(url, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Accept", "application/vnd.github+json")
        request.add_header("X-GitHub-Api-Version", "2022-11-28")
        request.add_header("User-Agent", "postburn-review")
        if content is not None:
            request.data = json.dumps(content).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with self.opener.open(request, timeout=TIMEOUT) as answer:
                return json.load(answer), 'rel="next"' in (answer.headers.get("Link") or "")
        except urllib.error.HTTPError as err:
            err.close()
            if err.code >= 500 or err.code == 429:
                raise Unanswered(f"{method} was answered {err.code}") from None
            raise Refused(f"{method} was answered {err.code}") from None
        except (OSError, ValueError, http.client.HTTPException) as err:
            raise Unanswered(f"{method} was not answered: {type(err).__name__}") from None


def run(command, **settings):
    """Runs a command without a shell."""
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", check=False, **settings)


def base_of(path, base, folder):
    """Returns the path as the base has it, checked out into a folder; None if it is not there."""
    git = ["git", "-c", "core.hooksPath=/dev/null"]
    if not re.fullmatch("[0-9a-f]{40,64}", base):
        return None
    if run(git + ["cat-file", "-e", base + "^{commit}"]).returncode != 0:
        run(git + ["fetch", "--quiet", "--no-tags", "--depth=1", "origin", base])
    made = run(git + ["worktree", "add", "--quiet", "--detach", folder, base])
    if made.returncode != 0:
        raise SystemExit(f"checking out the base: {made.stderr.strip()}")
    old = os.path.join(folder, path)
    return old if os.path.exists(old) else None


def block(text):
    """Writes text as a code block that nothing in it can end."""
    text = text.strip()
    if len(text) > CHECK_LIMIT:
        text = text[:CHECK_LIMIT] + "\n..."
    longest = max((len(ticks) for ticks in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}\n"


def review(path, settings):
    """Returns the text of the comment, and whether all is fine."""
    postburn = settings["REVIEW_POSTBURN"]
    heading = "### SLO files: `" + re.sub("[`\n\r]", "?", path) + "`\n\n"
    checked = run([postburn, "check", path])
    said = (checked.stdout + checked.stderr).replace("\r", "")
    if checked.returncode != 0:
        return heading + "These files can't be used:\n\n" + block(said), False
    text = heading
    if checked.stderr.strip():
        text += block(checked.stderr) + "\n"
    if not settings["REVIEW_PROMETHEUS"]:
        return text + "They are fine. Without an address of Prometheus nothing was replayed.\n", True
    with tempfile.TemporaryDirectory() as folder:
        tree = os.path.join(folder, "base")
        old = base_of(path, settings["REVIEW_BASE"], tree)
        command = [postburn, "replay", "--since", settings["REVIEW_SINCE"], "--output", "markdown"]
        if old is not None:
            command += ["--against", old]
        replayed = run(command + [path], env={**os.environ, "POSTBURN_PROMETHEUS_URL": settings["REVIEW_PROMETHEUS"]})
        run(["git", "worktree", "remove", "--force", tree])
        said = replayed.stderr.replace(folder + os.sep, "")
    if replayed.returncode != 0:
        lines = [line for line in said.splitlines() if not re.match("replayed +[0-9]+ %", line)]
        return text + "They are fine, but could not be replayed:\n\n" + block("\n".join(lines)), False
    return text + replayed.stdout, True


def main():
    settings = {name: os.environ.get(name, "") for name in (
        "REVIEW_AUTHOR", "REVIEW_BASE", "REVIEW_NUMBER", "REVIEW_PATH", "REVIEW_POSTBURN", "REVIEW_PROMETHEUS", "REVIEW_SINCE")}
    token = os.environ.pop("REVIEW_TOKEN", "")  # postburn and git do not need it
    if not re.fullmatch("[0-9]+", settings["REVIEW_NUMBER"]):
        raise SystemExit("this is not a pull request: run the action on the event pull_request")
    path = settings["REVIEW_PATH"]
    if not path or path.startswith("-"):
        raise SystemExit("path must name a file or a folder of the repository")
    text, fine = review(path, settings)
    marker = f"<!-- postburn-review: {urllib.parse.quote(path)} -->"
    body = (marker + "\n" + text)[:LIMIT]
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(os.environ["GITHUB_STEP_SUMMARY"], "a", encoding="utf-8") as summary:
            summary.write(text + "\n")
    comments = Comments(os.environ["GITHUB_API_URL"], os.environ["GITHUB_REPOSITORY"], settings["REVIEW_NUMBER"], token, settings["REVIEW_AUTHOR"])
    try:
        comments.keep(marker, body)
    except Refused as err:
        print(f"::warning::no comment was written, the summary of this job has the text: {err}")
    except Unanswered as err:
        print(f"::error::writing the comment: {err}")
        return 1
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
