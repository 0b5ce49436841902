"""What every system test uses: servers that are started, killed and cleaned up; HTTP; made-up records; facts that are waited for.

A test is a function test_*(box) of a module test_*.py; its first docstring line is its name. It fails by raising.
"""
import contextlib
import gzip
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote, urlencode

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
REQUEST_SECONDS = 30


class Skip(Exception):
    """This run leaves the test out; the text says why. With CI=true that is a failure."""


class Cannot(Skip):
    """No run on this machine can do the test, whoever starts it. The text says why. Not a failure in CI either."""


class Gone(Exception):
    """The server went away before it answered: whether the request was carried out is not known."""


def check(fact, text):
    if not fact:
        raise AssertionError(text)


def equal(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {str(found)[:600]} where {str(wanted)[:600]} is right")


def wait_until(fact, what, seconds=30.0):
    """The first true value of fact(). Fails when it stays false."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while not (value := fact()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        pause.wait(0.02)
    return value


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise AssertionError(f"an answer {self.status} is no JSON: {self.body[:200]!r}") from error

    @property
    def code(self):
        """The stable code of a problem, or None."""
        return self.json.get("code") if self.headers.get("content-type", "").startswith("application/problem+json") else None


class Client:
    """One kept connection with one token. One thread at a time."""

    def __init__(self, address, token=None, seconds=REQUEST_SECONDS, headers=None):
        host, port = address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=seconds)
        self.headers = dict(headers or {})
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def request(self, method, path, body=None, content_type=None, headers=None):
        sent = {**self.headers, **(headers or {})}
        if content_type:
            sent["Content-Type"] = content_type
        try:
            self.connection.request(method, path, body, sent)
            answer = self.connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise Gone(f"{method} {path.split('?')[0]}: {error!r}") from error

    def get(self, path, **filters):
        return self.request("GET", path + ("?" + urlencode(filters, doseq=True) if filters else ""))

    def post(self, path, value=None):
        return self.request("POST", path, json.dumps(value).encode() if value is not None else None, "application/json")

    def send(self, record):
        """One record, or an array of them, as JSON."""
        return self.post("/raw-data", record)

    def send_lines(self, records, content_type="application/x-ndjson"):
        """Many records as NDJSON: (items, totals)."""
        body = b"".join(json.dumps(record).encode() + b"\n" for record in records)
        return lines_of(self.request("POST", "/raw-data", body, content_type))

    def retract(self, record_id, headers=None):
        return self.request("DELETE", "/raw-data/" + quote(record_id, safe=""), headers=headers)

    def all_data(self, limit=1000, **filters):
        """Every page of a query."""
        rows, cursor = [], {}
        while True:
            answer = self.get("/data", limit=limit, **filters, **cursor)
            equal(answer.status, 200, f"a page of /data ({answer.body[:200]!r})")
            rows += answer.json["data"]
            if answer.json["next"] is None:
                return rows
            cursor = {"cursor": answer.json["next"]}

    def count(self, **filters):
        answer = self.get("/data", limit=1, count="exact", **filters)
        equal(answer.status, 200, "counting")
        return answer.json["count"]

    def close(self):
        self.connection.close()


def lines_of(answer):
    """Items and totals of a streamed answer."""
    equal(answer.status, 200, f"status of a stream ({answer.body[:300]!r})")
    lines = [json.loads(line) for line in answer.body.splitlines()]
    check(lines and "done" in lines[-1], "a stream ends with a line of totals")
    return lines[:-1], lines[-1]


def packed(body, encoding):
    """The body as its sender would pack it for a Content-Encoding."""
    if encoding == "gzip":
        return gzip.compress(body)
    return subprocess.run(["zstd", "-q", "-c"], input=body, capture_output=True, check=True).stdout


def stream(address, path, headers, chunks, on_line, seconds=REQUEST_SECONDS):
    """A chunked request whose answer is read while it is sent, both in constant memory. Returns the status."""
    client = Client(address, seconds=seconds)
    connection = client.connection
    connection.putrequest("POST", path, skip_accept_encoding=True)
    for name, value in {**headers, "Transfer-Encoding": "chunked"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    wire, broken = connection.sock, []

    def send():
        try:
            for chunk in chunks:
                wire.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            wire.sendall(b"0\r\n\r\n")
        except (OSError, AssertionError) as error:
            broken.append(error)
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        answer = connection.getresponse()
        for line in answer:
            on_line(line)
        return answer.status
    except (OSError, http.client.HTTPException) as error:
        raise Gone(repr(error)) from error
    finally:
        with contextlib.suppress(OSError):
            wire.shutdown(socket.SHUT_RDWR)
        sender.join(seconds)
        connection.close()
        for error in broken:
            if isinstance(error, AssertionError):
                raise error


def raw_exchange(address, parts, seconds=REQUEST_SECONDS, half_close=True):
    """Sends bytes as they are and reads until the server closes. Returns what came."""
    host, port = address.rsplit(":", 1)
    received = b""
    with socket.create_connection((host, int(port)), timeout=seconds) as wire:
        try:
            for part in parts:
                wire.sendall(part)
            if half_close:
                wire.shutdown(socket.SHUT_WR)
            while piece := wire.recv(65536):
                received += piece
        except OSError:
            pass
    return received


class Server:
    """One `acopio serve` on a directory of its own. It can be stopped, killed and started again."""

    def __init__(self, binary, folder, open_mode=False, arguments=(), environment=None, prefix=(), log=None):
        self.binary, self.folder = str(binary), Path(folder)
        self.data = self.folder / "data"
        self.log_path = self.folder / "stderr.log"
        self.arguments = [*(["--open"] if open_mode else []), *arguments]
        self.log_places = log or {}  # the environment in which it finds its event log; {}: in its directory
        self.environment = {**self.log_places, **(environment or {})}
        self.prefix = list(prefix)  # as ["taskset", "-c", "0"]
        self.process = None
        self.intake = self.query = None
        self.keeps_ports = False  # a later start takes the ports of the first

    def spawn(self):
        """Starts the process without waiting for it."""
        (self.data / "addresses.json").unlink(missing_ok=True)
        intake, query = (self.intake, self.query) if self.keeps_ports else ("127.0.0.1:0", "127.0.0.1:0")
        command = [*self.prefix, self.binary, "serve", "--data", str(self.data), "--intake", intake, "--query", query]
        with open(self.log_path, "ab") as errors, open(self.folder / "stdout.log", "ab") as output:
            self.process = subprocess.Popen([*command, *self.arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                                            env={**clean_environment(), **self.environment})

    def start(self):
        self.spawn()
        addresses = wait_until(self.addresses, "addresses.json is written", START_SECONDS)
        self.intake, self.query = (addresses[side].removeprefix("http://") for side in ("intake", "query"))
        wait_until(lambda: self.is_ready(self.intake) and self.is_ready(self.query), "both ports are ready", START_SECONDS)
        return self

    def addresses(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the server ended with {self.process.returncode}: {self.log()[-600:]}")
        try:
            return json.loads((self.data / "addresses.json").read_text())
        except (OSError, ValueError):
            return None

    @staticmethod
    def is_ready(address):
        client = Client(address, seconds=5)
        try:
            return client.get("/ready").status == 200
        except Gone:
            return False
        finally:
            client.close()

    def kill(self):
        """SIGKILL: no instruction of the server runs any more."""
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=40):
        """SIGTERM. Returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def restart(self):
        equal(self.stop(), 0, "exit code after SIGTERM")
        return self.start()

    def clean_up(self):
        if self.process and self.process.poll() is None:
            self.kill()

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def operator_token(self):
        return (self.data / "operator.token").read_text().strip()

    def as_operator(self, **headers):
        return Client(self.intake, self.operator_token(), headers={k.replace("_", "-"): v for k, v in headers.items()})

    def as_center(self, key, seconds=REQUEST_SECONDS):
        return Client(self.intake, key, seconds)

    def as_reader(self, seconds=REQUEST_SECONDS):
        return Client(self.query, self.operator_token(), seconds)

    def add_center(self, center, name=None):
        """Registers a data centre and gives back a key of it."""
        operator = self.as_operator()
        answer = operator.post("/data-centers", {"id": center, "name": name or center})
        equal(answer.status, 201, f"registering {center} ({answer.body[:200]!r})")
        return self.add_key(center)["key"]

    def add_key(self, center):
        answer = self.as_operator().post(f"/data-centers/{center}/keys")
        equal(answer.status, 201, f"a key for {center} ({answer.body[:200]!r})")
        return answer.json

    def center(self, center):
        return self.as_operator().get(f"/data-centers/{center}").json

    def scorecard(self, center):
        answer = self.as_operator().get(f"/data-centers/{center}/scorecard")
        equal(answer.status, 200, f"scorecard of {center}")
        return answer.json

    def quarantine(self, center):
        """Every page of the quarantine desk."""
        rows, before = [], {}
        while True:
            page = self.as_operator().get(f"/data-centers/{center}/quarantine", limit=100, **before).json
            rows += page["quarantined"]
            if page["next"] is None:
                return rows
            before = {"before": page["next"]}

    def wait_for_records(self, count, seconds=60, **filters):
        reader = self.as_reader()
        wait_until(lambda: reader.count(**filters) >= count, f"{count} records are visible", seconds)
        equal(reader.count(**filters), count, "records that are visible")

    def wait_for_receipt(self, receipt, status="queryable", seconds=30):
        reader = self.as_reader()
        return wait_until(lambda: (a := reader.get(f"/receipts/{receipt}")).status == 200 and a.json["status"] == status and a.json,
                          f"a receipt is {status}", seconds)

    def rss_mib(self, name="VmRSS"):
        """Memory of the process now, or its peak with "VmHWM"."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
        return 0.0

    def places(self):
        """The environment in which the command line finds this server."""
        places = {"ACOPIO_DATA": str(self.data), **self.log_places}
        if self.intake:
            places |= {"ACOPIO_INTAKE": f"http://{self.intake}", "ACOPIO_QUERY": f"http://{self.query}"}
        return {**clean_environment(), **places}

    def cli(self, *arguments, binary_input=None, environment=None, seconds=120):
        """Runs the command line against this server."""
        return subprocess.run([self.binary, *map(str, arguments)], input=binary_input, capture_output=True, timeout=seconds, check=False,
                              env={**self.places(), **(environment or {})})


def clean_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("ACOPIO_")}


class EmbeddedLogs:
    """Each server's event log is a file in its directory."""

    def new(self, binary):  # pylint: disable=unused-argument
        return {}


class PulsarLogs:
    """Each server's event log is a namespace of its own in one broker, as `acopio log init` makes it."""

    def __init__(self, broker):
        self.broker = broker
        self.run = f"{random.SystemRandom().randrange(16**8):08x}"  # a broker may have seen an earlier run
        self.count, self.lock = 0, threading.Lock()

    def new(self, binary):
        with self.lock:
            self.count += 1
            name = f"box-{self.run}-{self.count}"
        places = {"ACOPIO_LOG": f"{self.broker.service}/acopio/{name}", "ACOPIO_LOG_ADMIN": self.broker.admin_address}
        made = subprocess.run([str(binary), "log", "init"], stdin=subprocess.DEVNULL, capture_output=True, timeout=START_SECONDS, check=False,
                              env={**clean_environment(), **places})
        equal(made.returncode, 0, f"exit code of acopio log init ({made.stderr[-600:]!r})")
        return places


class Box:
    """One test's servers and folders, gone afterwards."""

    def __init__(self, binary, logs=EmbeddedLogs()):
        self.logs = logs
        self.binary = Path(binary).resolve()
        self.folder = Path(tempfile.mkdtemp(prefix="acopio-test-"))
        self.servers = []

    def new_server(self, **options):
        folder = self.folder / f"server{len(self.servers)}"
        folder.mkdir()
        self.servers.append(Server(self.binary, folder, log=self.logs.new(self.binary), **options))
        return self.servers[-1]

    def server(self, **options):
        return self.new_server(**options).start()

    def clean_up(self):
        for server in self.servers:
            server.clean_up()
        shutil.rmtree(self.folder, ignore_errors=True)

    def last_words(self):
        """The end of the logs, for a test that failed."""
        return "\n".join(line for server in self.servers for line in server.log().splitlines()[-8:])


def seed_from_environment():
    seed = int(os.environ.get("ACOPIO_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
    print(f"      seed: ACOPIO_SEED={seed}", flush=True)
    return seed


def in_threads(jobs, seconds=600):
    """Runs all jobs at once and gives back their values; the first exception is raised again."""
    values, errors = [None] * len(jobs), []

    def run(index, job):
        try:
            values[index] = job()
        except BaseException as error:  # pylint: disable=broad-except
            errors.append(error)

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
        check(not thread.is_alive(), "a client thread did not end")
    if errors:
        raise errors[0]
    return values


MODALITIES = ["CT", "MR", "CR", "US", "DX"]
BODY_PARTS = ["CHEST", "HEAD", "ABDOMEN", "KNEE"]
CODES = ["J18.9", "I10", "R91.1", "S83.511A"]


def a_record(number, **changes):
    """A good record, always the same for the same number."""
    today = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    record = {
        "record_id": f"R-{number}",
        "patient_id": f"P{number % 997:05d}",
        "image": f"1.2.826.0.1.3680043.8.498.{1000000 + number}",
        "diagnosis": "Pneumonia, unspecified organism",
        "code": CODES[number % len(CODES)],
        "diagnosis_date": today,
        "study_date": today,
        "report_date": today,
        "body_part": BODY_PARTS[number % len(BODY_PARTS)],
        "modality": MODALITIES[number % len(MODALITIES)],
        "age": 20 + number % 60,
        "sex": "F" if number % 2 else "M",
        "ethnicity": "not stated",
        "symptoms": "cough and fever for four days",
        "clinical_history": "hypertension, treated",
        "findings": f"Opacity in the right lower lobe of {10 + number % 40} mm.",
        "impression": "Consolidation in the right lower lobe.",
        "recommendation": "Control in six weeks.",
        "indication": "Suspected pneumonia",
        "technique": "Two projections",
        "report": f"Study {number}: opacity in the right lower lobe, no pleural effusion.",
        "no_finding": 0,
        "normal": 0,
        "abnormal": 1,
        "manufacturer": "Siemens",
    }
    record.update(changes)
    return {name: value for name, value in record.items() if value is not None}


OWN_MEMBERS = ["data_id", "data_center_id", "version", "score", "grade", "received_at", "collected_at", "retracted",
               "age_years", "sex_normal", "modality_normal", "body_part_normal", "study_day"]


def fields_of(row):
    """What the sender wrote, out of a row of /data."""
    return {name: value for name, value in row.items() if name not in OWN_MEMBERS}
