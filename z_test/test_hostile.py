"""What the internet sends: broken, huge, slow, cut and malicious input. Nothing of it is stored, and others are served meanwhile."""
import gzip
import http.client
import json
import os
import resource
import socket
import subprocess
import threading
import time
import zlib

from harness import Cannot, Client, Gone, Skip, a_record, check, equal, in_threads, lines_of, packed, raw_exchange, stream, wait_until

RSS_MAX_MIB = 300
LIVENESS_SECONDS = 8  # who is held up by a slow client waits until that one is cut off, after 10 s; how fast it is else is the bench's matter
MARKER = "Zqxmarker"


def serving(box):
    server = box.server()
    return server, server.add_center("st-mary")


def still_serves(server, key, number):
    """A good record gets through, and nothing else had been stored before it."""
    sent = server.as_center(key).send(a_record(number))
    equal(sent.status, 202, f"a good record afterwards ({sent.body[:200]!r})")
    server.wait_for_receipt(sent.json["receipt_id"])


def test_malformed_json(box):
    """malformed bodies are refused with a code and a place, whatever they are"""
    server, key = serving(box)
    client = server.as_center(key)
    bodies = {
        "empty": b"",
        "a space": b" ",
        "no object": b"42",
        "a text": b'"text"',
        "null": b"null",
        "broken": b'{"record_id":',
        "a comma too many": b'{"record_id":"a",}',
        "single quotes": b"{'record_id':'a'}",
        "two objects": b'{"record_id":"a"}{"record_id":"b"}',
        "open text": b'{"record_id":"a',
        "not a number": b'{"age":NaN}',
        "leading zero": b'{"age":01}',
        "wrong escape": b'{"report":"\\q"}',
        "half a surrogate": b'{"report":"\\ud800"}',
        "broken UTF-8": b'{"report":"\xff\xfe"}',
        "overlong UTF-8": b'{"report":"\xc0\xaf"}',
        "surrogate in UTF-8": b'{"report":"\xed\xa0\x80"}',
        "NUL": b'{"report":"\x00"}',
        "only NULs": b"\x00" * 100,
        "UTF-16": '{"record_id":"a"}'.encode("utf-16"),
        "deep arrays": b"[" * 100_000,
        "deep objects": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        "deep inside a field": b'{"record_id":"a","x":' + b"[" * 1000 + b"]" * 1000 + b"}",
        "an open array": b'[{"record_id":"a"}',
        "XML": b"<record/>",
    }
    codes = {**dict.fromkeys(("no object", "a text", "null", "XML"), "record-not-an-object"),
             **dict.fromkeys(("broken UTF-8", "overlong UTF-8", "surrogate in UTF-8", "only NULs", "UTF-16"), "text-not-utf8"),
             **dict.fromkeys(("deep objects", "deep inside a field"), "json-too-deep")}
    for name, body in bodies.items():
        answer = client.request("POST", "/raw-data", body, "application/json")
        equal((answer.status, answer.code), (400, codes.get(name, "json-broken")), name)
        if body.strip() == b"":
            continue  # as a line it is no record
        line = b" ".join(body.splitlines())
        _, totals = lines_of(client.request("POST", "/raw-data", line + b"\n", "application/x-ndjson"))
        check(totals["refused"] >= 1 and totals["accepted"] == 0, f"{name} as a line: {totals}")
    equal(client.send_lines([])[0], [], "an empty stream")
    for wrong in ("x" * 129, "a\nb", {"a": 1}, ["a"], True):
        answer = client.send(a_record(1, record_id=wrong))
        equal((answer.status, answer.code), (422, "record-id-invalid"), f"record id {str(wrong)[:20]!r}")
    derived = client.send(a_record(1, record_id="")).json
    check(derived.get("record_id_derived"), "without a record id one is made from the content")
    still_serves(server, key, 900)
    equal({row["record_id"] for row in server.as_reader().all_data()}, {"R-900", derived["record_id"]}, "stored")


