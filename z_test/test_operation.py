"""Running it: starting, stopping, ports, directories, metrics, logs, receipts, pages, a full disk."""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import threading

from harness import Cannot, Client, Gone, Skip, a_record, check, equal, in_threads, stream, wait_until

METRIC = re.compile(r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_][a-zA-Z0-9_]*="(\\.|[^"\\])*",?)*\})? (-?[0-9.eE+-]+|NaN|[+-]Inf)( \d+)?$')


def with_records(box, count, **options):
    server = box.server(**options)
    key = server.add_center("st-mary")
    items, totals = server.as_center(key).send_lines(a_record(n) for n in range(count))
    equal(totals["accepted"], count, "accepted")
    server.wait_for_records(count)
    return server, key, items


def test_sigterm_drains(box):
    """SIGTERM lets a request in flight end, exits 0, and the next start finds everything"""
    server, key, _ = with_records(box, 300)
    lines, signalled = [], threading.Event()

    def slow_lines():
        yield b"".join(json.dumps(a_record(n)).encode() + b"\n" for n in range(300, 310))
        wait_until(signalled.is_set, "SIGTERM was seen")
        yield json.dumps(a_record(310)).encode() + b"\n"

    def send():
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
        equal(stream(server.intake, "/raw-data", headers, slow_lines(), lines.append), 200, "status of the stream")

    def closed():
        """The port takes nobody any more: the signal was seen."""
        try:
            Client(server.intake, seconds=5).get("/health")
            return False
        except Gone:
            return True

    def stop():
        wait_until(lambda: len(lines) >= 10, "the first lines are answered")
        server.process.send_signal(signal.SIGTERM)
        wait_until(closed, "new connections are refused")
        equal(server.process.poll(), None, "exit code while a request is in flight")
        signalled.set()
        return server.process.wait(40)

    _, code = in_threads([send, stop])
    equal(code, 0, "exit code after SIGTERM")
    check(not (server.data / "addresses.json").exists(), "addresses.json is removed")
    *items, totals = [json.loads(line) for line in lines]
    equal([(item["record_id"], item["status"]) for item in items], [(f"R-{n}", "accepted") for n in range(300, 311)], "answers")
    equal((totals["done"], totals["accepted"]), (True, 11), "the end of the answer")
    server.start()
    server.wait_for_records(311)


def test_a_sender_that_pauses(box):
    """a sender that pauses in the middle of a stream has the answers to what it sent"""
    server = box.server()
    headers = {"Authorization": f"Bearer {server.add_center('st-mary')}", "Content-Type": "application/x-ndjson"}
    lines, answered = [], []

    def chunks():
        for number in range(3):
            yield json.dumps(a_record(number)).encode() + b"\n"
            wait_until(lambda n=number: len(lines) > n, "the line is answered before the next is sent", 10)
            answered.append(number)

    stream(server.intake, "/raw-data", headers, chunks(), lines.append)
    equal(answered, [0, 1, 2], "lines that were answered at once")


def test_a_taken_port_and_directory(box):
    """a taken port, a second process on the directory and a file in its place end with a clear sentence"""
    server = box.server()
    for side in ("intake", "query"):
        other = box.folder / f"other-{side}"
        addresses = {"intake": "127.0.0.1:0", "query": "127.0.0.1:0", side: getattr(server, side)}
        done = server.cli("serve", "--data", other, "--intake", addresses["intake"], "--query", addresses["query"], seconds=30)
        text = done.stderr.decode()
        check(done.returncode not in (0, 2), f"a taken {side} port: exit code {done.returncode}")
        check(f"--{side}" in text, f"the sentence names --{side}: {text[-300:]}")
    done = server.cli("serve", "--data", server.data, "--intake", "127.0.0.1:0", "--query", "127.0.0.1:0", seconds=30)
    check(done.returncode != 0 and b"acopio: " in done.stderr, f"a second process: {done.returncode} {done.stderr[-300:]!r}")
    equal(server.as_reader().get("/data").status, 200, "the first process goes on")
    plain = box.folder / "plain"
    plain.write_text("x")
    done = server.cli("serve", "--data", plain, "--intake", "127.0.0.1:0", "--query", "127.0.0.1:0", seconds=30)
    check(done.returncode != 0 and b"acopio: " in done.stderr, "a file where the directory should be")
    done = server.cli("serve", "--data", box.folder / "wide", "--intake", "0.0.0.0:0", "--query", "127.0.0.1:0", "--open", seconds=30)
    check(done.returncode == 2 and b"--open" in done.stderr, f"--open on an address of others: {done.returncode}")


