"""What the documents say is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from safelight.cli.main import app
from safelight.settings import Settings

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_with_its_own_words(name: str) -> None:
    operating = (ROOT / "docs" / "operating.md").read_text()

    assert f"| `{name.upper()}` |" in operating
    assert Settings.model_fields[name].description in operating


def test_the_commands_in_the_documents_exist() -> None:
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    named = {
        found
        for text in documents
        for found in re.findall(r"safelight ([a-z]+)\b", text.read_text())
    }
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}

    assert named & commands >= {"serve", "worker", "generate", "jobs", "models"}
    for command in named & commands:
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = []
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
            place = document.parent / target
            if not (place.exists() or place.with_suffix(".md").exists()):
                broken.append(f"{document.name}: {target}")

    assert not broken
