"""Our own client library as a process that tests drive: build/release/bin/pulsar_probe, lines of JSON in and out (platform/pulsar/probe/probe.hpp).

    with Probe(box) as probe:
        probe.ask("client", as_="c", service=broker.service)
        probe.ask("producer", on="c", as_="p", topic=topic)
        receipts = probe.send("p", [message(b"one", key="k")])

What it says of its own accord is kept: `acked` and `failed` of loads, `got` and `took` of follows, `events`. A kill loses nothing that it said.
"""
import base64
import json
import subprocess
import threading

from harness import check, wait_until

SECONDS = 60


class Refused(Exception):
    """The library answered with an error."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.kind, self.code = error["kind"], error["code"]


class Ended(Exception):
    """The probe's process ended before it answered."""


def message(payload=b"", **fields):
    """One message of send(): key, properties (pairs), event_time, sequence, null, partition."""
    return {"payload": base64.b64encode(payload).decode(), **fields}


def payload(said):
    """The bytes of a message that was received."""
    return base64.b64decode(said["payload"])


def place(id_of_ours):
    """(ledger, entry, batch index) of an id, as the official client counts."""
    return id_of_ours["ledger"], id_of_ours["entry"], id_of_ours["batch"]


class Probe:
    """One process. One thread asks at a time, another may wait for what it says."""

    def __init__(self, box):
        program = box.binary.parent / "pulsar_probe"
        check(program.exists(), f"there is no {program}: build it first")
        self.log_path = box.folder / f"probe{len(box.servers)}.log"
        box.servers.append(self)  # which cleans up, and shows the end of the log of a test that failed
        with open(self.log_path, "wb") as errors:  # it ends with its input
            self.process = subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        self.answers, self.events = {}, []
        self.acked, self.failed, self.loaded = {}, {}, {}           # of a load: sequence -> receipt; sequence -> error; its end
        self.got, self.took, self.not_taken, self.followed = {}, {}, {}, {}  # of a follow: messages; ids; errors; its end
        self._next = 0
        self._reader = threading.Thread(target=self._read, name="probe", daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self):
        for line in self.process.stdout:
            if not line.endswith(b"\n"):
                return  # killed while it wrote
            said = json.loads(line)
            if "acked" in said and "sequence" in said:
                self.acked.setdefault(said["acked"], {})[said["sequence"]] = said
            elif "sequence" in said:
                self.failed.setdefault(said["failed"], {})[said["sequence"]] = said["error"]
            elif "loaded" in said:
                self.loaded[said["loaded"]] = said
            elif "got" in said:
                self.got.setdefault(said["got"], []).append(said["message"])
            elif "took" in said:
                self.took.setdefault(said["took"], []).append(said["id"])
            elif "not_taken" in said:
                self.not_taken.setdefault(said["not_taken"], []).append(said["error"])
            elif "followed" in said:
                self.followed[said["followed"]] = said
            elif "event" in said:
                self.events.append(said)
            else:
                self.answers[said.get("id")] = said

    # ---- commands

    def begin(self, word, as_=None, **fields):
        """Sends a command. Gives back its number, for answer()."""
        self._next += 1
        line = {"id": self._next, "do": word, **({"as": as_} if as_ else {}), **fields}
        try:
            self.process.stdin.write(json.dumps(line).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise Ended(word) from error
        return self._next

    def has_answer(self, number):
        return number in self.answers

    def answer(self, number, seconds=SECONDS):
        wait_until(lambda: number in self.answers or not self._reader.is_alive(), f"the probe answers command {number}", seconds)
        if number not in self.answers:
            raise Ended(f"exit code {self.process.poll()}")
        said = self.answers.pop(number)
        if "error" in said:
            raise Refused(said["error"])
        return said

    def ask(self, word, seconds=SECONDS, **fields):
        return self.answer(self.begin(word, **fields), seconds)

    def error_code(self, word, **fields):
        """The code of the error that a command must end with."""
        try:
            self.ask(word, **fields)
        except Refused as error:
            return error.code
        return None

    def send(self, producer, messages):
        """The receipts, all of them good."""
        receipts = self.ask("send", on=producer, messages=messages)["receipts"]
        for receipt in receipts:
            if "error" in receipt:
                raise Refused(receipt["error"])
        return receipts

    def receive(self, consumer, count, wait_ms=30_000, **fields):
        """So many messages, or fewer when they do not come in time."""
        return self.ask("receive", on=consumer, count=count, wait_ms=wait_ms, **fields)["messages"]

    # ---- its life

    def acks_of(self, load):
        return len(self.acked.get(load, ()))

    def wait_for_acks(self, load, count, seconds=SECONDS):
        def there():
            check(not self.failed.get(load), f"the load {load} failed: {str(list(self.failed.get(load, {}).items())[:1])}")
            check(self._reader.is_alive(), "the probe ended")
            return self.acks_of(load) >= count
        wait_until(there, f"{count} acknowledgements of {load} ({self.acks_of(load)} are there)", seconds)

    def finish(self, load, seconds=SECONDS):
        """No more new messages; waits until all that were sent are acknowledged or have failed. Gives back what it said last."""
        self.ask("stop", on=load)
        return wait_until(lambda: self.loaded.get(load), f"the load {load} ends", seconds)

    def kill(self):
        """SIGKILL. Afterwards everything that it said was read."""
        self.process.kill()
        self.process.wait()
        self._reader.join(30)

    def clean_up(self):
        if self.process.poll() is None:
            self.kill()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("the probe did not end with its input") from None
        self._reader.join(30)
        self.process.stdout.close()
