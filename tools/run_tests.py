#!/usr/bin/env python3
"""Runs every test of the project, step by step, and counts. Called by test.sh, which installs the tools first.

Each step is a function that yields (name, passed) for each test in it; passed is None for one that was left out. A step that cannot run at
all is one failure. The last line counts: "N passed, N failed", and ", N skipped" when something was left out, and
", engine tests left out" with --no-engines.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

root = Path(__file__).resolve().parent.parent
os.chdir(root)
CORES = os.cpu_count() or 2
SANITIZER_SETTINGS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "second_deadlock_stack=1",
    "RC_PARAMS": os.environ.get("RC_PARAMS", "seed=20261124"),
}


def run(*command, timeout=1800, quiet=False, settings=None):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=timeout,
                          env={**os.environ, **SANITIZER_SETTINGS, **(settings or {})})
    if done.returncode != 0 and not quiet:
        print(done.stdout[-6000:])
    return done


def build(preset):
    """Configures and builds a preset; a compiler error is a failed test."""
    if run("cmake", "--preset", preset).returncode != 0:
        return False
    return run("ninja", "-C", f"build/{preset}", timeout=3600).returncode == 0


def unit_tests(preset):
    yield f"build {preset}", build(preset)
    for program in sorted(Path(f"build/{preset}/bin").glob("*_test")):
        if not program.name.endswith("_engine_test"):
            yield from cases_of(preset, program)


def cases_of(preset, program, settings=None):
    """Runs one program of unit tests."""
    report = Path(f"build/{preset}/{program.name}.xml")
    report.unlink(missing_ok=True)
    done = run(str(program), f"--gtest_output=xml:{report}", "--gtest_brief=1", timeout=900, settings=settings)
    cases = list(xml.parse(report).iter("testcase")) if report.exists() else []
    if done.returncode != 0 and not any(case.find("failure") is not None for case in cases):
        yield f"{preset}/{program.name} ends well (exit code {done.returncode})", False
    for case in cases:
        passed = case.find("failure") is None and case.get("result") == "completed"
        yield f"{preset}/{case.get('classname')}.{case.get('name')}", None if case.get("result") == "skipped" else passed


def release():
    yield from unit_tests("release")


def walls():
    """A forbidden include does not compile: tries some with the include roots that the build gives each room."""
    commands = {c["file"]: c for c in json.loads(Path("build/release/compile_commands.json").read_text())}

    def tried(room_dir, header):
        """(whether it compiles, what the compiler says)"""
        command = next(c["command"] for f, c in sorted(commands.items())
                       if Path(f).parent == root / room_dir and not re.search(r"_(test|bench|fuzz)\.", f))
        flags = [f for f in command.split() if f.startswith(("-I", "-isystem", "-std=", "-D", "-stdlib"))]
        isystem = re.findall(r"-isystem (\S+)", command)
        probe = subprocess.run(["clang++-19", *[f for f in flags if f != "-isystem"], *[x for d in isystem for x in ("-isystem", d)],
                                "-fsyntax-only", "-x", "c++", "-"], input=f'#include "{header}"\n', capture_output=True, text=True, check=False,
                               cwd=root / "build")  # not the root: a quoted include looks beside its source first
        return probe.returncode == 0, probe.stderr

    def right(room_dir, header, allowed):
        compiled, said = tried(room_dir, header)
        # Forbidden is what the compiler does not find though it is there; any other error would prove nothing.
        good = compiled if allowed else not compiled and f"'{header}' file not found" in said
        if not (root / header).exists():
            print(f"there is no {header}")
            return False
        if not good:
            print(said[-2000:])
        return good

    for room_dir, header, allowed in [
        ("kernel", "kernel/result.hpp", True),
        ("kernel", "platform/sql/sql.hpp", False),
        ("data_center_classifier/domain", "kernel/clock.hpp", True),
        ("data_center_classifier/domain", "platform/log/port_event_log.hpp", False),
        ("data_center_classifier/domain", "data_center_classifier/infrastructure/formats/formats.hpp", False),
        ("data_center_classifier/application", "platform/sql/sql.hpp", False),
        ("data_center_classifier/infrastructure/http", "platform/sql/sql.hpp", False),
        ("collector_command/domain", "collector_query/service.hpp", False),
        ("collector_command", "collector_query/service.hpp", False),
        ("collector_query/infrastructure/db", "platform/http/http.hpp", False),
        ("collector_query", "data_center_classifier/domain/judge.hpp", False),
        ("platform/log/embedded", "collector_command/service.hpp", False),
        ("platform/pulsar/wire", "platform/pulsar/session/session.hpp", False),
        ("platform/pulsar/session", "platform/pulsar/wire/frame.hpp", True),
        ("platform/pulsar/session", "platform/pulsar/client/client.hpp", False),
        ("platform/log/pulsar", "acopio/event_log.hpp", False),
        ("platform/log/pulsar", "collector_command/service.hpp", False),
    ]:
        yield f"{room_dir} {'may' if allowed else 'may not'} include {header}", right(room_dir, header, allowed)


def checks():
    yield "rooms: every include is allowed", run("python3", "tools/check_rooms.py").returncode == 0
    yield "style", run("python3", "tools/check_style.py").returncode == 0
    sources = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.cpp", "*.hpp"], capture_output=True, text=True, check=True).stdout.split()
    yield "clang-format", run("clang-format-19", "--dry-run", "-Werror", *sources).returncode == 0
    scripts = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.sh", ".ci/run"], capture_output=True, text=True, check=True).stdout.split()
    yield "shellcheck", run("shellcheck", *scripts).returncode == 0


def asan():
    yield from unit_tests("asan")
    for fuzzer in sorted(Path("build/asan/bin").glob("*_fuzz")):
        found = Path(f"build/asan/{fuzzer.name}.new")  # the fuzzer writes what is new into its first folder
        found.mkdir(exist_ok=True)
        corpora = [str(p) for p in root.glob(f"**/corpus/{fuzzer.name}") if "build" not in p.relative_to(root).parts]
        done = run(str(fuzzer), str(found), *corpora, "-runs=2000", "-seed=1", "-max_total_time=30", timeout=300)
        yield f"{fuzzer.name}: corpus and 2,000 mutations of it", done.returncode == 0


def tsan():
    yield from unit_tests("tsan")


def tidy():
    """clang-tidy over every source file but the tests; a finding is a failure."""
    commands = json.loads(Path("build/release/compile_commands.json").read_text())
    files = [c["file"] for c in commands if not re.search(r"(_test|_bench|_fuzz|boost_sources)\.cpp$|/build/", c["file"])]

    def tidy_one(file):
        return file, run("nice", "-n", "19", "clang-tidy-19", "--quiet", "-p", "build/release", file, timeout=600)

    with ThreadPoolExecutor(CORES) as pool:
        for file, done in pool.map(tidy_one, sorted(set(files))):
            yield f"clang-tidy {Path(file).relative_to(root)}", done.returncode == 0


def system(quick=False):
    yield from system_tests({"ACOPIO_CRASH_ROUNDS": "5"} if quick else {})


def engines(quick=False):
    """What needs a real engine: brings a Pulsar broker, runs the programs *_engine_test against it, the system tests of the engines, and all
    system tests again with the event log in Pulsar."""
    rounds = {"ACOPIO_CRASH_ROUNDS": "5" if quick else os.environ.get("ACOPIO_CRASH_ROUNDS", "10"),
              "ACOPIO_PULSAR_ROUNDS": "5" if quick else os.environ.get("ACOPIO_PULSAR_ROUNDS", "30")}
    there = True
    for name, command in [("Pulsar is there", ["tools/engines/pulsar.sh", "fetch"]),
                          ("Pulsar's official Python client is there", ["tools/engines/python_client.sh"])]:
        fetched = run(*command, timeout=1200).returncode == 0
        there &= fetched
        yield name, fetched
    if not there:
        return
    with tempfile.TemporaryDirectory(prefix="acopio-engines-", ignore_cleanup_errors=True) as folder:
        data = f"{folder}/pulsar"
        try:
            started = run("tools/engines/pulsar.sh", "start", "--data", data, "--auto-ports", timeout=200).returncode == 0
            yield "a Pulsar broker starts", started
            if started:
                broker = json.loads(Path(data, "pulsar.json").read_text())
                settings = {**rounds, "ACOPIO_PULSAR_SERVICE": broker["service"], "ACOPIO_PULSAR_ADMIN": broker["admin"]}
                for program in sorted(Path("build/release/bin").glob("*_engine_test")):
                    for name, passed in cases_of("release", program, settings):
                        yield name, passed is True  # there is a broker: none of them has a reason to leave itself out
                yield from system_tests(settings, "--engines")
                yield from system_tests(settings, "--log", "pulsar")
        finally:
            if Path(data).exists():
                run("tools/engines/pulsar.sh", "stop", "--data", data, timeout=60)


def system_tests(settings, *arguments):
    done = subprocess.Popen(["python3", "-u", "z_test/run.py", "--binary", "build/release/bin/acopio", *arguments], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", env={**os.environ, **settings})
    failed = 0
    for line in done.stdout:
        if match := re.match(r"(ok|FAILED|skipped) +(test_\w+: .*) \([0-9.]+ s\)$", line):
            failed += match[1] == "FAILED"
            yield match[2], {"ok": True, "FAILED": False, "skipped": None}[match[1]]
        if not re.match(r"\d+ passed, \d+ failed", line):
            print("   ", line, end="")
    if done.wait() != 0 and not failed:
        yield "system tests end well", False


STEPS = {"checks": checks, "release": release, "walls": walls, "system": system, "engines": engines, "tidy": tidy, "asan": asan, "tsan": tsan}
QUICK = ["checks", "release", "walls", "system", "engines"]
# The tests of these steps wait more than they work: tidy, which only works, fills their pauses, and yields to them.
BESIDE = ("system", "engines")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append", choices=STEPS)
    parser.add_argument("--no-engines", action="store_true", help="leave out what needs a real engine (Pulsar)")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        print("\n".join(STEPS))
        return 0
    passed, skipped, failures, ahead = 0, 0, [], None
    names = [name for name in options.only or (QUICK if options.quick else STEPS) if name != "engines" or not options.no_engines]
    for name in names:
        if name in BESIDE and "tidy" in names and not ahead:
            ahead = ThreadPoolExecutor(1).submit(lambda: list(tidy()))
        begin, before = time.monotonic(), passed
        print(f"== {name}", flush=True)
        try:
            step = STEPS[name]
            results = ahead.result() if name == "tidy" and ahead else step(quick=True) if name in BESIDE and options.quick else step()
            for test, good in results:
                passed += good is True
                skipped += good is None
                if good is False:
                    failures.append(test)
                    print(f"FAILED {test}", flush=True)
        except (OSError, StopIteration, subprocess.TimeoutExpired, xml.ParseError, json.JSONDecodeError) as error:
            failures.append(f"step {name}: {error}")
            print(f"FAILED step {name}: {error}", flush=True)
        print(f"   {passed - before} passed in {time.monotonic() - begin:.0f} s", flush=True)
    for test in failures:
        print(f"FAILED {test}")
    print(f"{passed} passed, {len(failures)} failed" + (f", {skipped} skipped" if skipped else "") +
          (", engine tests left out" if options.no_engines else ""))
    return 1 if failures or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