def test_huge_numbers(box):
    """numbers of any size are kept as they were sent, in every format, and stop nothing, not even a rebuild"""
    server, key = serving(box)
    client = server.as_center(key)
    numbers = ['"accession":123456789012345678901234567890', '"x":1e400', '"age":1e999', '"age":-1E+999', '"patient_id":1' + "0" * 400,
               '"deep":' + "[" * 50 + "1e-999" + "]" * 50]
    wanted = set()
    for index, number in enumerate(numbers):
        answer = client.request("POST", "/raw-data", f'{{"record_id":"J{index}","modality":"CT",{number}}}'.encode(), "application/json")
        check(answer.status == 202 and answer.json["status"] == "accepted", f"{number[:40]}: {answer.status} {answer.body[:200]!r}")
        wanted.add(f"J{index}")
    lines = "".join(f'{{"record_id":"N{index}","modality":"CT",{number}}}\n' for index, number in enumerate(numbers))
    rows = "record_id,modality,age,accession\nC0,CT,1e999,123456789012345678901234567890\nC1,CT,45,1e400\n"
    for body, content_type, prefix, count in ((lines, "application/x-ndjson", "N", len(numbers)), (rows, "text/csv", "C", 2)):
        _, totals = lines_of(client.request("POST", "/raw-data", body.encode(), content_type))
        equal((totals["accepted"], totals["refused"]), (count, 0), f"{content_type}: accepted and refused")
        wanted |= {f"{prefix}{index}" for index in range(count)}
    still_serves(server, key, 900)
    reader = server.as_reader()
    equal({row["record_id"] for row in reader.all_data()}, wanted | {"R-900"}, "visible")
    page = reader.get("/data", modality="CT", limit=1000).body
    for number in ("123456789012345678901234567890", "1e400", "1e999", "-1E+999", "1e-999"):
        check(number.encode() in page, f"{number} as it was sent")
    equal(reader.count(age_min=0, record_id="J2"), 0, "1e999 is no age")
    equal((reader.get("/ready").status, client.get("/ready").status), (200, 200), "ready")
    equal(server.stop(), 0, "exit code after SIGTERM")
    rebuilt = server.cli("rebuild", "--data", server.data)
    equal(rebuilt.returncode, 0, f"rebuild ({rebuilt.stderr[-400:]!r})")
    server.start()
    equal(server.as_reader().get("/data", modality="CT", limit=1000).body, page, "the page after the rebuild")


def test_huge_records(box):
    """a record above the limit is refused, one at the limit is stored, and a line too long spoils no other"""
    server, key = serving(box)
    client = server.as_center(key)
    overhead = len(json.dumps(a_record(1, report="")).encode())
    room = 1024 * 1024 - overhead - 4096
    equal(client.send(a_record(1, report="x" * room)).status, 202, "almost 1 MiB")
    answer = client.send(a_record(2, report="x" * (1024 * 1024)))
    equal((answer.status, answer.code), (413, "record-too-large"), "more than 1 MiB")
    items, totals = client.send_lines([a_record(3), a_record(4, report="x" * (3 * 1024 * 1024)), a_record(5)])
    equal([item["status"] for item in items], ["accepted", "refused", "accepted"], "a long line between others")
    equal(items[1]["problem"]["code"], "record-too-large", "its problem")
    check(totals["done"], "the stream ended well")
    answer = client.send([a_record(n) for n in range(10, 20)] + [a_record(30, report="x" * (17 * 1024 * 1024))])
    equal((answer.status, answer.code), (413, "body-too-large"), "an array of 17 MiB")
    still_serves(server, key, 900)
    equal({row["record_id"] for row in server.as_reader().all_data()}, {"R-1", "R-3", "R-5", "R-900"}, "stored")


def head(key, content_type, length=None):
    framing = f"Content-Length: {length}" if length is not None else "Transfer-Encoding: chunked"
    return (f"POST /raw-data HTTP/1.1\r\nHost: acopio\r\nAuthorization: Bearer {key}\r\nContent-Type: {content_type}\r\n{framing}\r\n"
            "Connection: close\r\n\r\n").encode()


def test_cut_at_every_byte(box):
    """a request that is cut at any byte stores nothing, a whole one is stored"""
    server, key = serving(box)
    body = json.dumps({"record_id": "CUT", "patient_id": "P1", "modality": "CT", "body_part": "CHEST", "report": "short"}).encode()
    chunked = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (20, body[:20], len(body) - 20, body[20:])
    whole = {"one": head(key, "application/json", len(body)) + body, "array": head(key, "application/json", len(body) + 2) + b"[" + body + b"]",
             "chunked": head(key, "application/json") + chunked, "line": head(key, "application/x-ndjson", len(body)) + body}
    for name, request in whole.items():
        for end in range(0, len(request), 1 if name == "one" else 3):
            answer = raw_exchange(server.intake, [request[:end]], seconds=15)
            check(b'"accepted"' not in answer or b'"accepted":0' in answer, f"{name} cut at {end} of {len(request)}: {answer[-200:]!r}")
    still_serves(server, key, 900)
    equal({row["record_id"] for row in server.as_reader().all_data()}, {"R-900"}, "stored of requests that were cut")
    for name, request in whole.items():
        answer = raw_exchange(server.intake, [request], half_close=False)
        check(b" 202 " in answer or b" 200 " in answer, f"{name}, whole: {answer[:200]!r}")
    wait_until(lambda: server.as_reader().count() == 2, "the whole one is there, once")


