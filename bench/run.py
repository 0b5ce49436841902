#!/usr/bin/env python3
"""Measures acopio and its references on this machine and prints a table in Markdown. Called by run.sh; README.md says what each line means.

Server on core 0, load on core 1, but where a line says "2 cores". Every server works on a fresh directory of one file system. Medians.
"""
import argparse
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "z_test"))

from harness import Server, wait_until  # noqa: E402  pylint: disable=wrong-import-position

RECORD_BYTES = 610  # about; of bench/record.cpp
PARTS = ["disk", "singles", "stream", "through", "memory"]
QUESTIONS = [
    "/data?modality=CT&limit=100",
    "/data?modality=MR&body_part=HEAD&limit=100",
    "/data?code_prefix=J18&limit=100",
    "/data?sex=F&age_min=60&age_max=65&limit=100",
    "/data?body_part=KNEE&sort=-age&limit=100",
    "/data?study_date_from=2020-01-01&study_date_to=2020-03-31&limit=100",
    "/data?patient_id=P0001234&limit=100",
    "/data?label=abnormal&modality=US&limit=100",
]


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def median(results, name):
    return statistics.median(result[name] for result in results)


class Bench:
    def __init__(self, options):
        self.programs, self.only = Path(options.programs).resolve(), options.only
        self.runs = options.runs or (1 if options.quick else 3)
        self.seconds = 4 if options.quick else 10
        self.records = 100_000 if options.quick else 1_000_000
        self.long_stream_bytes = 100_000_000 if options.quick else 1_000_000_000
        self.folder = Path(tempfile.mkdtemp(prefix="acopio-bench-", dir=options.directory))
        self.rows, self.servers, self.peak = [], 0, 0.0

    def row(self, name, value, note=""):
        say(f"  {name}: {value} {note}")
        self.rows.append((name, value, note))

    def load(self, kind, *arguments, core="1"):
        command = ["taskset", "-c", core, str(self.programs / "bench_load"), kind, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{kind}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def server(self, cores="0"):
        """A started server on an empty directory, and a key."""
        folder = self.folder / f"server{self.servers}"
        folder.mkdir()
        self.servers += 1
        server = Server(self.programs / "acopio", folder, prefix=["taskset", "-c", cores]).start()
        return server, server.add_center("bench-centre")

    def end(self, server):
        peak = server.rss_mib("VmHWM")
        self.peak = max(self.peak, peak)
        server.stop(120)
        shutil.rmtree(server.folder)
        return peak

    def machine(self):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
        kind = subprocess.run(["stat", "-f", "-c", "%T", str(self.folder)], capture_output=True, text=True, check=True).stdout.strip()
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        self.row("machine", f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}, {kind}",
                 f"load before: {os.getloadavg()[0]:.2f}")

    def disk(self):
        rates = []
        for _ in range(3):
            with open(self.folder / "sync", "wb", buffering=0) as file:
                count, begin = 0, time.monotonic()
                while (spent := time.monotonic() - begin) < 2:
                    file.write(b"x" * 4096)
                    os.fdatasync(file.fileno())
                    count += 1
            rates.append(count / spent)
        self.row("fdatasync of 4 KiB appends", f"{statistics.median(rates):,.0f}/s")

    def reference(self, kind, connections):
        results = []
        for _ in range(self.runs):
            path = self.folder / "reference"
            command = ["taskset", "-c", "0", str(self.programs / "bench_reference_server"), kind, str(path)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
                address = f"127.0.0.1:{server.stdout.readline().strip()}"
                results.append(self.load("singles", "--address", address, "--path", "/", "--key", "none", "--connections", connections,
                                         "--seconds", self.seconds))
                server.send_signal(signal.SIGTERM)
            for file in self.folder.glob("reference*"):
                file.unlink()
        if others := sum(result["others"] for result in results):
            raise SystemExit(f"the reference did not accept {others} records")
        return median(results, "per_second")

    def single(self, connections):
        results = []
        for _ in range(self.runs):
            server, key = self.server()
            results.append(self.load("singles", "--address", server.intake, "--path", "/raw-data", "--key", key, "--connections", connections,
                                     "--seconds", self.seconds))
            self.end(server)
        return median(results, "per_second"), results

    def singles(self):
        for connections in (64, 256):
            say(f"single records, {connections} connections")
            file = self.reference("file", connections)
            table = self.reference("table", connections)
            self.row(f"reference, bodies to a file, {connections} connections", f"{file:,.0f}/s")
            self.row(f"reference, rows to SQLite, {connections} connections", f"{table:,.0f}/s")
            rate, results = self.single(connections)
            others = sum(result["others"] for result in results)
            self.row(f"single durable POST, {connections} connections", f"{rate:,.0f}/s",
                     f"{100 * rate / table:.0f} % of rows to SQLite, {100 * rate / file:.0f} % of bodies to a file; "
                     f"p50 {median(results, 'p50_ms'):.1f} ms, p99 {median(results, 'p99_ms'):.1f} ms"
                     + (f"; {others} not accepted" if others else ""))

    def stream(self):
        for records in sorted({100_000, self.records}):
            say(f"NDJSON, {records:,} records")
            results = []
            for _ in range(self.runs):
                server, key = self.server()
                results.append(self.load("stream", "--address", server.intake, "--key", key, "--records", records))
                self.end(server)
            self.row(f"NDJSON, {records:,} records, judged and durable", f"{median(results, 'per_second'):,.0f} records/s",
                     f"{median(results, 'mb_per_second'):.0f} MB/s; server on 1 core")

    def wait_for_last(self, server, count, first=0):
        reader = server.as_reader(120)
        wait_until(lambda: reader.get("/data", record_id=f"L-{first + count - 1}", limit=1).json["data"], "the last record is visible", 3600)

    def through(self):
        """Also leaves a full server behind for the parts that read."""
        say(f"through to the query store, {self.records:,} records on 2 cores")
        rates, server, key = [], None, None
        for _ in range(self.runs):
            if server:
                self.end(server)
            server, key = self.server("0,1")
            begin = time.monotonic()
            self.load("stream", "--address", server.intake, "--key", key, "--records", self.records, core="0,1")
            self.wait_for_last(server, self.records)
            rates.append(self.records / (time.monotonic() - begin))
            found = server.as_reader(120).count()
            if found != self.records:
                raise SystemExit(f"{found} records are visible where {self.records} were sent")
        self.row("through to the query store", f"{statistics.median(rates):,.0f} records/s",
                 f"{self.records:,} records, load and server on the same 2 cores")
        size = sum(path.stat().st_size for path in server.data.rglob("*") if path.is_file())
        self.row("bytes on disk", f"{size / self.records:,.0f} a record", f"of about {RECORD_BYTES} sent; all four databases")
        self.reading(server, key)
        self.row("memory of this server", f"{self.end(server):,.0f} MiB", "VmHWM after all of these")

    def reading(self, server, key):
        say("reading")
        token = server.operator_token()
        results = [self.load("pages", "--query", server.query, "--token", token, "--requests", 800, *QUESTIONS) for _ in range(self.runs)]
        self.row(f"filtered page of 100 over {self.records:,} records", f"p50 {median(results, 'p50_ms'):.2f} ms",
                 f"p99 {median(results, 'p99_ms'):.2f} ms; {len(QUESTIONS)} questions in turn")
        slowest = {q: self.load("pages", "--query", server.query, "--token", token, "--requests", 50, q)["p99_ms"] for q in QUESTIONS}
        worst = max(slowest, key=slowest.get)
        self.row("slowest of the questions", f"p99 {slowest[worst]:.2f} ms", f"`{worst}`")
        say("visible in a query at 2,000 records/s")
        results = []
        for turn in range(self.runs):
            results.append(self.load("visible", "--address", server.intake, "--query", server.query, "--key", key, "--token", token, "--rate", 2000,
                                     "--seconds", self.seconds * 2, "--first", 100_000_000 * (turn + 1), core="1"))
        self.row("sent until a query finds it, at 2,000 records/s", f"p50 {median(results, 'p50_ms'):.1f} ms",
                 f"p99 {median(results, 'p99_ms'):.1f} ms; {results[0]['probes']} probes a run")

    def memory(self):
        count = self.long_stream_bytes // RECORD_BYTES
        say(f"one NDJSON stream of {self.long_stream_bytes // 1_000_000:,} MB")
        server, key = self.server("0,1")
        result = self.load("stream", "--address", server.intake, "--key", key, "--records", count, core="0,1")
        sent = server.rss_mib("VmHWM")
        self.wait_for_last(server, count)
        self.row(f"memory, one stream of {result['bytes'] / 1e6:,.0f} MB", f"{sent:,.0f} MiB at most",
                 f"{self.end(server):,.0f} MiB once all of it is visible")

    def run(self):
        try:
            self.machine()
            for part in PARTS:
                if self.only in (None, part):
                    getattr(self, part)()
            if self.peak:
                self.row("peak memory", f"{self.peak:,.0f} MiB", f"the highest VmHWM of {self.servers} servers")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        print(f"Medians of {self.runs} run{'s' if self.runs > 1 else ''}, {time.strftime('%Y-%m-%d')}.\n\n| what | measured | |\n|---|---|---|")
        for row in self.rows:
            print("| " + " | ".join(row) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", required=True, help="where acopio, bench_load and bench_reference_server are")
    parser.add_argument("--quick", action="store_true", help="100,000 records, one run of each")
    parser.add_argument("--runs", type=int, help="runs of each (3; with --quick 1)")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--directory", help="a directory of the file system to measure on")
    Bench(parser.parse_args()).run()


if __name__ == "__main__":
    main()
