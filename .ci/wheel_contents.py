"""Check that a wheel carries what is in gorkflow/, file by file, and nothing beside it."""

import sys
import zipfile
from pathlib import Path

names = set(zipfile.ZipFile(sys.argv[1]).namelist())
source = Path(__file__).resolve().parent.parent / "gorkflow"
wanted = {
    path.relative_to(source.parent).as_posix()
    for path in source.rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}
packed = {name for name in names if ".dist-info/" not in name}
kinds = {
    "py.typed": "gorkflow/py.typed",
    "migrations": "gorkflow/migrations/0001_",
    "templates": "gorkflow/templates/",
    "static files": "gorkflow/static/",
    "the licence": "/licenses/LICENSE",
}
wrong = [f"left out: {name}" for name in sorted(wanted - packed)]
wrong += [f"does not belong: {name}" for name in sorted(packed - wanted)]
wrong += [
    f"without {kind}"
    for kind, part in kinds.items()
    if not any(part in f"/{name}" or name.startswith(part) for name in names)
]
if wrong:
    sys.exit("\n".join(["The wheel is not right:", *wrong]))
print(f"{len(packed)} files, {', '.join(kinds)} among them")