def test_broken_framing(box):
    """requests that two servers could read in two ways are refused, and the connection is closed"""
    server, key = serving(box)
    body = json.dumps(a_record(1)).encode()
    start = f"POST /raw-data HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n".encode()
    framings = {
        "both lengths": b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(body),
        "two lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "a negative length": b"Content-Length: -1\r\n\r\n",
        "a length that is no number": b"Content-Length: 1x\r\n\r\n",
        "a broken chunk": b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
    }
    for name, framing in framings.items():
        answer = raw_exchange(server.intake, [start + framing + body], seconds=15)
        check(answer.startswith(b"HTTP/1.1 400 "), f"{name}: {answer[:120]!r}")
        check(b'"accepted"' not in answer, f"{name} stored something")
    requests = {
        "noise": bytes(range(256)) * 40,
        "no HTTP": b"\x16\x03\x01\x02\x00\x01",
        "a long header": b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        "many headers": b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
        "a long target": b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\n\r\n",
    }
    for name, request in requests.items():
        answer = raw_exchange(server.intake, [request], seconds=15)
        status = {"a long header": 431, "many headers": 431, "a long target": 414}.get(name, 400)
        check(answer.startswith(b"HTTP/1.1 %d " % status), f"{name}: {answer[:120]!r}")
    still_serves(server, key, 900)
    equal({row["record_id"] for row in server.as_reader().all_data()}, {"R-900"}, "stored")


def test_slow_clients(box):
    """clients that send a byte now and then are cut off, and others are served meanwhile"""
    server, key = serving(box)
    host, port = server.intake.rsplit(":", 1)
    request = head(key, "application/json", 50)
    slow = [socket.create_connection((host, int(port)), timeout=30) for _ in range(200)]
    ended, cut_off = threading.Event(), 0

    def drip():
        for byte in range(60):
            for wire in slow:
                try:
                    wire.send(request[byte:byte + 1])
                except OSError:
                    pass
            if ended.wait(0.3):
                return

    dripper = threading.Thread(target=drip)
    dripper.start()
    try:
        client, slowest = server.as_center(key), 0.0
        for number in range(100):
            begin = time.monotonic()
            equal(client.send(a_record(number)).status, 202, "a good client")
            slowest = max(slowest, time.monotonic() - begin)
        check(slowest < LIVENESS_SECONDS, f"a good client waited {slowest:.1f} s")
        for wire in slow:
            wire.settimeout(30)
            try:
                answer = wire.recv(4096)
                check(answer == b"" or b" 408 " in answer, f"a slow client got {answer[:100]!r}")
            except ConnectionError:
                pass
            cut_off += 1
    finally:
        ended.set()
        dripper.join()
        for wire in slow:
            wire.close()
    equal(cut_off, len(slow), "slow clients that were cut off")


def test_idle_connections(box):
    """5,000 idle connections stay open, and others are served"""
    wanted, (soft, hard) = 5_000, resource.getrlimit(resource.RLIMIT_NOFILE)
    needed, idle = wanted + 1_000, []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, max(hard, needed)))
    except (ValueError, OSError) as error:
        refusal = f"a process may open {hard} files here only"
        raise Cannot(refusal) if os.geteuid() == 0 else Skip(refusal + ", and only root can raise that") from error
    try:
        server, key = serving(box)
        host, port = server.intake.rsplit(":", 1)
        idle = [socket.create_connection((host, int(port)), timeout=20) for _ in range(wanted)]
        client, waits = server.as_center(key), []
        for number in range(200):
            begin = time.monotonic()
            equal(client.send(a_record(number)).status, 202, "a client among idle ones")
            waits.append(time.monotonic() - begin)
        check(max(waits) < LIVENESS_SECONDS, f"a client waited {max(waits):.2f} s")
        for wire in idle[::500]:
            wire.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            check(wire.recv(4096).startswith(b"HTTP/1.1 200"), "an idle connection is served when it speaks")
        check(server.rss_mib() < RSS_MAX_MIB, f"memory with idle connections: {server.rss_mib():.0f} MiB")
    finally:
        for wire in idle:
            wire.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def watched(server, work):
    """Runs work() and gives back (its value, the peak of the server's memory in MiB)."""
    peak, ended = [server.rss_mib()], threading.Event()

    def watch():
        while not ended.wait(0.05):
            peak.append(server.rss_mib())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        return work(), max(peak)
    finally:
        ended.set()
        watcher.join()


