#!/usr/bin/env python3
"""Checks the rules of the rooms. Run as a test: exits 1 and prints file:line.

1. A room includes only its own headers and those of the rooms in its DEPENDS list (transitively); tests and fuzzers also
   those in TEST_DEPENDS.
2. A room includes an external library only if its LIBS list (or that of a room it depends on) names it; domain/, kernel/
   and the ports include none at all.
3. No include goes up with "../": it would walk around rule 1.
4. Service X never depends on service Y, and siblings under infrastructure/ never depend on each other, except formats,
   which holds the parsers that the other adapters share.
5. The graph of rooms has no circle.
"""
import re
import sys
from pathlib import Path

EXTERNAL = {  # header prefix -> the LIBS names that bring it
    "boost/": {"Boost::headers"}, "sqlite3.h": {"SQLite::SQLite3"},
    "openssl/": {"OpenSSL::Crypto", "OpenSSL::SSL"}, "spdlog/": {"spdlog::spdlog"},
    "fmt/": {"fmt::fmt", "spdlog::spdlog"}, "simdjson.h": {"simdjson::simdjson"}, "zlib.h": {"ZLIB::ZLIB"}, "zstd.h": {"PkgConfig::ZSTD"},
    "xxhash.h": {"PkgConfig::XXHASH"},
    "google/protobuf/": {"protobuf::libprotobuf-lite"}, "lz4": {"PkgConfig::LZ4"}, "snappy": {"PkgConfig::SNAPPY"},
    "isa-l/": {"PkgConfig::ISAL"},
    "prometheus/": {"prometheus-cpp::core"}, "CLI/": {"CLI11::CLI11"},
}
SERVICES = ("data_center_classifier", "collector_command", "collector_query")
STD_ONLY = re.compile(r"^(kernel|[a-z_]+/domain)$")
TEST_FILE = re.compile(r"(_(test|bench|fuzz)\.cpp|/contract[a-z_]*\.hpp|/(fake|test)_[a-z_]+\.hpp|_contract\.hpp)$")


def read_rooms(root):
    rooms = {}
    for lists in root.rglob("CMakeLists.txt"):
        if "build" in lists.relative_to(root).parts:
            continue
        for call in re.findall(r"^\s*room\(([^)]*)\)", lists.read_text(), re.M):
            words, key = call.split(), None
            room = {"DIR": [], "DEPENDS": [], "LIBS": [], "TEST_DEPENDS": [], "TEST_LIBS": []}
            for word in words[1:]:
                if word in room:
                    key = word
                elif key:
                    room[key].append(word)
            rooms[words[0]] = room
    return rooms


def reach(rooms, name, field, path=()):
    if name in path:
        raise SystemExit("rooms depend on each other in a circle: " + " -> ".join(path + (name,)))
    found = set(rooms[name][field])
    for dep in rooms[name]["DEPENDS"]:
        found |= reach(rooms, dep, field, path + (name,))
    return found


def forbidden_dependency(rooms, name, dep):
    own, other = rooms[name]["DIR"][0], rooms[dep]["DIR"][0]
    own_service, other_service = own.split("/")[0], other.split("/")[0]
    if own_service in SERVICES and other_service in SERVICES and own_service != other_service:
        return "a service never depends on another service"
    siblings = "/infrastructure/" in own and "/infrastructure/" in other and own != other
    if siblings and not other.endswith("/formats"):
        return "siblings under infrastructure never depend on each other"
    if own.startswith("platform/") and not other.startswith(("platform/", "kernel")):
        return "the platform knows no domain"
    return None


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
        if match:
            yield number, match.group(1), match.group(2)


def problems_of(root):
    rooms, problems = read_rooms(root), []
    for name, room in rooms.items():
        own = room["DIR"][0]
        for dep in reach(rooms, name, "DEPENDS"):
            if reason := forbidden_dependency(rooms, name, dep):
                problems.append(f"room {name} depends on {dep}: {reason}")
        allowed = {own} | {rooms[d]["DIR"][0] for d in reach(rooms, name, "DEPENDS")}
        test_rooms = set(room["TEST_DEPENDS"])
        for dep in room["TEST_DEPENDS"]:
            test_rooms |= reach(rooms, dep, "DEPENDS")
        test_allowed = allowed | {rooms[d]["DIR"][0] for d in test_rooms}
        libs = reach(rooms, name, "LIBS")
        for path in sorted((root / own).glob("*.[ch]pp")):
            where, test = path.relative_to(root), TEST_FILE.search(str(path))
            for number, quote, header in includes(path):
                if header.startswith("../"):
                    problems.append(f"{where}:{number}: include goes up: {header}")
                elif quote == '"' and str(Path(header).parent) not in (test_allowed if test else allowed):
                    problems.append(f"{where}:{number}: room {name} may not include {header}")
                for prefix, names in EXTERNAL.items():
                    if quote == "<" and header.startswith(prefix) and not test and (STD_ONLY.match(own) or not names & libs):
                        problems.append(f"{where}:{number}: room {name} may not use <{header}>")
    return rooms, problems


if __name__ == "__main__":
    rooms, problems = problems_of(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve())
    print("\n".join(problems) or f"rooms: {len(rooms)} clean")
    sys.exit(1 if problems else 0)
