"""The command line, as people and scripts use it."""
import gzip
import json
import sqlite3
import subprocess

from harness import a_record, check, equal, wait_until


def done(result, code, what):
    equal(result.returncode, code, f"exit code of {what} ({result.stdout[-300:]!r} {result.stderr[-500:]!r})")
    return result.stdout.decode()


def answer(result, code, what):
    text = done(result, code, what)
    try:
        return json.loads(text)
    except ValueError as error:
        raise AssertionError(f"{what} --json gives no JSON: {text[:300]}") from error


def totals_of(found):
    return tuple(found[word] for word in ("accepted", "duplicate", "quarantined", "refused"))


def write_lines(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def center_with_key(server, center, folder):
    done(server.cli("center", "add", center, "--name", "St Mary"), 0, "center add")
    issued = answer(server.cli("center", "key", center, "--json"), 0, "center key")
    path = folder / f"{center}.key"
    path.write_text(issued["key"] + "\n")
    path.chmod(0o600)
    return path, issued


def test_a_day_with_the_command_line(box):
    """add a centre, give it a key, check, send, scorecard, query, suspend"""
    server, folder = box.server(), box.folder
    key, issued = center_with_key(server, "st-mary", folder)
    private = a_record(500, report="Tel. +34 600 123 456, jane@example.org")
    # A record that is repeated, one that is amended, and one that waits in quarantine, twice.
    file = write_lines(folder / "records.ndjson", [a_record(n) for n in range(200)] + [a_record(0), a_record(1, report="Clear."), private, private])
    checked = answer(server.cli("check", file, "--json"), 0, "check")
    equal((totals_of(checked), checked["amending"]), ((201, 1, 2, 0), 1), "totals of check")
    text = done(server.cli("check", file), 0, "check")
    check("would be accepted" in text and "1 record amends an earlier one" in text, f"check for people: {text[:400]!r}")
    sent = answer(server.cli("send", file, "--center", "st-mary", "--key-file", key, "--json"), 0, "send")
    equal(totals_of(sent["files"][0]), (201, 1, 2, 0), "totals of send")
    server.wait_for_records(200)
    good = write_lines(folder / "good.ndjson", [a_record(n) for n in range(2, 200)])
    again = answer(server.cli("send", good, "--center", "st-mary", "--key-file", key, "--json"), 0, "send again")
    equal(totals_of(again["files"][0]), (0, 198, 0, 0), "totals of the second send")
    card = answer(server.cli("scorecard", "st-mary", "--json"), 0, "scorecard")
    check(card["data_center_id"] == "st-mary" and card["grade"] in "ABCDE", f"the scorecard: {str(card)[:300]}")
    check("st-mary" in done(server.cli("scorecard", "st-mary"), 0, "scorecard as a table"), "the table names the centre")
    rows = answer(server.cli("query", "--modality", "CT", "--limit", "5", "--json"), 0, "query")
    check("R-" in json.dumps(rows), "rows of a query")
    check("R-" in done(server.cli("query", "--modality", "CT", "--limit", "5"), 0, "query as a table"), "the table has rows")
    check("st-mary" in json.dumps(answer(server.cli("center", "list", "--json"), 0, "center list")), "the list has the centre")
    done(server.cli("center", "show", "st-mary"), 0, "center show")
    done(server.cli("center", "suspend", "st-mary", "--reason", "agreement ended"), 0, "center suspend")
    done(server.cli("send", file, "--center", "st-mary", "--key-file", key), 4, "send of a suspended centre")
    done(server.cli("center", "resume", "st-mary"), 0, "center resume")
    done(server.cli("center", "revoke", "st-mary", issued["key_id"]), 0, "center revoke")
    done(server.cli("send", file, "--center", "st-mary", "--key-file", key), 4, "send with a revoked key")


def test_files_of_every_kind(box):
    """send takes .json, .csv, .gz and standard input; refused records end with 1 and are grouped by what is wrong"""
    server, folder = box.server(), box.folder
    key, _ = center_with_key(server, "st-mary", folder)
    one, many, table = folder / "one.json", folder / "many.json", folder / "table.csv"
    one.write_text(json.dumps(a_record(1)))
    many.write_text(json.dumps([a_record(n) for n in range(2, 5)]))
    table.write_text("record_id,patient_id,modality,body_part,report\nT-1,P1,CT,CHEST,clear\nT-2,P2,MR,HEAD,clear\n")
    packed = folder / "packed.ndjson.gz"
    packed.write_bytes(gzip.compress("".join(json.dumps(a_record(n)) + "\n" for n in range(5, 15)).encode()))
    options = ["--center", "st-mary", "--key-file", key]
    done(server.cli("send", one, many, table, packed, *options), 0, "send of four files")
    done(server.cli("send", "-", "--type", "ndjson", *options, binary_input=json.dumps(a_record(20)).encode() + b"\n"), 0, "send of standard input")
    server.wait_for_records(1 + 3 + 2 + 10 + 1)
    broken = folder / "broken.ndjson"
    broken.write_text(json.dumps(a_record(30)) + "\n{broken\n{broken again\n" + json.dumps(a_record(31)) + "\n")
    sent = answer(server.cli("send", broken, *options, "--json"), 1, "send of broken lines")["files"][0]
    server.wait_for_records(19)
    checked = answer(server.cli("check", broken, "--json"), 1, "check of broken lines")
    for what, found in (("send", sent), ("check", checked)):
        equal(totals_of(found), (2, 0, 0, 2), f"totals of {what} of broken lines")
        groups = [(group["code"], group["count"], group["first_lines"]) for group in found["refusals"]]
        equal(groups, [("json-broken", 2, [2, 3])], f"refusals of {what}")
    for arguments in (["send", broken, *options], ["check", broken]):
        text = done(server.cli(*arguments), 1, f"{arguments[0]} of broken lines")
        check("json-broken  2 records, lines 2, 3\n" in text, f"{arguments[0]} for people: {text[-400:]!r}")


def test_send_goes_on_after_a_crash(box):
    """send tries again when the server is killed in the middle of a file: all of it is there, once, and the totals say so"""
    server, folder, count = box.server(), box.folder, 40_000
    server.keeps_ports = True
    key, _ = center_with_key(server, "st-mary", folder)
    file = write_lines(folder / "records.ndjson", [a_record(n) for n in range(count)])

    def log_bytes():
        return sum(part.stat().st_size for part in server.data.glob("log.db*"))

    before = log_bytes()
    with subprocess.Popen([server.binary, "send", file, "--center", "st-mary", "--key-file", key, "--json"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=server.places()) as sender:
        wait_until(lambda: log_bytes() > before + 100_000, "the first records are written")
        server.kill()
        check(sender.poll() is None, "it was still sending")
        server.start()
        output, errors = sender.communicate(timeout=120)
    equal(sender.returncode, 0, f"exit code ({errors[-400:]!r})")
    check(b"Trying again in " in errors, f"it says that it tries again: {errors[-400:]!r}")
    found = json.loads(output)["files"][0]
    accepted, duplicate, quarantined, refused = totals_of(found)
    equal((accepted + duplicate, quarantined, refused), (count, 0, 0), "totals")
    check(found["attempts"] > 1, f"attempts: {found['attempts']}")
    # A duplicate is a record that was taken in and whose answer the kill swallowed: no more than were under way.
    check(0 < accepted and duplicate < count // 2, f"{accepted} accepted, {duplicate} duplicate")
    server.wait_for_records(count, 120)
    equal(server.stop(), 0, "exit code after SIGTERM")
    with sqlite3.connect(f"file:{server.data / 'db_query.db'}?mode=ro", uri=True) as connection:
        stored = connection.execute("SELECT COUNT(DISTINCT record_id), COUNT(*), MAX(version) FROM data").fetchone()
    equal(stored, (count, count, 1), "records, each once, in one version")


def test_errors_and_exit_codes(box):
    """errors are sentences on stderr, with exit codes that scripts can use"""
    server, folder = box.server(), box.folder
    key, _ = center_with_key(server, "st-mary", folder)
    file = write_lines(folder / "one.ndjson", [a_record(1)])
    wrong_key = folder / "wrong.key"
    wrong_key.write_text("ack_" + "0" * 16 + "_" + "0" * 48)
    options = ["--center", "st-mary", "--key-file"]
    for what, arguments, code in [
        ("no command", [], 2),
        ("an unknown command", ["nonsense"], 2),
        ("an unknown option", ["check", "--nonsense", file], 2),
        ("no file", ["send", folder / "none.ndjson", *options, key], 1),
        ("a wrong key", ["send", file, *options, wrong_key], 4),
        ("a centre twice", ["center", "add", "st-mary", "--name", "x"], 1),
        ("an unknown centre", ["scorecard", "nobody"], 1),
        ("nobody listens", ["send", file, *options, key, "--intake", "http://127.0.0.1:1"], 3),
        ("a wrong filter", ["query", "modalitty=CT"], 2),
        ("a wrong role", ["token", "add", "--role", "king", "--name", "x", "--data", server.data], 2),
        ("rebuild while serving", ["rebuild", "--data", server.data], 1),
    ]:
        result = server.cli(*arguments, seconds=180)
        done(result, code, what)
        check(result.stderr.startswith(b"acopio: ") and result.stderr.endswith(b".\n"), f"{what}: a sentence on stderr: {result.stderr[-300:]!r}")
    for command in ("serve", "center", "send", "check", "scorecard", "query", "token", "rebuild", "completion"):
        check(len(done(server.cli(command, "--help"), 0, f"{command} --help")) > 100, f"{command} --help says something")
    check(done(server.cli("--version"), 0, "--version").strip(), "--version")


def test_tokens_and_completion(box):
    """read tokens are added, listed and revoked; completion is a bash script; no colour without a terminal"""
    server = box.server()
    made = answer(server.cli("token", "add", "--role", "researcher", "--name", "Ada", "--data", server.data, "--json"), 0, "token add")
    listed = done(server.cli("token", "list", "--data", server.data, "--json"), 0, "token list")
    check("Ada" in listed and made["token"].split("_")[2] not in listed, "the list has the name and not the token")
    found = answer(server.cli("query", "--json", environment={"ACOPIO_TOKEN": made["token"]}), 0, "query with the token")
    equal(found["data"], [], "no rows")
    done(server.cli("token", "revoke", made["token"].split("_")[1], "--data", server.data), 0, "token revoke")
    done(server.cli("query", environment={"ACOPIO_TOKEN": made["token"]}), 4, "query with a revoked token")
    check("complete" in done(server.cli("completion", "bash"), 0, "completion bash"), "a completion script")
    check(b"\x1b[" not in server.cli("token", "list", "--data", server.data).stdout, "colour codes in a pipe")


def test_rebuild(box):
    """rebuild makes the same rows again while the server is stopped, and tokens stay; one that fails changes nothing"""
    server, folder = box.server(), box.folder
    key, _ = center_with_key(server, "st-mary", folder)
    done(server.cli("send", write_lines(folder / "r.ndjson", [a_record(n) for n in range(300)]), "--center", "st-mary", "--key-file", key), 0, "send")
    server.wait_for_records(300)
    before = server.as_reader().all_data()
    token = answer(server.cli("token", "add", "--role", "researcher", "--name", "Ada", "--data", server.data, "--json"), 0, "token add")["token"]
    server.stop()
    beside = server.data / "db_query.db.rebuilding"
    (beside / "in the way").mkdir(parents=True)
    failed = server.cli("rebuild", "--data", server.data)
    check(failed.returncode != 0 and failed.stderr.strip(), f"a rebuild that cannot write: {failed.returncode} {failed.stderr[-300:]!r}")
    server.start()
    equal(server.as_reader().all_data(), before, "rows after a rebuild that failed")
    server.stop()
    (beside / "in the way").rmdir()
    beside.rmdir()
    beside.write_bytes(b"what a killed rebuild left")
    reader = sqlite3.connect(f"file:{server.data / 'db_query.db'}?mode=ro", uri=True)
    reader.execute("BEGIN")
    count = lambda: reader.execute("SELECT COUNT(*) FROM data").fetchone()[0]  # noqa: E731  pylint: disable=unnecessary-lambda-assignment
    equal(count(), 300, "rows that somebody reads meanwhile")
    done(server.cli("rebuild", "--data", server.data), 0, "rebuild")
    equal(count(), 300, "rows of the old file, which is still read")
    reader.close()
    equal(sorted(path.name for path in server.data.glob("db_query.db*")), ["db_query.db"], "files of the read side")
    server.start()
    equal(server.as_reader().all_data(), before, "rows after the rebuild")
    done(server.cli("query", "--limit", "1", environment={"ACOPIO_TOKEN": token}), 0, "query with a token from before")


def test_mistakes_say_what_is_wrong(box):
    """wrong words, files, addresses and rubrics are named; a key file is never overwritten; a failed first start leaves nothing"""
    server, folder = box.server(), box.folder
    key, _ = center_with_key(server, "st-mary", folder)
    before = key.read_text()
    taken = server.cli("center", "key", "st-mary", "--out", key)
    done(taken, 1, "center key over a file")
    check(b"exists" in taken.stderr and key.read_text() == before, "the key file stays")
    equal(len(answer(server.cli("center", "show", "st-mary", "--json"), 0, "center show")["keys"]), 1, "no key was issued for nothing")
    fresh = folder / "fresh.key"
    done(server.cli("center", "key", "st-mary", "--out", fresh), 0, "center key to a new file")
    check(fresh.stat().st_mode & 0o777 == 0o600 and fresh.read_text().startswith("ack_"), "the new key file")
    gone = folder / "gone.key"
    check(server.cli("center", "key", "nobody", "--out", gone).returncode == 1 and not gone.exists(), "a file of a key that was not issued")
    rubric, empty, unknown = folder / "mine.json", folder / "empty.csv", folder / "unknown.csv"
    rubric.write_text("{")
    empty.write_text("")
    unknown.write_text("foo,bar\n1,2\n")
    packed = folder / "cut.ndjson.gz"
    packed.write_bytes(gzip.compress(json.dumps(a_record(1)).encode())[:-12])
    file = write_lines(folder / "one.ndjson", [a_record(1)])
    send = ["--center", "st-mary", "--key-file", key]
    for what, arguments, code, text in [
        ("an unknown command", ["nope"], 2, "nope"),
        ("a usage error", ["query", "--limit", "0"], 2, "acopio query --help"),
        ("check of no file", ["check", folder / "nofile"], 1, "No such file"),
        ("check of a directory", ["check", folder], 1, "is a directory"),
        ("a broken rubric", ["check", file, "--rubric", rubric], 1, "mine.json"),
        ("a bad address", ["query", "--query", "nowhere"], 2, "HOST:PORT"),
        ("a bad address of send", ["send", file, *send, "--intake", "nowhere"], 2, "HOST:PORT"),
        ("serve with a broken rubric", ["serve", "--data", folder / "qq", "--rubric", rubric], 1, "mine.json"),
        ("serve on a taken port", ["serve", "--data", folder / "qq", "--intake", server.intake.removeprefix("http://")], 3, "--intake"),
        ("check of an empty CSV", ["check", empty], 1, "could not be read"),
        ("check of unknown columns", ["check", unknown], 1, "could not be read"),
        ("check of a broken packing", ["check", packed], 1, "could not be read"),
        ("send of an empty CSV", ["send", empty, *send], 1, "could not be read"),
        ("send of unknown columns", ["send", unknown, *send], 1, "could not be read"),
        ("send of a broken packing", ["send", packed, *send], 1, "could not be read"),
    ]:
        result = server.cli(*arguments)
        done(result, code, what)
        check(text in result.stderr.decode(), f"{what}: {result.stderr[-300:]!r}")
    check(not (folder / "qq").exists(), "a failed first start leaves a directory")
    equal(answer(server.cli("check", empty, "--json"), 1, "check")["refused"], 0, "refused of a file that cannot be read")
    equal(answer(server.cli("send", empty, *send, "--json"), 1, "send")["files"][0]["refused"], 0, "refused of a file that cannot be read")


def test_pages_and_one_record(box):
    """limit=, count= and cursor= are those of the options; show has a record and its history, also when it was taken back"""
    server, folder = box.server(), box.folder
    key, _ = center_with_key(server, "st-mary", folder)
    done(server.cli("send", write_lines(folder / "r.ndjson", [a_record(n) for n in range(7)]), "--center", "st-mary", "--key-file", key), 0, "send")
    server.wait_for_records(7)
    page = answer(server.cli("query", "limit=3", "count=exact", "--json"), 0, "limit= and count=")
    equal((len(page["data"]), page["count"]), (3, 7), "records and count")
    rest = answer(server.cli("query", f"cursor={page['next']}", "--limit", "1000", "--json"), 0, "cursor=")
    equal(len({row["data_id"] for row in page["data"] + rest["data"]}), 7, "all records, each once")
    done(server.cli("query", "limit=0"), 2, "limit=0")
    row = page["data"][0]
    found = answer(server.cli("show", row["data_id"], "--json"), 0, "show")
    equal((found["record"]["record_id"], len(found["history"]["history"])), (row["record_id"], 1), "record and history")
    text = done(server.cli("show", row["data_id"]), 0, "show for people")
    check("collected" in text and row["record_id"] in text, f"show: {text[:500]}")
    check(row["data_id"] in done(server.cli("query"), 0, "query as a table"), "ids are whole in a pipe")
    done(server.cli("show", "0" * 32), 1, "show of nothing")
    equal(server.as_center(key.read_text().strip()).retract(row["record_id"]).status, 202, "taking back")
    wait_until(lambda: answer(server.cli("show", row["data_id"], "--json"), 0, "show")["record"] is None, "show of what was taken back")
    check("retracted" in done(server.cli("show", row["data_id"]), 0, "show of what was taken back"), "the history has it")
