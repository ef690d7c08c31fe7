"""The documents as tests read them: fenced blocks by kind, sections, tables, code spans."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCED = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """One fenced block; `kind` is what stands behind its opening fence, less a file's name."""

    info: str
    text: str
    place: str

    @property
    def kind(self):
        return "python file" if self.is_file else self.info

    @property
    def is_file(self):
        return self.info.endswith(".py")

    @property
    def file(self):
        return self.info.removeprefix("python ")


def blocks(kind=None):
    """Return the blocks of all documents, in order; those of one kind if it is named."""
    found = []
    for path in DOCUMENTS:
        text = path.read_text()
        for match in _FENCED.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(match[1].strip(), match[2], f"{path.name}:{line}"))
    return [block for block in found if kind in (None, block.kind)]


def section(title, text=README):
    """Return what stands under a heading, up to the next of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,2}} |\Z)", text, re.M | re.S)
    assert found, f"there is no section {title!r}"
    return found[2]


def table(title, text=README, *, number=0):
    """Return the cells of a section's table, row by row, without its head."""
    tables = re.findall(r"(?:^\|.*\n)+", section(title, text), re.M)
    _head, _rule, *rows = tables[number].splitlines()
    return [[cell.strip() for cell in re.split(r" \|(?= )", row.strip("|"))] for row in rows]


def spans(text):
    """Return the code spans of a text without its fenced blocks."""
    return re.findall(r"`([^`\n]+)`", _FENCED.sub("", text))


def code(cell):
    """Return the one code span that a table's cell begins with."""
    return spans(cell)[0]