def test_health_ready_metrics(box):
    """/health and /ready answer, /metrics is Prometheus text that counts, log lines are JSON"""
    server, key, _ = with_records(box, 50)
    server.as_center(key).send(a_record(1))
    server.as_center(key).request("POST", "/raw-data", b"{broken", "application/json")
    for address in (server.intake, server.query):
        for path in ("/health", "/ready"):
            equal(Client(address).get(path).status, 200, path)
        answer = Client(address).get("/metrics")
        check(answer.headers["content-type"].startswith("text/plain"), "content type of /metrics")
        lines = answer.body.decode().splitlines()
        check(len(lines) > 10, "there are metrics")
        for line in lines:
            check(line.startswith(("# HELP ", "# TYPE ")) or METRIC.match(line) or not line, f"a line of /metrics: {line[:200]}")
        names = [line.rsplit(" ", 1)[0] for line in lines if line and not line.startswith("#")]
        equal(len(names), len(set(names)), "each series once")
    text = Client(server.intake).get("/metrics").body.decode()
    found = re.search(r'acopio_intake_records_total\{[^}]*status="accepted"[^}]*\} (\S+)', text)
    check(found and float(found[1]) == 50, f"50 accepted records in the metrics: {found and found[0]}")
    server.restart()
    lines = [line for line in server.log().splitlines() if line.strip()]
    json_lines = [line for line in lines if line.startswith("{")]
    check(json_lines, "there are log lines")
    for line in lines:
        if line.startswith("{"):
            check(isinstance(json.loads(line), dict), "a log line is a JSON object")
        else:
            check(line.startswith("acopio: "), f"a line of stderr is JSON or a sentence of acopio: {line[:200]}")


def test_receipts(box):
    """a receipt goes from received to queryable with times in order; a quarantined record's says so; an unknown one is 404"""
    server = box.server()
    key = server.add_center("st-mary")
    client, reader = server.as_center(key), server.as_reader()
    sent = client.send(a_record(1)).json
    seen = []

    def queryable():
        answer = reader.get(f"/receipts/{sent['receipt_id']}")
        if answer.status == 200:
            seen.append(answer.json)
        return bool(seen) and seen[-1]["status"] == "queryable"

    wait_until(queryable, "the receipt is queryable")
    check({one["status"] for one in seen} <= {"received", "queryable"}, f"states {[one['status'] for one in seen]}")
    last = seen[-1]
    check(last["received_at"] <= last["collected_at"] <= last["queryable_at"], f"times in order: {last}")
    equal((last["data_id"], last["record_id"], last["data_center_id"]), (sent["data_id"], "R-1", "st-mary"), "the receipt")
    equal(client.send(a_record(1)).json["receipt_id"], sent["receipt_id"], "a retry gives the same receipt")
    private = client.send(a_record(2, report="Patient: john.doe@example.org, tel. +34 600 123 456")).json
    equal(private["status"], "quarantined", "a record with an e-mail address")
    receipt = server.wait_for_receipt(private["receipt_id"], "quarantined")
    equal(receipt["queryable_at"], None, "it is not queryable")
    equal(reader.get(f"/data/{private['data_id']}").status, 404, "quarantined data")
    # The desk and the receipt are rows of two services, which read the log each at its own pace.
    wait_until(lambda: [row["record_id"] for row in server.quarantine("st-mary")] == ["R-2"], "the quarantine desk")
    mended = client.send(a_record(2)).json
    equal(mended["status"], "accepted", "the mended record")
    server.wait_for_receipt(mended["receipt_id"])
    wait_until(lambda: server.quarantine("st-mary") == [], "the quarantine desk is empty again")
    equal(reader.get("/receipts/" + "0" * 32).status, 404, "an unknown receipt")


def test_life_of_a_record(box):
    """a record is amended, taken back and sent again, and its history tells it"""
    server = box.server()
    client, reader = server.as_center(server.add_center("st-mary")), server.as_reader()
    data_id = client.send(a_record(1)).json["data_id"]
    equal(client.send(a_record(1, report="other")).status, 202, "amending")
    wait_until(lambda: reader.get(f"/data/{data_id}").status == 200 and reader.get(f"/data/{data_id}").json["version"] == 2, "version 2")
    equal(reader.get(f"/data/{data_id}").json["report"], "other", "the amended field")
    answer = client.retract("R-1")
    equal((answer.status, answer.json), (202, {"status": "retracted", "data_id": data_id}), "taking back")
    equal(client.retract("R-1").status, 404, "taking back twice")
    wait_until(lambda: reader.get(f"/data/{data_id}").status == 410, "it is gone")
    equal(reader.get(f"/data/{data_id}").code, "data-retracted", "code of 410")
    equal([reader.count(), reader.count(include_retracted="true")], [0, 1], "counts")
    equal(client.send(a_record(1)).json["status"], "accepted", "sending it again")
    wait_until(lambda: reader.get(f"/data/{data_id}").status == 200, "it is back")
    history = reader.get(f"/data/{data_id}/history").json["history"]
    equal([h["event"] for h in history], ["collected", "amended", "retracted", "collected"], "history")
    equal([h["version"] for h in history], [1, 2, 3, 4], "versions")


