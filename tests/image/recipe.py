"""Reads the Dockerfile, and does its steps in a folder that stands for the image.

Knows the instructions that ours has, in the forms that ours uses.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PLACES = re.compile(r"(?<![\w./-])/(opt|build|dist)\b")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One instruction and what follows it."""

    word: str
    text: str


@dataclass(kw_only=True)
class Stage:
    """What one FROM begins."""

    name: str
    steps: list[Step] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """What follows each instruction of a kind."""
        return [step.text for step in self.steps if step.word == word]

    def command(self, word: str) -> list[str]:
        """The last instruction of a kind, as the list that it must be."""
        text = self.all(word)[-1]
        found = json.loads(text[text.index("[") :])
        assert isinstance(found, list)
        return [str(part) for part in found]

    def environment(self) -> dict[str, str]:
        """What ENV sets."""
        pairs = (pair.partition("=") for text in self.all("ENV") for pair in shlex.split(text))
        return {name: value for name, _, value in pairs}


def stages() -> list[Stage]:
    """The stages of the Dockerfile, in its order."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    found: list[Stage] = []
    for line in text.replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            found.append(Stage(name=rest.partition(" AS ")[2]))
        elif word and found:
            found[-1].steps.append(Step(word=word, text=rest.strip()))
    return found


def placed(text: str, folder: Path) -> str:
    """A text whose places in the image are those in the folder."""
    return _PLACES.sub(rf"{folder}/\1", text)


def do(stage: Stage, folder: Path) -> None:
    """Does the steps of a stage, with a Python of its own for that of the image it is built from.

    Raises ConnectionError where packages cannot be fetched.
    """
    python = folder / f"python-{stage.name}"
    subprocess.run([sys.executable, "-m", "venv", python], check=True)
    environment = {**os.environ, "PATH": f"{python / 'bin'}:{os.environ['PATH']}"}
    here = folder
    for step in stage.steps:
        if step.word == "WORKDIR":
            here = Path(placed(step.text, folder))
            here.mkdir(parents=True, exist_ok=True)
        elif step.word == "COPY":
            copy(step.text, here)
        elif step.word == "RUN":
            command = ["/bin/sh", "-ec", placed(step.text, folder)]
            done = subprocess.run(
                command, cwd=here, env=environment, check=False, capture_output=True, text=True
            )
            if done.returncode and "Retrying (Retry(" in done.stderr:
                raise ConnectionError("no package index is reached from here")
            assert done.returncode == 0, f"{step.text}\n{done.stdout}\n{done.stderr}"


def copy(text: str, here: Path) -> None:
    """Copies files of the repository that a COPY names; those of an earlier stage are in the same folder."""
    *sources, target = [part for part in text.split() if not part.startswith("--")]
    if "--from=" in text:
        assert sources == [target]
        return
    for source in sources:
        found, to = ROOT / source, here / target
        if found.is_dir():
            shutil.copytree(found, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(found, to)
