#!/usr/bin/env python3
"""Measures our Pulsar client beside pulsar-perf (of the distribution) and the official Python client: one run, one broker, the same settings,
taking turns. Prints a table in Markdown, writes results/pulsar.json, exits 1 when an aim is missed. README.md says what each line means.

    python3 bench/pulsar.py            about 10 minutes, medians of 3 rounds
    python3 bench/pulsar.py --quick    2 minutes, for a look

Nothing else should run on the machine.
"""
import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "z_test"))

from pulsar_broker import Broker  # noqa: E402  pylint: disable=wrong-import-position

RESULTS = ROOT / "bench" / "results"
SIZE = 1024
WINDOW, QUEUE = 10_000, 1000                    # sent and not answered; received and not taken
BATCH_MESSAGES, BATCH_BYTES = 1000, 4 * 1024 * 1024  # the defaults of pulsar-perf; 1 ms
CPU_SHARE_MAX, LATENCY_MAX, PRODUCED_MIN, CONSUMED_MIN = 0.6, 1.1, 500_000, 800_000
LOOK_SECONDS = 0.25
STARTED = 2000  # messages of the runs that show what it costs to start


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def finished(command, **options):
    """What a program printed, and the CPU seconds of it and of what it started."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        with subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=errors, **options) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(map(str, command[:3]))}: {errors.read().decode()[-2000:]}{out.read().decode()[-2000:]}")
        return out.read().decode(), usage.ru_utime + usage.ru_stime


def pulsar_home():
    cache = Path(os.environ.get("ACOPIO_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "acopio")
    return cache / "pulsar" / f"apache-pulsar-{os.environ.get('ACOPIO_PULSAR_VERSION', '4.0.8')}"


class Watch:
    """How many messages a topic has, again and again: pulsar-perf looks every ten seconds only whether it has sent enough, so that its own rate
    of a whole run counts time in which it does nothing."""

    def __init__(self, broker, topic):
        self.broker, self.path, self.seen, self.over = broker, topic.removeprefix("persistent://"), [], threading.Event()
        self.thread = threading.Thread(target=self._look)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def _look(self):
        while not self.over.wait(LOOK_SECONDS):
            count = self.broker.stats(self.path)["msgInCounter"]
            if count > 0 and (not self.seen or count > self.seen[-1][1]):
                self.seen.append((time.monotonic(), count))

    def rate(self):
        """From the first message seen to the last, or of the best ten seconds in between: a JVM starts slowly."""
        if len(self.seen) < 2:
            return 0.0
        pairs = [(self.seen[0], self.seen[-1])]
        pairs += [(first, last) for i, first in enumerate(self.seen) for last in self.seen[i + 1:] if 10 <= last[0] - first[0] < 10 + 2 * LOOK_SECONDS]
        return max((last[1] - first[1]) / (last[0] - first[0]) for first, last in pairs)


class Perf:
    """pulsar-perf. Its rate is the best that can be said of it: of its whole run or of its best ten seconds."""
    name, produces = "pulsar-perf", 1.0

    def __init__(self, broker):
        self.broker = broker

    def _run(self, kind, *arguments):
        out, cpu = finished([pulsar_home() / "bin" / "pulsar-perf", kind, "-u", self.broker.service, *arguments])
        whole = re.search(r"Aggregated throughput stats --- (\d+) records \w+ --- ([\d.]+) msg/s", out)
        parts = [float(rate) for rate in re.findall(r"Throughput \w+: .*?--- +([\d.]+) +msg/s", out)]
        return {"messages": int(whole[1]), "per_second": max([float(whole[2]), *parts]), "per_second_whole": float(whole[2]), "cpu_seconds": cpu}

    def produce(self, topic, messages):
        with Watch(self.broker, topic) as watch:
            result = self._run("produce", "-s", SIZE, "-m", messages, "-r", 10_000_000, "-o", WINDOW, "-bm", BATCH_MESSAGES, "-bb", BATCH_BYTES, "-b", 1,
                               topic)
        return result | {"per_second": max(result["per_second"], watch.rate())}

    def consume(self, topic, messages):
        return self._run("consume", "-m", messages, "-q", QUEUE, "-sp", "Earliest", "-ss", f"perf-{messages}", topic)


class Official:
    """The official Python client. It is slow at sending: a part of the messages is enough."""
    name, produces = "Python client", 0.2

    def __init__(self, broker):
        self.broker = broker
        self.python = subprocess.run([ROOT / "tools" / "engines" / "python_client.sh"], capture_output=True, text=True, check=True).stdout.strip()

    def _run(self, kind, topic, messages, *arguments):
        out, cpu = finished([self.python, "-P", ROOT / "bench" / "pulsar_official.py", kind, self.broker.service, topic, messages, SIZE, *arguments])
        return json.loads(out) | {"cpu_seconds": cpu}

    def produce(self, topic, messages):
        return self._run("produce", topic, messages)

    def consume(self, topic, messages):
        return self._run("consume", topic, messages, f"python-{messages}")

    def latency(self, topic, messages):
        return self._run("latency", topic, messages)


class Ours:
    name, produces = "ours", 1.0

    def __init__(self, broker, programs):
        self.broker, self.program = broker, programs / "bench_pulsar_load"

    def _run(self, kind, topic, messages, *arguments):
        out, cpu = finished([self.program, kind, "--service", self.broker.service, "--topic", topic, "--messages", messages, "--size", SIZE, *arguments])
        return json.loads(out) | {"cpu_seconds": cpu}

    def produce(self, topic, messages):
        return self._run("produce", topic, messages, "--window", WINDOW, "--batch-messages", BATCH_MESSAGES, "--batch-bytes", BATCH_BYTES)

    def consume(self, topic, messages):
        return self._run("consume", topic, messages, "--queue", QUEUE, "--subscription", f"ours-{messages}")

    def latency(self, topic, messages):
        return self._run("latency", topic, messages, "--no-batching", 1)


def machine(folder):
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    rates = []
    for _ in range(3):
        with open(Path(folder) / "sync", "wb", buffering=0) as file:
            count, begin = 0, time.monotonic()
            while (spent := time.monotonic() - begin) < 1:
                file.write(b"x" * 4096)
                os.fdatasync(file.fileno())
                count += 1
        rates.append(count / spent)
    return {"cpu": model, "cores": os.cpu_count(), "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
            "kernel": platform.release(), "fdatasync_per_second": round(statistics.median(rates)), "load_before": round(os.getloadavg()[0], 2)}


def median(runs, name):
    return statistics.median(run[name] for run in runs)


class Bench:
    def __init__(self, options):
        self.programs, self.rounds, self.folder = options.programs.resolve(), options.rounds, options.directory
        self.messages, self.singles = options.messages, 500 if options.quick else 1500
        self.mock_messages = 1_000_000 if options.quick else 3_000_000
        self.runs = {kind: {} for kind in ("produce", "consume", "latency", "start_produce", "start_consume")}
        self.mock, self.lines, self.missed = {}, [], []

    def note(self, kind, client, result):
        self.runs[kind].setdefault(client.name, []).append(result)
        say(f"  {kind}, {client.name}: " + ", ".join(f"{name} {value:,.3f}" for name, value in result.items()))

    def round(self, broker, clients, number):
        """Everyone sends to a topic of its own, then everyone reads the same one. Who begins changes from round to round."""
        say(f"round {number + 1} of {self.rounds}")
        turns = clients[number % len(clients):] + clients[:number % len(clients)]
        topics = {client: broker.topic(f"bench/speed/{client.name.replace(' ', '-')}-{number}") for client in clients}
        for client in turns:
            count = int(self.messages * client.produces)
            result = client.produce(topics[client], count)
            self.note("produce", client, result)
            stored = broker.stats(topics[client].removeprefix("persistent://"))["msgInCounter"]
            if stored < result["messages"]:
                raise SystemExit(f"{client.name}: {stored} messages are stored where {result['messages']} were sent")
        for client in turns:
            self.note("consume", client, client.consume(topics[clients[0]], self.messages))
        small = broker.topic(f"bench/speed/small-{number}")
        for client in turns:
            self.note("start_produce", client, client.produce(small, STARTED))
        for client in turns:
            self.note("start_consume", client, client.consume(small, STARTED))
        for client in [client for client in turns if hasattr(client, "latency")] * 2:
            self.note("latency", client, client.latency(broker.topic(f"bench/speed/latency-{client.name.replace(' ', '-')}-{number}"), self.singles))
        for topic in [*topics.values(), small]:  # for the disk's sake
            broker.ask("DELETE", f"/persistent/{topic.removeprefix('persistent://')}?force=true")

    def against_mock(self):
        say("against the mock broker")
        for kind in ("produce", "consume"):
            runs = [json.loads(finished([self.programs / "bench_pulsar_mock", kind, "--messages", self.mock_messages])[0]) for _ in range(self.rounds)]
            self.mock[kind] = {name: median(runs, name) for name in runs[0]}
            say(f"  {kind}: {self.mock[kind]}")

    def cpu_us(self, kind, name):
        """CPU microseconds a message, without those of starting."""
        long, short = self.runs[kind][name], self.runs[f"start_{kind}"][name]
        return (median(long, "cpu_seconds") - median(short, "cpu_seconds")) / (median(long, "messages") - median(short, "messages")) * 1e6

    def line(self, what, cells, aim="", good=True):
        if not good:
            self.missed.append(what)
        self.lines.append([what, *cells, aim + ("" if good or not aim else ": **missed**")])

    def compare(self):
        for kind, word in (("produce", "produced"), ("consume", "consumed")):
            rates = {name: median(runs, "per_second") for name, runs in self.runs[kind].items()}
            share = rates["ours"] / rates["pulsar-perf"]
            self.line(f"{word}, 1 KiB", [f"{rates[name]:,.0f}/s" for name in rates], f"{share:.2f} of pulsar-perf; aim 1", share >= 1)
            cpu = {name: self.cpu_us(kind, name) for name in rates}
            share = cpu["ours"] / cpu["pulsar-perf"]
            self.line(f"CPU a message {word}", [f"{cpu[name]:.2f} us" for name in rates],
                      f"{share:.2f} of pulsar-perf; aim {CPU_SHARE_MAX}", share <= CPU_SHARE_MAX)
        latency = {name: median(runs, "p50_ms") for name, runs in self.runs["latency"].items()}
        share = latency["ours"] / latency["Python client"]
        self.line("one message in flight, p50", ["", f"{latency['Python client']:.3f} ms", f"{latency['ours']:.3f} ms"],
                  f"{share:.2f} of the Python client; aim {LATENCY_MAX}", share <= LATENCY_MAX)
        self.line("one message in flight, p99", ["", *(f"{median(self.runs['latency'][name], 'p99_ms'):.3f} ms" for name in ("Python client", "ours"))])
        for kind, word, aim in (("produce", "produced", PRODUCED_MIN), ("consume", "consumed", CONSUMED_MIN)):
            rate = self.mock[kind]["per_second_a_core"]
            self.line(f"{word} a core, mock broker", ["", "", f"{rate:,.0f}/s"], f"aim {aim:,}", rate >= aim)
            self.line(f"allocations a message {word}", ["", "", f"{self.mock[kind]['allocations']:.2f}"])
        instructions = RESULTS / "pulsar_instructions.json"
        if instructions.exists():
            for name, figure in json.loads(instructions.read_text())["figures"].items():
                self.line(f"instructions a message {name} (recorded)", ["", "", f"{figure:,}"])

    def run(self):
        with tempfile.TemporaryDirectory(prefix="acopio-bench-", dir=self.folder) as folder:
            facts = machine(folder)
            with Broker(Path(folder) / "pulsar") as broker:
                broker.namespace("bench", "speed", dedup=True)
                clients = [Perf(broker), Official(broker), Ours(broker, self.programs)]
                say("warming the broker")
                warm = broker.topic("bench/speed/warm")
                clients[2].produce(warm, self.messages // 4)
                clients[2].consume(warm, self.messages // 4)
                for number in range(self.rounds):
                    self.round(broker, clients, number)
        self.against_mock()
        self.compare()
        print(f"Medians of {self.rounds} rounds of {self.messages:,} messages, {time.strftime('%Y-%m-%d')}. {facts['cpu']}, {facts['cores']} cores, "
              f"{facts['memory_gib']} GiB, Linux {facts['kernel']}, fdatasync of 4 KiB appends {facts['fdatasync_per_second']:,}/s, "
              f"load before {facts['load_before']}.\n\n| what | pulsar-perf | Python client | ours | |\n|---|---|---|---|---|")
        for line in self.lines:
            print("| " + " | ".join(line) + " |")
        return {"date": time.strftime("%Y-%m-%d"), "machine": facts, "messages": self.messages, "rounds": self.rounds, "table": self.lines,
                "missed": self.missed, "runs": self.runs, "mock": self.mock}


def build():
    say("building (release)")
    for command in (["cmake", "--preset", "release"], ["ninja", "-C", "build/release", "bench_pulsar_load", "bench_pulsar_mock"]):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=Path, help="where bench_pulsar_load and bench_pulsar_mock are; they are built otherwise")
    parser.add_argument("--quick", action="store_true", help="500,000 messages, one round")
    parser.add_argument("--rounds", type=int, help="3; with --quick 1")
    parser.add_argument("--messages", type=int, help="of a run: 2,000,000; with --quick 500,000")
    parser.add_argument("--directory", help="a directory of the file system that the broker is to use")
    parser.add_argument("--out", type=Path, default=RESULTS / "pulsar.json")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.messages = options.messages or (500_000 if options.quick else 2_000_000)
    if not options.programs:
        build()
        options.programs = ROOT / "build" / "release" / "bin"
    results = Bench(options).run()
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(results, indent=1) + "\n")
    return 1 if results["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
