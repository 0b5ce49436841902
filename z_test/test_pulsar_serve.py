"""`acopio serve` with its event log in Pulsar: what other clients read there, wrong policies, tokens, TLS, brokers that go away."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pulsar_broker
from harness import ROOT, Client, Gone, PulsarLogs, a_record, check, equal, in_threads, wait_until
from pulsar_broker import Broker, tls_folder, token, token_key

TOPICS = ("raw-data", "collected-data", "data-centers")


def on_pulsar(box):
    """Every server of the box has its log in the shared broker."""
    broker = pulsar_broker.shared()
    box.logs = PulsarLogs(broker)
    return broker


def namespace_of(server):
    return "/".join(server.log_places["ACOPIO_LOG"].split("/")[-2:])


def cli(box, *arguments, seconds=120, **environment):
    """The command line without a server: (exit code, output, errors)."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ACOPIO_")}
    done = subprocess.run([str(box.binary), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds,
                          check=False, env={**clean, **environment})
    return done.returncode, done.stdout, done.stderr


def serve_refused(box, data, **environment):
    """What `serve` says that does not start."""
    code, _, errors = cli(box, "serve", "--data", data, "--intake", "127.0.0.1:0", "--query", "127.0.0.1:0", seconds=60, **environment)
    check(code not in (0, 2), f"exit code {code}: {errors[-300:]}")
    return errors


def tables_of_events():
    """Of docs/EVENTS.md: {ce_type: the names of its attributes}."""
    page, types = (ROOT / "docs" / "EVENTS.md").read_text(encoding="utf-8"), {}

    def names(text):
        return set(re.findall(r"`([a-z_]+)`", re.sub(r"\([^)]*\)", "", text)))

    for topic in TOPICS:
        section = page.split(f"\n## {topic}\n")[1].split("\n## ")[0]
        everything = set().union(*map(names, re.findall(r"^\| (`(?!ce_)[a-z_`, ]+) \|", section, re.M)))
        for kind, cells in re.findall(r"^\| `(acopio\.[^`]+)` \|(.*)\|$", section, re.M):
            cells = cells.split("|")
            if topic == "data-centers":
                types[kind] = names(cells[0]) | {"time", "sequence"}
            else:
                types[kind] = everything if "all below" in cells[1] else names(cells[1])
    return types


def everything_in(client, topic):
    import pulsar  # pylint: disable=import-outside-toplevel
    reader = client.create_reader(topic, pulsar.MessageId.earliest)
    messages = []
    while reader.has_message_available():
        messages.append(reader.read_next(30_000))
    reader.close()
    return messages


def a_day(server):
    """A bit of everything: every type of event is in the log afterwards, but for a grade that nobody can be sure of."""
    key = server.add_center("st-mary", "St Mary")
    centre = server.as_center(key)
    centre.send_lines([a_record(n) for n in range(60)] + [a_record(500, report="Tel. +34 600 123 456, jane@example.org")])
    centre.send(a_record(1, report="Clear."))
    equal(centre.retract("R-2").status, 202, "taking back")
    operator = server.as_operator()
    spare = server.add_key("st-mary")["key_id"]
    equal(operator.request("DELETE", f"/data-centers/st-mary/keys/{spare}").status, 204, "revoking")
    equal(operator.request("PUT", "/data-centers/st-mary/mapping", json.dumps({"Edad": "age"}), "application/json").status, 200, "mapping")
    equal(operator.post("/data-centers/st-mary/suspend", {"reason": "asked to stop"}).status, 200, "suspending")
    equal(operator.post("/data-centers/st-mary/resume").status, 200, "resuming")
    server.wait_for_records(59)
    server.wait_for_records(60, include_retracted="true")
    return key


def test_events_as_documented(box):
    """the official client reads every event as docs/EVENTS.md describes it, and the reader in ten lines of that page works"""
    broker = on_pulsar(box)
    server = box.server()
    a_day(server)
    described, seen = tables_of_events(), set()
    client = broker.official_client()
    rows = {row["data_id"]: row for row in server.as_reader().all_data(include_retracted="true")}

    def collected():
        return everything_in(client, f"{namespace_of(server)}/collected-data")

    wait_until(lambda: len(collected()) == 62, "all of it is in collected-data")
    for topic in TOPICS:
        messages, ids, sequences = everything_in(client, f"{namespace_of(server)}/{topic}"), set(), []
        check(messages, f"{topic} is empty")
        for message in messages:
            facts = message.properties()
            kind = facts["ce_type"]
            seen.add(kind)
            equal((facts["ce_specversion"], facts["ce_source"], facts["content-type"]), ("1.0", f"acopio/{topic}", "application/json"), kind)
            names = {name for name in facts if not name.startswith("ce_") and name != "content-type"}
            equal(names, described[kind], f"attributes of {kind}")
            check(re.fullmatch(r".+:\d+", facts["ce_id"]) and facts["ce_id"] not in ids, f"ce_id {facts['ce_id']}")
            ids.add(facts["ce_id"])
            check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", facts["time"]), f"time {facts['time']}")
            data = json.loads(message.data())
            if kind.endswith(("received.v1", "quarantined.v1", "collected.v1", "amended.v1")):
                equal(data["record_id"], facts["record"], f"the record of a {kind}")
            elif "mapping" in kind:
                equal(data, {"Edad": "age"}, "the mapping")
            else:
                equal(data, {}, f"data of {kind}")
            if topic == "data-centers":
                equal(message.partition_key(), "st-mary", "key")
            elif topic == "collected-data":
                row = rows[message.partition_key()]
                equal((row["record_id"], row["data_center_id"]), (facts["record"], facts["data_center"]), "the row of an event")
            if "sequence" in facts:
                sequences.append(int(facts["sequence"]))
        equal(sequences, list(range(1, len(sequences) + 1)), f"sequences of {topic}")
    client.close()
    equal(set(described) - seen - {"acopio.data-centers.classified.v1"}, set(), "events that nobody saw")

    page = (ROOT / "docs" / "EVENTS.md").read_text(encoding="utf-8")
    program, = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    equal(len(program.splitlines()), 10, "lines of the reader")
    for usual, ours in (("pulsar://127.0.0.1:6650", broker.service), ("acopio/collection", namespace_of(server))):
        check(usual in program, f"the reader names {usual}")
        program = program.replace(usual, ours)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    equal(done.returncode, 0, f"exit code of the reader ({done.stderr[-600:]})")
    lines = [line.split() for line in done.stdout.splitlines() if re.match(r"\d+ [0-9a-f]{32} ", line)]
    equal([int(line[0]) for line in lines], list(range(1, 63)), "sequences that it printed")
    for data_id in {line[1] for line in lines}:
        last = [line for line in lines if line[1] == data_id][-1]
        equal((int(last[2]), last[3] == "retracted"), (rows[data_id]["version"], rows[data_id].get("retracted", False)), f"what became of {last[5]}")


def test_wrong_policies(box):
    """serve refuses a log that is not made, whose policies are wrong, or whose topics have several partitions, and says what to do; log init mends it"""
    broker = on_pulsar(box)
    server = box.new_server()
    name = namespace_of(server)
    text = serve_refused(box, server.data, **{**server.log_places, "ACOPIO_LOG": broker.service + "/acopio/not-made"})
    for words in ("acopio/not-made", "missing: the namespace", "`acopio log init`"):
        check(words in text, f"the sentence has {words!r}: {text[-400:]}")
    broker.ask("POST", f"/namespaces/{name}/retention", {"retentionTimeInMinutes": 60, "retentionSizeInMB": 100})
    broker.ask("POST", f"/namespaces/{name}/messageTTL", 3600)
    text = serve_refused(box, server.data, **server.log_places)
    for words in ("retention: 60 minutes and 100 MB, should be -1 minutes and -1 MB", "message TTL: 3600, should be 0", "`acopio log init`"):
        check(words in text, f"the sentence has {words!r}: {text[-400:]}")
    code, out, _ = cli(box, "log", "check", "--json", **server.log_places)
    equal((code, {fact["what"] for fact in json.loads(out)["facts"] if not fact["good"]}), (1, {"retention", "message TTL"}), "log check")
    code, out, errors = cli(box, "log", "init", **server.log_places)
    equal(code, 0, f"log init ({errors[-300:]})")
    check("Set retention" in out or "set retention" in out, f"it says what it set: {out}")
    equal(json.loads(cli(box, "log", "init", "--json", **server.log_places)[1])["done"], [], "what a second one does")
    server.start()
    equal(server.stop(), 0, "exit code")
    several = {**server.log_places, "ACOPIO_LOG": broker.service + f"/acopio/several-{box.logs.run}"}
    equal(cli(box, "log", "init", "--partitions", 3, **several)[0], 0, "log init with 3 partitions")
    code, out, errors = cli(box, "log", "init", **several)
    equal((code, out), (1, ""), "log init with another number")
    check("raw-data: 3 partitions, should be 1 partition" in errors and "Choose another namespace" in errors, f"what to do: {errors[-400:]}")
    text = serve_refused(box, box.folder / "several", **several)
    for words in ("raw-data has 3 partitions", "--partitions 1"):
        check(words in text, f"the sentence has {words!r}: {text[-400:]}")


def test_one_directory_one_log(box):
    """a directory is not served twice at once, nor with another log than before, whichever of them is a file"""
    broker = on_pulsar(box)
    server = box.server()
    server.as_center(server.add_center("st-mary")).send(a_record(1))
    server.wait_for_records(1)
    text = serve_refused(box, server.data, **server.log_places)
    check("another acopio process uses this data directory" in text, text[-300:])
    check("another acopio process" in cli(box, "rebuild", "--data", server.data, **server.log_places)[2], "rebuild while it is served")
    equal(server.stop(), 0, "exit code")
    other = {**server.log_places, "ACOPIO_LOG": broker.service + f"/acopio/other-{box.logs.run}"}
    equal(cli(box, "log", "init", **other)[0], 0, "log init")
    text = serve_refused(box, server.data, **other)
    for words in (f"they were made with {namespace_of(server)} at {broker.service}", "--log"):
        check(words in text, f"the sentence has {words!r}: {text[-400:]}")
    text = serve_refused(box, server.data)
    check("Name it with --log" in text, f"without --log: {text[-400:]}")
    check(not (server.data / "log.db").exists(), "a refusal left a log.db")
    (server.data / "log.json").unlink()  # as of a directory that was copied in part: the databases know their log
    text = serve_refused(box, server.data, **other)
    for words in (other["ACOPIO_LOG"].rsplit("/", 1)[1], "db_command.db", "name the right one with --log"):
        check(words in text, f"the sentence has {words!r}: {text[-400:]}")
    embedded = box.folder / "embedded"
    box.logs.new = lambda binary: {}
    first = box.new_server()
    first.data = embedded
    first.start()
    equal(first.stop(), 0, "exit code")
    text = serve_refused(box, embedded, **other)
    for words in ("log.db", "Start without --log"):
        check(words in text, f"the sentence has {words!r}: {text[-400:]}")


def test_tokens_and_tls(box):
    """with tokens and TLS: the right ones do, a stranger's token and an unknown authority are refused with what to do"""
    key, tls = token_key(box.folder / "key"), tls_folder(box.folder / "tls")
    with Broker(box.folder / "pulsar", "--token-key", key, "--tls-dir", tls) as broker:
        files = {}
        for who, text in (("admin", broker.admin_token), ("stranger", token(key, "stranger"))):
            files[who] = box.folder / f"{who}.token"
            files[who].write_text(text + "\n")
        places = {"ACOPIO_LOG": broker.tls_service, "ACOPIO_LOG_ADMIN": broker.admin_address, "ACOPIO_LOG_CA_FILE": str(tls / "ca.pem"),
                  "ACOPIO_LOG_TOKEN_FILE": str(files["admin"])}
        code, _, errors = cli(box, "log", "check", **{**places, "ACOPIO_LOG_TOKEN_FILE": str(files["stranger"])})
        equal(code, 4, f"log check as a stranger ({errors[-300:]})")
        check("--log-token-file" in errors, f"what to do: {errors[-300:]}")
        equal(cli(box, "log", "init", **places)[0], 0, "log init")
        text = serve_refused(box, box.folder / "data", **{**places, "ACOPIO_LOG_TOKEN_FILE": str(files["stranger"])})
        check("--log-token-file" in text, f"what to do: {text[-300:]}")
        server = box.new_server()
        server.log_places = places
        server.environment = places
        server.start()
        server.as_center(server.add_center("st-mary")).send_lines(a_record(n) for n in range(30))
        server.wait_for_records(30)
        equal(server.stop(), 0, "exit code")


def test_a_broker_that_goes_away(box):
    """a broker that is killed and comes back loses nothing that was acknowledged, and the server goes on by itself; without one it does not start, and says so"""
    with Broker(box.folder / "pulsar") as broker:
        box.logs = PulsarLogs(broker)
        server = box.server()
        centre = server.as_center(server.add_center("st-mary"))
        centre.send_lines(a_record(n) for n in range(100))
        broker.kill()
        refused = wait_until(lambda: (answer := centre.send(a_record(1000))).status >= 500 and answer, "a send without a broker fails", 60)
        equal(refused.status, 503, f"its status ({refused.body[:200]!r})")
        wait_until(lambda: not server.is_ready(server.intake), "it is not ready", 30)
        text = serve_refused(box, box.folder / "other", **server.log_places)
        check("Pulsar's admin interface" in text and "--log-admin" in text, f"what it says: {text[-300:]}")
        check(not (box.folder / "other").exists(), "a failed first start leaves nothing")
        broker.restart()
        wait_until(lambda: server.is_ready(server.intake), "it is ready again", 60)
        wait_until(lambda: centre.send(a_record(1000)).status in (200, 202), "sending again", 60)
        centre.send_lines(a_record(n) for n in range(100, 200))
        server.wait_for_records(201)
        server.restart()
        server.wait_for_records(201)


def test_a_sender_and_a_kill(box):
    """send tries again when the server is killed in the middle of a file: all of it is there, once"""
    on_pulsar(box)
    server, count = box.server(), 60_000
    server.keeps_ports = True
    key = box.folder / "key"
    key.write_text(server.add_center("st-mary") + "\n")
    key.chmod(0o600)
    file = box.folder / "records.ndjson"
    file.write_text("".join(json.dumps(a_record(n)) + "\n" for n in range(count)))
    reader = server.as_reader()
    with subprocess.Popen([server.binary, "send", file, "--center", "st-mary", "--key-file", key, "--json"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=server.places()) as sender:
        wait_until(lambda: reader.count() > 0, "the first records are there")
        server.kill()
        check(sender.poll() is None, "it was still sending")
        server.start()
        output, errors = sender.communicate(timeout=120)
    equal(sender.returncode, 0, f"exit code ({errors[-400:]!r})")
    found = json.loads(output)["files"][0]
    equal((found["accepted"] + found["duplicate"], found["refused"]), (count, 0), "totals")
    check(found["attempts"] > 1, f"attempts: {found['attempts']}")
    server.wait_for_records(count, 240)  # projections yield to all else on a busy machine


def test_without_its_broker(box):
    """without its broker a server answers /ready and /metrics of both ports within two seconds, and /ready says that it is the log"""
    with Broker(box.folder / "pulsar") as broker:
        box.logs = PulsarLogs(broker)
        server = box.server()
        server.as_center(server.add_center("st-mary")).send_lines(a_record(n) for n in range(100))
        server.wait_for_records(100)
        broker.kill()

        def ask(address, path):
            client, end, statuses = Client(address), time.monotonic() + 20, []
            while (begin := time.monotonic()) < end:
                statuses.append(client.get(path).status)
                took = time.monotonic() - begin
                check(took < 2, f"{path} took {took:.1f} s")
            client.close()
            return statuses

        ready, _, *metrics = in_threads([lambda address=address, path=path: ask(address, path) for path in ("/ready", "/metrics")
                                         for address in (server.intake, server.query)])
        equal(ready[-1], 503, "the intake's /ready")
        for statuses in metrics:
            equal(set(statuses), {200}, "/metrics")
        answer = Client(server.intake).get("/ready")
        check("log cannot be written" in answer.json["detail"], f"the reason: {answer.body[:400]!r}")
        broker.restart()
        wait_until(lambda: server.is_ready(server.intake) and server.is_ready(server.query), "both are ready again", 60)


def test_stop_without_its_broker(box):
    """SIGTERM ends a server without its broker within 15 seconds: idle, and with senders that wait for it"""
    with Broker(box.folder / "pulsar") as broker:
        box.logs = PulsarLogs(broker)

        def stop(server, what):
            begin = time.monotonic()
            try:
                equal(server.stop(15), 0, f"exit code, {what}")
            except subprocess.TimeoutExpired as error:
                raise AssertionError(f"{what}: it runs on 15 s after SIGTERM") from error
            print(f"      {what}: {time.monotonic() - begin:.1f} s", flush=True)

        server = box.server()
        server.as_center(server.add_center("st-mary")).send(a_record(1))
        server.wait_for_records(1)
        broker.kill()
        wait_until(lambda: not server.is_ready(server.intake), "it is not ready", 30)
        stop(server, "idle")
        for seen in (False, True):
            broker.restart()
            server.start()
            key, ended = server.add_key("st-mary")["key"], []

            def sender(number):
                client, sent = server.as_center(key), 0
                try:
                    while not ended:
                        client.send([a_record(number * 1_000_000 + sent + n) for n in range(50)])
                        sent += 50
                except Gone:
                    pass

            def stopper():
                count = server.as_reader().count()
                wait_until(lambda: server.as_reader().count() > count, "records come")
                broker.kill()
                if seen:
                    wait_until(lambda: not server.is_ready(server.intake), "it is not ready", 30)
                try:
                    stop(server, "under load, " + ("the broker is known to be gone" if seen else "right after the kill"))
                finally:
                    ended.append(True)

            in_threads([stopper, *(lambda number=number: sender(number + 4 * seen) for number in range(1, 5))])
        broker.restart()
        server.start()


def test_stop_while_starting(box):
    """Ctrl-C ends a start that waits for Pulsar within 5 seconds, whether its port is closed or never answers"""
    on_pulsar(box)
    # What the shell of a background job ignores, the server ignores, too.
    number = signal.SIGINT if signal.getsignal(signal.SIGINT) != signal.SIG_IGN else signal.SIGTERM
    for listens in (False, True):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            if listens:
                silent.listen()
            server = box.new_server()
            server.environment["ACOPIO_LOG"] = f"pulsar://127.0.0.1:{silent.getsockname()[1]}/{namespace_of(server)}"
            server.spawn()
            wait_until((server.data / "db_access.db").exists, "it has begun")
            begun = time.monotonic()
            wait_until(lambda at=begun + 1: time.monotonic() > at, "it waits")
            equal(server.process.poll(), None, f"exit code before ({server.log()[-300:]})")
            server.process.send_signal(number)
            try:
                equal(server.process.wait(5), 0, f"exit code ({server.log()[-300:]})")
            except subprocess.TimeoutExpired as error:
                raise AssertionError(f"it runs on 5 s after Ctrl-C, the port {'is silent' if listens else 'is closed'}") from error
            check("Stopped while starting." in (server.folder / "stdout.log").read_text(), "what it says")


def test_two_servers_on_one_log(box):
    """a second server on the same log is refused, with a directory of its own, and is told what to do; the first goes on"""
    on_pulsar(box)
    server = box.server()
    centre = server.as_center(server.add_center("st-mary"))
    centre.send(a_record(1))
    server.wait_for_records(1)
    text = serve_refused(box, box.folder / "second", **server.log_places)
    for words in (namespace_of(server), "another acopio serves this log", "one server a log"):
        check(words in text, f"the sentence has {words!r}: {text[-400:]}")
    wait_until(lambda: server.is_ready(server.intake), "the first is ready")
    centre.send(a_record(2))
    server.wait_for_records(2)