def bomb(encoding):
    """1 GB of blanks, packed as small as they get."""
    if encoding == "gzip":
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        return b"".join(packer.compress(b" " * (1 << 20)) for _ in range(1024)) + packer.flush()
    return subprocess.run("head -c 1G /dev/zero | tr '\\0' ' ' | zstd -q -c -19", shell=True, capture_output=True, check=True).stdout


def test_bombs(box):
    """a small body that grows to 1 GB is refused in little memory, be it gzip or zstd"""
    server, key = serving(box)
    bodies = []
    for encoding in ("gzip", "zstd"):
        grown = bomb(encoding)
        check(len(grown) < 2_000_000, f"{encoding}: a bomb of {len(grown)} bytes")
        for body in (grown, packed(b"\n" * (256 << 20), encoding), grown[:20_000]):
            bodies.append((encoding, body, "body-expands-too-much"))
        for body in (grown[:4] + b"\xff" * 1000, b"not packed at all"):
            bodies.append((encoding, body, "body-encoding-broken"))
    closed = []

    def send_all():
        for content_type in ("application/json", "application/x-ndjson", "text/csv"):
            for encoding, body, code in bodies:
                what = f"{len(body)} bytes of {encoding} as {content_type}"
                try:
                    answer = server.as_center(key, 120).request("POST", "/raw-data", body, content_type, {"Content-Encoding": encoding})
                except Gone:
                    closed.append(what)  # refused and closed before all of it was sent
                    continue
                last = json.loads(answer.body.splitlines()[-1])
                equal(answer.code or last["problem"]["code"], code, what)
                if answer.status == 200:
                    equal((last["accepted"], last["done"]), (0, False), what)

    _, peak = watched(server, send_all)
    check(peak < RSS_MAX_MIB, f"memory went up to {peak:.0f} MiB")
    check(len(closed) <= len(bodies), f"most of them are answered; closed without an answer: {closed}")
    still_serves(server, key, 900)


def test_a_long_stream_in_constant_memory(box):
    """100 MB of NDJSON pass through in less than 300 MiB of memory, each line answered"""
    server, key = serving(box)
    size, per_chunk = 100_000_000, 200
    template = json.dumps(a_record(1, record_id="@@@@@@@@@@", patient_id="P-@@@@@@@@@@")).encode() + b"\n"
    count = size // len(template) // per_chunk * per_chunk
    statuses, last = {}, []

    def chunks():
        for first in range(0, count, per_chunk):
            yield b"".join(template.replace(b"@@@@@@@@@@", b"%010d" % n) for n in range(first, first + per_chunk))

    def on_line(line):
        last[:] = [line]
        word = line[:200].partition(b'"status":"')[2].partition(b'"')[0]
        statuses[word] = statuses.get(word, 0) + 1

    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
    status, peak = watched(server, lambda: stream(server.intake, "/raw-data", headers, chunks(), on_line, 300))
    equal(status, 200, "status")
    totals = json.loads(last[0])
    equal((totals["done"], totals["accepted"]), (True, count), f"totals of {statuses}")
    check(peak < RSS_MAX_MIB, f"memory went up to {peak:.0f} MiB")
    print(f"      {count} records, {peak:.0f} MiB at most", flush=True)
    _, peak = watched(server, lambda: server.wait_for_records(count, 300))
    check(peak < RSS_MAX_MIB, f"memory went up to {peak:.0f} MiB while they became visible")


def test_a_client_that_never_reads(box):
    """a client that sends everything before it reads gets every answer, one that never reads holds nobody up"""
    server, key = serving(box)
    count = 30_000
    body = b"".join(json.dumps(a_record(n)).encode() + b"\n" for n in range(count))
    deaf = socket.create_connection((server.intake.rsplit(":", 1)[0], int(server.intake.rsplit(":", 1)[1])), timeout=60)
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    deaf.sendall(head(key, "application/x-ndjson", len(body)) + body)
    begin = time.monotonic()
    equal(server.as_center(key).send(a_record(count)).status, 202, "another client")
    check(time.monotonic() - begin < LIVENESS_SECONDS, "another client waited")
    received = b""
    while piece := deaf.recv(1 << 20):
        received = (received + piece)[-2000:]
        deaf.settimeout(60)
    deaf.close()
    check(b'"done":true' in received, f"the end of the answer: {received[-200:]!r}")
    server.wait_for_records(count + 1, 120)


