#!/usr/bin/env python3
"""Style checks that neither the compiler nor clang-tidy makes. Exits 1 and prints file:line, what is wrong, and the cure."""
import re
import subprocess
import sys
from pathlib import Path

root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
tracked = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True)
files = [root / line for line in tracked.stdout.splitlines() if (root / line).is_file()]

RULES = [  # pattern, which files, cure
    (re.compile(r"\b(sleep_for|usleep|sleep_until)\s*\("), re.compile(r"_test\.cpp$"), "a test waits for a fact, never for time"),
    (re.compile(r"\bsleep\s*\(|Event\(\)\.wait\("), re.compile(r"^z_test/.*\.py$"), "wait_until() of the harness waits for a fact, never for time"),
    (re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|@@[A-Z]+@@"), re.compile(r"\.(cpp|hpp|py|sh|md|cmake)$"), "do it, or file it as an issue"),
    (re.compile(r"\bdetached\b"), re.compile(r"\.(cpp|hpp)$"), "every spawned task has an owner that hears of its failure"),
    (re.compile(r"^\s*using namespace std\s*;"), re.compile(r"\.(cpp|hpp)$"), "name what is used"),
    (re.compile(r"\bassert\s*\("), re.compile(r"\.(cpp|hpp)$"), "CHECK from kernel/check.hpp is on in release too"),
    (re.compile(r"(^|[^A-Za-z0-9_.])/(work|farm|root)/"), re.compile(r"."), "no absolute path of a machine"),
]
problems = []
for path in files:
    name = str(path.relative_to(root))
    if name in ("tools/check_style.py",):
        continue
    if path.suffix in (".cpp", ".hpp") and not re.match(r"^[a-z0-9_]+$", path.stem):
        problems.append(f"{name}: file names are snake_case")
    if path.suffix in (".gz", ".zst", ".png", ".dcm", ".bin") or "/corpus/" in name:
        continue
    try:
        lines = path.read_text().splitlines()
    except UnicodeDecodeError:
        continue
    if path.suffix == ".hpp" and "#pragma once" not in lines:
        problems.append(f"{name}: #pragma once is missing")
    if path.suffix == ".hpp" and not lines[0].startswith("//"):
        problems.append(f"{name}:1: a header begins with a sentence on its purpose")
    for number, line in enumerate(lines, 1):
        if path.suffix in (".cpp", ".hpp") and len(line) > 160:
            problems.append(f"{name}:{number}: longer than 160 columns")
        for pattern, which, cure in RULES:
            if which.search(name) and pattern.search(line):
                problems.append(f"{name}:{number}: {pattern.search(line).group(0).strip()}: {cure}")
print("\n".join(problems) or f"style: {len(files)} files clean")
sys.exit(1 if problems else 0)
