#!/usr/bin/env python3
"""Counts the instructions that our Pulsar client takes for a message of 1 KiB, by callgrind, against the mock broker of bench_pulsar_mock.

    python3 bench/pulsar_instructions.py            measures, compares with results/pulsar_instructions.json, exits 1 when 15 % more are taken
    python3 bench/pulsar_instructions.py --record   measures and writes that file anew

Those of the client's own thread and of the loop that uses it, never the broker's; the kernel's are not seen. Each figure is the difference of a
long and a short run, so that opening and closing do not count; the median of several, because two threads never meet the same way twice.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORDED = ROOT / "bench" / "results" / "pulsar_instructions.json"
MORE_MAX = 1.15
SHORT, LONG = 20_000, 120_000
BROKERS_THREAD = 2  # of callgrind: it is the first that is started
# The C library copies much at once by one instruction, which valgrind counts for each byte.
NO_REP = {"GLIBC_TUNABLES": "glibc.cpu.x86_rep_movsb_threshold=0x7fffffff:glibc.cpu.x86_non_temporal_threshold=0x7fffffff"}
CASES = {
    # The batches end by their size, never by the clock, which runs slowly in here.
    "produced": ["produce", "--batch-delay-ms", "5000"],
    "produced, one message an entry": ["produce", "--no-batching", "1", "--window", "1000"],
    "consumed and acknowledged, 100 messages an entry": ["consume", "--batch", "100"],
    "consumed and acknowledged, one message an entry": ["consume", "--batch", "0"],
}


def instructions(program, arguments, messages):
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "-q", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={folder}/out", "--fair-sched=yes",
                   str(program), *arguments, "--messages", str(messages)]
        done = subprocess.run(command, env=os.environ | NO_REP, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(arguments)}: {done.stderr.strip()[-2000:]}")
        ours = 0
        for file in Path(folder).glob("out-*"):
            if int(file.name.removeprefix("out-")) != BROKERS_THREAD:
                ours += int(re.search(r"^(?:totals|summary): (\d+)", file.read_text(), re.M).group(1))
        return ours


def measure(program, runs):
    figures = {}
    for name, arguments in CASES.items():
        each = [(instructions(program, arguments, LONG) - instructions(program, arguments, SHORT)) / (LONG - SHORT) for _ in range(runs)]
        figures[name] = round(statistics.median(each))
        print(f"{name}: {figures[name]:,} instructions a message ({', '.join(f'{one:,.0f}' for one in each)})", file=sys.stderr, flush=True)
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, default=ROOT / "build" / "release" / "bin" / "bench_pulsar_mock")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--record", action="store_true", help="write the figures into the repository")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        raise SystemExit("valgrind is missing (Debian: apt-get install valgrind)")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / options.program.name
        subprocess.run(["strip", "--strip-debug", "-o", program, options.program], check=True)  # valgrind cannot read what clang writes
        figures = measure(program, options.runs)
    if options.record:
        RECORDED.parent.mkdir(exist_ok=True)
        RECORDED.write_text(json.dumps({"unit": "instructions a message of 1 KiB, callgrind, release build", "figures": figures}, indent=2) + "\n")
        return 0
    recorded = json.loads(RECORDED.read_text())["figures"]
    worse = [name for name, figure in figures.items() if figure > recorded[name] * MORE_MAX]
    print("| instructions a message of 1 KiB | recorded | now | |\n|---|---|---|---|")
    for name, figure in figures.items():
        print(f"| {name} | {recorded[name]:,} | {figure:,} | {100 * figure / recorded[name] - 100:+.1f} %{' **too many**' if name in worse else ''} |")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
