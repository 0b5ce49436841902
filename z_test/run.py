#!/usr/bin/env python3
"""Runs the system tests against a built binary: z_test/run.py --binary build/release/bin/acopio [--only crash] [--engines | --log pulsar].

One line a test: ok, FAILED or skipped, its name, its seconds. The last line counts. Exit code 1 when a test failed. With --engines only the
modules that need a real engine (test_pulsar_*.py), and none of them without; they run in the python that has the engine's official client.
With --log pulsar the same tests as without, but every server has its event log in a namespace of its own in one Pulsar broker.
"""
import argparse
import importlib.util
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ENGINES = ("test_pulsar_",)  # how the names of modules begin that need one
# What cannot be tried with a log in Pulsar, and why. A name stands for all that begins with it.
EMBEDDED_ONLY = {
    "test_operation.test_a_full_disk": "it fills the disk that the log.db lies on",
    "test_operation.test_an_older_log_is_refused": "it puts an older copy of log.db in its place",
    "test_cli.test_send_goes_on_after_a_crash": "it waits for log.db to grow; test_pulsar_serve does the same with a log in Pulsar",
    "test_run_sh.": "run.sh serves a directory with a log of its own",
}
sys.path.insert(0, str(FOLDER))

import harness  # noqa: E402  pylint: disable=wrong-import-position


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tests_of(module):
    for name, test in list(vars(module).items()):
        if name.startswith("test_") and callable(test) and test.__module__ == module.__name__:
            yield name, (test.__doc__ or name.replace("_", " ")).splitlines()[0].rstrip("."), test


def logs_of(engine):
    if engine == "embedded":
        return harness.EmbeddedLogs()
    import pulsar_broker  # pylint: disable=import-outside-toplevel
    return harness.PulsarLogs(pulsar_broker.shared())


def run_one(binary, test, name, logs):
    """(word, why)"""
    box = harness.Box(binary, logs)
    try:
        if not isinstance(logs, harness.EmbeddedLogs):
            for beginning, why in EMBEDDED_ONLY.items():
                if name.startswith(beginning):
                    raise harness.Cannot(why)
        test(box)
        return "ok", ""
    except harness.Skip as reason:
        left_out = isinstance(reason, harness.Cannot) or os.environ.get("CI") != "true"
        return "skipped" if left_out else "FAILED", f"because {reason}" + ("" if left_out else "; CI leaves no test out that the machine can run")
    except Exception:  # pylint: disable=broad-except
        return "FAILED", traceback.format_exc(limit=-4) + box.last_words()
    finally:
        box.clean_up()


def with_official_clients():
    """Goes on in the python that has the engines' official clients, if this one has not."""
    if importlib.util.find_spec("pulsar"):
        return
    python = subprocess.run([str(FOLDER.parent / "tools" / "engines" / "python_client.sh")], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    os.execv(python, [python, "-u", *sys.argv])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True, type=Path)
    parser.add_argument("--only", default="", help="part of a module's or a test's name")
    parser.add_argument("--engines", action="store_true", help="the tests that need a real engine, and only they")
    parser.add_argument("--log", choices=["embedded", "pulsar"], default="embedded", help="where the servers have their event log")
    options = parser.parse_args()
    if options.engines and options.log != "embedded":
        parser.error("--engines are tests of one engine already")
    if options.engines:
        with_official_clients()
    if not options.binary.exists():
        parser.error(f"there is no {options.binary}: build it first")
    logs = logs_of(options.log)
    where = "" if options.log == "embedded" else f", on {options.log}"
    count = {"ok": 0, "FAILED": 0, "skipped": 0}
    for path in sorted(FOLDER.glob("test_*.py")):
        if path.name.startswith(ENGINES) != options.engines:
            continue
        for name, sentence, test in tests_of(load(path)):
            if options.only not in f"{path.stem}.{name}":
                continue
            begin = time.monotonic()
            word, why = run_one(options.binary, test, f"{path.stem}.{name}", logs)
            count[word] += 1
            print(f"{word:7} {path.stem}: {sentence}{where} ({time.monotonic() - begin:.1f} s)", flush=True)
            if why:
                print("        " + why.strip().replace("\n", "\n        "), flush=True)
    print(f"{count['ok']} passed, {count['FAILED']} failed" + (f", {count['skipped']} skipped" if count["skipped"] else ""))
    return 1 if count["FAILED"] or not count["ok"] + count["skipped"] else 0


if __name__ == "__main__":
    sys.exit(main())
