"""A real Pulsar broker for tests: started, killed, frozen, restarted on its ports; asked through its REST interface. Gone afterwards in any case.

    with Broker(box.folder / "pulsar") as broker:
        broker.namespace("acopio", "collection", dedup=True)
        broker.topic("acopio/collection/raw-data", 4)
        client = broker.official_client()
"""
import atexit
import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

from harness import ROOT, equal, wait_until

SCRIPT = ROOT / "tools" / "engines" / "pulsar.sh"
START_SECONDS = 150


def script(*arguments, seconds=START_SECONDS):
    """What tools/engines/pulsar.sh says."""
    done = subprocess.run([str(SCRIPT), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          timeout=seconds, check=False)
    if done.returncode != 0:
        raise AssertionError(f"pulsar.sh {arguments[0]}: exit code {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout.strip()


def token_key(file):
    script("token-key", file)
    return file


def token(key, subject, seconds=None):
    """A JSON web token of a key file; it has expired already when the seconds are negative."""
    return script("token", "--token-key", key, "--subject", subject, *(["--seconds", seconds] if seconds is not None else []))


def tls_folder(folder):
    """ca.pem, and NAME.pem with NAME.key for good, wrong-name, expired, unknown-ca, client."""
    script("make-tls", folder)
    return Path(folder)


class Broker:
    """One broker on a folder of its own. The arguments are options of pulsar.sh start."""

    def __init__(self, folder, *arguments):
        self.folder, self.arguments = Path(folder), arguments
        self.process_id = self.settings = None
        atexit.register(self.clean_up)

    def __enter__(self):
        return self if self.process_id else self.start()

    def __exit__(self, *_):
        self.clean_up()

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        ports = [] if "--auto-ports" in self.arguments or "--port" in self.arguments else ["--auto-ports"]
        return self._run("start", *ports, *self.arguments)

    def restart(self):
        """Starts it again on the same ports and data, whether it was killed or still runs."""
        return self._run("restart")

    def _run(self, command, *arguments):
        script(command, "--data", self.folder, *arguments)
        self.settings = json.loads((self.folder / "pulsar.json").read_text())
        self.process_id = self.settings["pid"]
        return self

    @property
    def service(self):
        return self.settings["service"]

    @property
    def tls_service(self):
        return self.settings["tls_service"]

    @property
    def proxied_service(self):
        """Behind the proxy of --advertised-port: where the proxy connects to."""
        return self.settings["proxied_service"]

    @property
    def admin_address(self):
        return self.settings["admin"]

    @property
    def admin_token(self):
        return self.settings.get("admin_token")

    def stop(self):
        """SIGTERM, and waits."""
        script("stop", "--data", self.folder)
        self.process_id = None

    def kill(self):
        """SIGKILL: no instruction of the broker runs any more."""
        self._signal(signal.SIGKILL)
        wait_until(lambda: not self.runs(), "the broker is gone")
        self.process_id = None

    def freeze(self):
        self._signal(signal.SIGSTOP)

    def thaw(self):
        self._signal(signal.SIGCONT)

    def _signal(self, number):
        os.kill(self.process_id, number)

    def runs(self):
        try:
            command = Path(f"/proc/{self.process_id}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return os.fsencode(self.folder.resolve() / "meta") in command

    def clean_up(self):
        atexit.unregister(self.clean_up)
        if not self.process_id and (self.folder / "broker.pid").exists():  # a start that failed halfway
            with contextlib.suppress(ValueError):
                self.process_id = int((self.folder / "broker.pid").read_text())
        if self.process_id and self.runs():
            with contextlib.suppress(ProcessLookupError):
                self.kill()
        self.process_id = None

    def log(self):
        file = self.folder / "log" / "broker.out"
        return file.read_text(errors="replace") if file.exists() else ""

    # ---- administration through REST

    def admin(self, method, path, value=None, seconds=30):
        """(status, what was answered: a JSON value, a text, or None). The path begins behind /admin/v2."""
        host, port = self.admin_address.removeprefix("http://").rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=seconds)
        headers = {"Content-Type": "application/json"}
        if self.admin_token:
            headers["Authorization"] = f"Bearer {self.admin_token}"
        try:
            connection.request(method, "/admin/v2" + path, json.dumps(value) if value is not None else None, headers)
            answer = connection.getresponse()
            body = answer.read().decode()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(body) if body else None
        except ValueError:
            return answer.status, body

    def ask(self, method, path, value=None):
        """As admin(), but must succeed: the answer."""
        status, answer = self.admin(method, path, value)
        if status // 100 != 2:
            raise AssertionError(f"{method} {path}: {status} {str(answer)[:500]}")
        return answer

    def make(self, path, value=None):
        """PUT; it may be there already."""
        status, answer = self.admin("PUT", path, value)
        if status not in (204, 409):
            raise AssertionError(f"PUT {path}: {status} {str(answer)[:500]}")

    def namespace(self, tenant, name, *, retention_minutes=-1, retention_mb=-1, dedup=True):
        """Makes tenant and namespace. For ever is -1 in both; 0 in either keeps nothing that was acknowledged."""
        self.make(f"/tenants/{tenant}", {"allowedClusters": ["standalone"]})
        self.make(f"/namespaces/{tenant}/{name}")
        place = f"/namespaces/{tenant}/{name}"
        self.ask("POST", place + "/retention", {"retentionTimeInMinutes": retention_minutes, "retentionSizeInMB": retention_mb})
        self.ask("POST", place + "/deduplication", dedup)
        return f"{tenant}/{name}"

    def policies(self, namespace):
        return self.ask("GET", f"/namespaces/{namespace}")

    def topic(self, name, partitions=0):
        """Makes "tenant/namespace/topic"; 0 partitions is a topic without any. Gives back its full name."""
        if partitions:
            self.make(f"/persistent/{name}/partitions", partitions)
        else:
            self.make(f"/persistent/{name}")
        return f"persistent://{name}"

    def stats(self, name, partitioned=False):
        return self.ask("GET", f"/persistent/{name}/" + ("partitioned-stats" if partitioned else "stats"))

    def unload(self, namespace):
        """Closes every topic of the namespace: clients get CLOSE_PRODUCER and CLOSE_CONSUMER and must come back."""
        self.ask("PUT", f"/namespaces/{namespace}/unload")

    # ---- the official client

    def official_client(self, service=None, **options):
        """A client of the official Python library, which writes its log beside the broker's."""
        import pulsar  # pylint: disable=import-outside-toplevel
        if self.admin_token and "authentication" not in options:
            options["authentication"] = pulsar.AuthenticationToken(self.admin_token)
        options.setdefault("logger", pulsar.FileLogger(pulsar.LoggerLevel.Info, str(self.folder / "log" / "python-client.log")))
        return pulsar.Client(service or self.service, **options)


_shared, _lock = [], threading.Lock()


class _Running(Broker):
    """A broker that somebody else started and stops."""

    def __init__(self, service, admin):
        super().__init__(Path(tempfile.mkdtemp(prefix="acopio-pulsar-")))
        (self.folder / "log").mkdir()
        self.settings = {"service": service, "admin": admin}

    def start(self):
        return self

    def clean_up(self):
        atexit.unregister(self.clean_up)
        shutil.rmtree(self.folder, ignore_errors=True)


def shared():
    """The broker that the step `engines` started (ACOPIO_PULSAR_SERVICE, ACOPIO_PULSAR_ADMIN), or one for the rest of this process.

    Tests that stop or kill a broker start one of their own.
    """
    with _lock:
        if not _shared:
            service, admin = os.environ.get("ACOPIO_PULSAR_SERVICE"), os.environ.get("ACOPIO_PULSAR_ADMIN")
            if service and admin:
                _shared.append(_Running(service, admin))
            else:
                folder = Path(tempfile.mkdtemp(prefix="acopio-pulsar-"))
                atexit.register(shutil.rmtree, folder, ignore_errors=True)
                _shared.append(Broker(folder / "pulsar").start())
            equal(_shared[0].admin("GET", "/brokers/health"), (200, "ok"), "health of the broker")
        return _shared[0]