def test_cursors_survive_inserts(box):
    """pages neither lose nor repeat a row while records come in"""
    server, key, _ = with_records(box, 500)
    for sort in ("collected", "-collected", "age", "-age", "score", "study_date"):
        reader, writer = server.as_reader(), server.as_center(key)
        old = {row["record_id"] for row in reader.all_data()}
        seen, cursor, number = [], {}, 0
        while True:
            page = reader.get("/data", limit=37, sort=sort, **cursor).json
            seen += [row["record_id"] for row in page["data"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
            writer.send_lines([a_record(n, record_id=f"{sort}-{number}-{n}") for n in range(5)])
            number += 1
        equal(len(seen), len(set(seen)), f"sorted by {sort}: a row twice")
        check(old <= set(seen), f"sorted by {sort}: {len(old - set(seen))} rows are missing")
        wait_until(lambda n=len(old) + 5 * number: server.as_reader().count() == n, "the new ones are visible")


def test_filters(box):
    """each filter gives the rows that a plain scan gives"""
    count = 400
    server, _, _ = with_records(box, count)
    reader = server.as_reader()
    rows = [a_record(n) for n in range(count)]
    today = rows[0]["study_date"]
    questions = [
        ({"modality": "CT"}, lambda r: r["modality"] == "CT"),
        ({"modality": "cr", "body_part": "abdomen"}, lambda r: r["modality"] == "CR" and r["body_part"] == "ABDOMEN"),
        ({"sex": "F"}, lambda r: r["sex"] == "F"),
        ({"age_min": 40, "age_max": 50}, lambda r: 40 <= r["age"] <= 50),
        ({"record_id": "R-7"}, lambda r: r["record_id"] == "R-7"),
        ({"patient_id": "P00012"}, lambda r: r["patient_id"] == "P00012"),
        ({"code": "J18.9"}, lambda r: r["code"] == "J18.9"),
        ({"code_prefix": "J1"}, lambda r: r["code"].startswith("J1")),
        ({"label": "abnormal"}, lambda r: True),
        ({"label": ["abnormal", "normal"]}, lambda r: False),
        ({"study_date_from": today}, lambda r: True),
        ({"study_date_to": "2020-01-01"}, lambda r: False),
        ({"interface": "ndjson"}, lambda r: True),
        ({"interface": "csv"}, lambda r: False),
        ({"received_from": "2020-01-01T00:00:00Z", "received_to": "2020-01-02T00:00:00Z"}, lambda r: False),
        ({"data_center_id": "st-mary", "sex": "M", "age_min": 30, "modality": "MR"},
         lambda r: r["sex"] == "M" and r["age"] >= 30 and r["modality"] == "MR"),
        ({"data_center_id": "nobody"}, lambda r: False),
    ]
    for filters, right in questions:
        wanted = sorted(r["record_id"] for r in rows if right(r))
        equal(sorted(r["record_id"] for r in reader.all_data(limit=50, **filters)), wanted, f"rows of {filters}")
        equal(reader.count(**filters), len(wanted), f"count of {filters}")
    answer = reader.get("/data", modalitty="CT")
    equal((answer.status, answer.code), (400, "filter-unknown"), "an unknown filter")
    for name in ("modality", "data_center_id", "cursor", "study_date_from"):
        check(name in answer.json["expected"], f"the problem names {name}")
    for wrong in ({"limit": 0}, {"limit": 1001}, {"age_min": "old"}, {"sort": "nonsense"}, {"study_date_from": "yesterday"}, {"min_grade": "F"},
                  {"sex": ["M", "F"]}):
        equal(reader.get("/data", **wrong).code, "filter-invalid", str(wrong))
    cursor = reader.get("/data", limit=10).json["next"]
    equal(reader.get("/data", cursor=cursor, sex="F").code, "cursor-mismatch", "a cursor of another question")
    equal(reader.get("/data", cursor=cursor[:-1] + ("A" if cursor[-1] != "A" else "B")).code, "cursor-broken", "a changed cursor")


@contextlib.contextmanager
def small_disk(folder, size="24m"):
    """A file system of that size in place of the folder."""
    folder.mkdir()
    if os.geteuid() != 0:
        raise Skip("only root can mount a small file system")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False)
    if done.returncode != 0:
        raise Cannot(f"no small file system can be mounted: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=False)


def fill_up(file):
    """Writes until the disk is full."""
    with open(file, "wb", buffering=0) as out:
        for size in (65536, 4096, 1):
            try:
                while out.write(b"x" * size):
                    pass
            except OSError:
                pass


@contextlib.contextmanager
def full_disk(box):
    """A server whose disk is full: (server, a client, the numbers of the records that were acknowledged, the file to remove for room)."""
    server = box.new_server()
    with small_disk(server.data):
        try:
            server.start()
            client, acknowledged = server.as_center(server.add_center("st-mary")), []
            for number in range(20):
                equal(client.send(a_record(number)).status, 202, "while there is room")
                acknowledged.append(number)
            server.wait_for_records(len(acknowledged))
            ballast = server.data / "ballast"
            fill_up(ballast)
            refused = None
            for number in range(100, 400):
                answer = client.send(a_record(number, report="x" * 20_000))
                if answer.status != 202:
                    refused = answer
                    break
                acknowledged.append(number)
            equal((refused and refused.status, refused and refused.code), (503, "log-write-failed"), "a full disk")
            check("retry-after" in refused.headers, "it says when to come back")
            yield server, client, acknowledged, ballast
        finally:
            server.clean_up()


def test_a_full_disk(box):
    """a full disk gives 503, loses nothing that was acknowledged, and a killed process starts again when there is room"""
    with full_disk(box) as (server, client, acknowledged, ballast):
        ballast.unlink()
        server.kill()
        server.start()
        wanted = {f"R-{n}" for n in acknowledged}
        wait_until(lambda: wanted <= {row["record_id"] for row in server.as_reader().all_data()}, "every acknowledged record is there")
        client = Client(server.intake, client.headers["Authorization"].removeprefix("Bearer "))
        equal(client.send(a_record(5000)).status, 202, "sending when there is room again")


def test_a_full_disk_without_a_restart(box):
    """while the disk is full senders are told to come back and /ready says so; with room again the same process serves on"""
    with full_disk(box) as (server, client, acknowledged, ballast):
        wait_until(lambda: Client(server.intake).get("/ready").status == 503, "/ready says so")
        equal(Client(server.intake).get("/health").status, 200, "the process is up")
        taken_back = client.retract("R-3")
        check(taken_back.status in (202, 503), f"taking back while the disk is full: {taken_back.status}")
        ballast.unlink()
        wait_until(lambda: Client(server.intake).get("/ready").status == 200, "ready again by itself")
        if taken_back.status == 503:
            wait_until(lambda: client.retract("R-3").status == 202, "taking back with room again")
        equal(client.send(a_record(5000)).status, 202, "sending with room again")
        wanted = {f"R-{n}" for n in acknowledged if n != 3} | {"R-5000"}
        wait_until(lambda: wanted <= {row["record_id"] for row in server.as_reader().all_data()}, "every acknowledged record is there", 60)
        check("R-3" not in {row["record_id"] for row in server.as_reader().all_data()}, "what was taken back is gone")


def test_an_older_log_is_refused(box):
    """a log that was put back from an older copy is refused at start, with what to do; the four files of one copy are taken"""
    server, key, _ = with_records(box, 30)
    equal(server.stop(), 0, "exit code")
    copy = box.folder / "copy"
    shutil.copytree(server.data, copy)
    server.start()
    server.as_center(key).send_lines(a_record(n) for n in range(30, 60))
    server.wait_for_records(60)
    equal(server.stop(), 0, "exit code")
    shutil.copy(copy / "log.db", server.data / "log.db")
    done = server.cli("serve", "--data", server.data, "--intake", "127.0.0.1:0", "--query", "127.0.0.1:0", seconds=30)
    text = done.stderr.decode()
    check(done.returncode not in (0, 2), f"exit code {done.returncode}")
    for words in ("log.db", "db_classifier.db", "from one and the same copy"):
        check(words in text, f"the sentence has {words!r}: {text[-400:]}")
    for name in ("log.db", "db_classifier.db", "db_command.db", "db_query.db"):
        shutil.copy(copy / name, server.data / name)
    server.start()
    equal(server.as_reader().count(), 30, "the state of the copy")
    server.as_center(key).send_lines(a_record(n) for n in range(30, 60))
    server.wait_for_records(60)


def test_lost_databases(box):
    """a database that is lost comes back from the log: centres, keys and suspensions, grades, the write side"""
    server, key, _ = with_records(box, 300)
    client, operator = server.as_center(key), server.as_operator()
    server.add_center("st-john")
    equal(operator.post("/data-centers/st-john/suspend", {"reason": "a test"}).status, 200, "suspending")
    equal(client.send(a_record(1, report="amended")).status, 202, "amending")
    equal(client.send(a_record(1)).status, 202, "and back")
    data_id = client.send(a_record(2, report="another")).json["data_id"]
    wait_until(lambda: server.as_reader().get(f"/data/{data_id}").json["version"] == 2, "the amendment")
    wait_until(lambda: server.center("st-mary")["grade"] == "A", "the grade of so few records at once moves up")
    before = server.center("st-mary")
    histories = len(server.as_reader().get(f"/data/{data_id}/history").json["history"])
    for name in ("db_classifier", "db_command"):
        equal(server.stop(), 0, "exit code")
        for file in server.data.glob(f"{name}.db*"):
            file.unlink()
        server.start()
        after = server.center("st-mary")
        equal((after["id"], after.get("grade")), (before["id"], before.get("grade")), f"the centre without {name}")
        equal(server.center("st-john")["suspended"], True, f"the suspension without {name}")
        equal(server.as_center(key).send(a_record(2, report="another")).json["data_id"], data_id, f"the key without {name}")
        number = 1000 + len(name)
        equal(server.as_center(key).send(a_record(number)).status, 202, f"sending without {name}")
        wait_until(lambda n=number: server.as_reader().count(record_id=f"R-{n}") == 1, f"what is new is visible without {name}")
        equal(len(server.as_reader().get(f"/data/{data_id}/history").json["history"]), histories, f"nothing is amended anew without {name}")
        server.add_center(f"new-{name[3:]}")
    server.restart()
    equal(server.as_reader().count(), 302, "records")
    for center in ("new-classifier", "new-command"):
        equal(server.center(center)["id"], center, "a centre that was added after the loss")


def test_a_signal_while_starting(box):
    """SIGTERM ends a start that reads a long log, and the next start goes on"""
    count = 40_000
    server, _, _ = with_records(box, count)
    equal(server.stop(), 0, "exit code")
    for file in server.data.glob("db_classifier.db*"):
        file.unlink()

    def counted():
        try:
            with sqlite3.connect(f"file:{server.data / 'db_classifier.db'}?mode=ro", uri=True) as connection:
                return connection.execute("SELECT COALESCE(SUM(records), 0) FROM feed_hour").fetchone()[0]
        except sqlite3.OperationalError:
            return 0  # not made yet

    server.spawn()
    wait_until(counted, "it reads the log")
    server.process.send_signal(signal.SIGTERM)
    equal(server.process.wait(20), 0, "exit code")
    check((server.folder / "stdout.log").read_text().endswith("Stopped while starting.\n"), "it was still starting")
    check(0 < counted() < count, f"it stopped at {counted()} of {count}")
    server.start()
    wait_until(lambda: counted() == count, "it went on to the end")
    equal(server.as_reader().count(), count, "records")


def test_unknown_paths(box):
    """unknown paths, methods and types get problems that help"""
    server = box.server()
    key = server.add_center("st-mary")
    client = server.as_center(key)
    equal((client.get("/nonsense").status, client.get("/nonsense").code), (404, "no-such-path"), "an unknown path")
    answer = client.request("PUT", "/raw-data", b"{}", "application/json")
    equal(answer.status, 405, "another method")
    check("POST" in answer.headers.get("allow", ""), "Allow names the methods")
    answer = client.request("POST", "/raw-data", b"<xml/>", "application/xml")
    equal((answer.status, answer.code), (415, "content-type-unknown"), "another type")
    equal(client.request("POST", "/raw-data", b"{}", "application/json", {"Content-Encoding": "br"}).status, 415, "another encoding")
    connection = http.client.HTTPConnection(server.intake, timeout=10)
    connection.request("HEAD", "/health")
    equal((connection.getresponse().status), 200, "HEAD")
    operator = server.as_operator()
    equal(operator.post("/data-centers", {"id": "st-mary", "name": "again"}).code, "data-center-exists", "a centre twice")
    equal(operator.get("/data-centers/nobody").code, "data-center-unknown", "an unknown centre")
    equal(operator.post("/data-centers", {"id": "No Good", "name": "x"}).code, "data-center-id-invalid", "an id that cannot be")
    unknown = "/data/" + "0" * 32
    for path, found in (("/data/xyz", (400, "id-broken")), (unknown, (404, "no-such-data")), (unknown + "/history", (404, "no-such-data"))):
        answer = server.as_reader().get(path)
        equal((answer.status, answer.code), found, path)