def problems_in(answer):
    """Every problem of an answer: the whole of it, or those of its items."""
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        return [answer.body]
    values = [json.loads(line) for line in answer.body.splitlines()]
    items = [item for value in values for item in value.get("items", [value])]
    return [json.dumps(item["problem"]).encode() for item in items if "problem" in item]


def marked_values():
    """What a partner might send by mistake, with the marker in every place that can hold something."""
    more = ["comparison", "birth_year", "laterality", "other", "uncertain", "unknown", "own_field", "extensions"]
    fields = [name for name in a_record(1) if name != "record_id"] + more
    marked = a_record(1, **{name: f"{MARKER} {name}" for name in fields})
    private = f"{MARKER} Name: {MARKER}^John, {MARKER.lower()}@example.org, 600 123 456"
    return [
        marked,
        {**marked, "record_id": MARKER * 30},
        {**marked, "record_id": {MARKER: MARKER}},
        {**marked, MARKER: [MARKER, {MARKER: MARKER}]},
        {**marked, "report": private},
        {**marked, "report": MARKER * 200_000},
        {**marked, "data_center_id": 7},
        {name: {MARKER: MARKER} for name in fields},
        [marked, {**marked, "record_id": MARKER * 30}],
        [MARKER],
        MARKER,
    ]


def problems_of_marked_values(client):
    said = []
    for value in marked_values():
        body = json.dumps(value).encode()
        for content_type, content in [
            ("application/json", body), ("application/json", body[:-3]), ("application/json", body + b"}"),
            ("application/json", body.replace(MARKER.encode(), MARKER.encode() + b"\xff")),
            ("application/x-ndjson", body + b"\n" + body[:-5] + b"\n"), (MARKER + "/x", body),
        ]:
            try:
                said += problems_in(client.request("POST", "/raw-data", content, content_type))
            except Gone:
                pass  # refused and closed before all of it was sent
    table = f'record_id,patient_id,modality,report\nM-1,{MARKER},CT,{MARKER}\nM-2,{MARKER},CT\nM-3,"{MARKER}",CT,"{MARKER}\n'.encode()
    for content in (table, table.replace(b"\n", b"\xff\n"), table.replace(b"record_id", MARKER.encode()), f"{MARKER}\n{MARKER}\n".encode()):
        said += problems_in(client.request("POST", "/raw-data", content, "text/csv"))
    return said


def test_patient_data_stays_inside(box):
    """what stands in a record is never in the log, the metrics or a problem"""
    server, key = serving(box)
    client, reader = server.as_center(key), server.as_reader()
    said = problems_of_marked_values(client)
    for filters in ({"patient_id": MARKER * 100}, {"age_min": MARKER}, {"sex": MARKER}, {"sort": MARKER}, {"cursor": MARKER}):
        said += problems_in(reader.get("/data", **filters))
    said += [client.retract(MARKER).body, reader.get(f"/data/{MARKER}").body, reader.get(f"/receipts/{MARKER}").body]
    check(len(said) > 30, f"there are problems to look at: {len(said)}")
    for text in said:
        check(MARKER.lower() not in text.decode(errors="replace").lower(), f"a problem tells what was sent: {text[:400]!r}")
    still_serves(server, key, 900)
    for address in (server.intake, server.query):
        check(MARKER.lower() not in Client(address).get("/metrics").body.decode().lower(), "the metrics tell what was sent")
    server.restart()
    check(MARKER.lower() not in server.log().lower(), "the log tells what was sent")
    check(key.split("_")[2] not in server.log(), "the log tells a key")


def test_many_at_once(box):
    """many clients that send good and bad things at once get an answer each, and the sums are right"""
    server, key = serving(box)

    def work(number):
        client, accepted = server.as_center(key), 0
        for turn in range(40):
            kind = (number + turn) % 4
            if kind == 0:
                equal(client.request("POST", "/raw-data", b"{", "application/json").status, 400, "broken")
            elif kind == 1:
                items, _ = client.send_lines([a_record(n, record_id=f"{number}-{turn}-{n}") for n in range(20)] + [[1]])
                equal([item["status"] for item in items], ["accepted"] * 20 + ["refused"], "lines")
                accepted += 20
            else:
                equal(client.send(a_record(turn, record_id=f"{number}-{turn}")).status, 202, "one")
                accepted += 1
        return accepted

    total = sum(in_threads([lambda n=n: work(n) for n in range(16)]))
    server.wait_for_records(total)
    connection = http.client.HTTPConnection(server.intake, timeout=5)
    connection.request("GET", "/ready")
    equal(connection.getresponse().status, 200, "/ready")
