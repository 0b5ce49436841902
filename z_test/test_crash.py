"""kill -9 in the middle of random work, many times: what was acknowledged is there, once, and nothing is there twice.

A model keeps for each record what was sent in what order and what of it was acknowledged. After each restart every record must be in a state
that some prefix of what was sent explains, at or after the last acknowledged step; then what was in doubt is sent again and settles.
ACOPIO_CRASH_ROUNDS (30) says how often, ACOPIO_SEED repeats a run (the kernel's timing stays its own).
"""
import os
import random
import sqlite3
import threading
import time

from harness import Gone, a_record, check, equal, fields_of, in_threads, seed_from_environment, wait_until

ROUNDS = int(os.environ.get("ACOPIO_CRASH_ROUNDS", "30"))
CLIENTS = 4


class Life:
    """What one record went through: contents in the order sent (None: taken back), and how many of them are sure."""

    def __init__(self):
        self.steps = []  # content, or None
        self.sure = 0    # the first `sure` steps were acknowledged

    def send(self, content):
        self.steps.append(content)

    def acknowledged(self):
        self.sure = len(self.steps)

    def possible(self):
        """States that may be: after the last sure step, or after any of those in doubt."""
        return [self.steps[n - 1] if n else "never" for n in range(self.sure, len(self.steps) + 1)]

    def settle(self, state):
        """What was found out after a restart: the steps in doubt that did not come to be are forgotten."""
        for n in range(len(self.steps), self.sure - 1, -1):
            if (self.steps[n - 1] if n else "never") == state:
                del self.steps[n:]
                self.sure = n
                return
        raise AssertionError("no step explains the state")


class Sender:
    """One client thread with records of its own, so that the order of what happens to each record is known."""

    def __init__(self, number, center, rng):
        self.number, self.center, self.random = number, center, rng
        self.lives = {}
        self.next = 0
        self.acknowledged = 0

    def some_known(self):
        return self.random.choice(list(self.lives)) if self.lives and self.random.random() < 0.4 else None

    def new_content(self, record_id):
        self.next += 1
        return a_record(self.next, record_id=record_id, report=f"Text {self.number}-{self.next} of a report.", patient_id=f"P-{record_id}")

    def choose(self):
        record_id = self.some_known() or f"C{self.number}-{len(self.lives)}"
        return record_id, self.lives.setdefault(record_id, Life()), self.new_content(record_id)

    def work(self, client):
        """Until the server goes away."""
        try:
            while True:
                kind = self.random.random()
                if kind < 0.5:
                    self.send_one(client)
                elif kind < 0.8:
                    self.send_many(client)
                elif kind < 0.9:
                    self.take_back(client)
                else:
                    self.repeat(client)
        except Gone:
            pass
        finally:
            client.close()

    def send_one(self, client):
        _, life, content = self.choose()
        life.send(content)
        answer = client.send(content)
        equal((answer.status, answer.json.get("status")), (202, "accepted"), f"one record ({answer.body[:300]!r})")
        life.acknowledged()
        self.acknowledged += 1

    def send_many(self, client):
        chosen = {}
        for _ in range(self.random.randrange(2, 60)):
            record_id, life, content = self.choose()
            if record_id not in chosen:
                chosen[record_id] = (life, content)
        for life, content in chosen.values():
            life.send(content)
        items, totals = client.send_lines([content for _, content in chosen.values()])
        equal((len(items), totals["done"], totals["accepted"]), (len(chosen), True, len(chosen)), "many records")
        for life, _ in chosen.values():
            life.acknowledged()
        self.acknowledged += len(chosen)

    def take_back(self, client):
        record_id = self.some_known()
        if record_id is None:
            return
        life = self.lives[record_id]
        there = life.steps and life.steps[-1] is not None
        if there:
            life.send(None)
        answer = client.retract(record_id)
        equal(answer.status, 202 if there else 404, "taking back")
        if there:
            life.acknowledged()
            self.acknowledged += 1

    def repeat(self, client):
        record_id = self.some_known()
        if record_id is None or not self.lives[record_id].steps or self.lives[record_id].steps[-1] is None:
            return
        answer = client.send(self.lives[record_id].steps[-1])
        equal((answer.status, answer.json.get("status")), (200, "duplicate"), "an identical retry")


def settle_some(server, keys, senders, rng):
    """Half of what was in doubt is sent again, as a careful client does: either answer makes it sure."""
    for sender in senders:
        client = server.as_center(keys[sender.center])
        for record_id, life in sender.lives.items():
            if life.sure == len(life.steps) or rng.random() < 0.5:
                continue
            if life.steps[-1] is None:
                check(client.retract(record_id).status in (202, 404), "taking back again")
            else:
                answer = client.send(life.steps[-1])
                check((answer.status, answer.json.get("status")) in [(202, "accepted"), (200, "duplicate")], f"sending again ({answer.body[:300]!r})")
            life.acknowledged()
        client.close()


def fence(server, key, number):
    """A record sent after everything: once it is visible, all that was stored before it is too."""
    answer = server.as_center(key).send(a_record(number, record_id=f"fence-{number}"))
    equal(answer.status, 202, f"the fence ({answer.body[:200]!r})")
    server.wait_for_receipt(answer.json["receipt_id"], seconds=60)


def compare(server, senders):
    """Every record is in a state that its life explains; returns nothing, forgets what did not come to be."""
    rows = {}
    for row in server.as_reader().all_data(include_retracted="true"):
        if row["data_center_id"] == "fence":
            continue
        check(row["record_id"] not in rows, "a record is there twice")
        rows[row["record_id"]] = row
    for sender in senders:
        for record_id, life in list(sender.lives.items()):
            row = rows.pop(record_id, None)
            state = "never" if row is None else None if row.get("retracted") else fields_of(row)
            if state not in life.possible():
                raise AssertionError(f"record {record_id}: {life.sure} of {len(life.steps)} steps acknowledged; found {str(state)[:400]}, "
                                     f"version {row and row['version']}; possible {str(life.possible())[:800]}")
            life.settle(state)
            if state == "never":
                del sender.lives[record_id]
    equal(list(rows), [], "records that nobody sent")


def check_histories(server, senders, rng, count):
    """Versions are dense, events follow each other as they may, and the last one is the row."""
    reader = server.as_reader()
    rows = [row for row in reader.all_data(include_retracted="true") if row["data_center_id"] != "fence"]
    for row in rng.sample(rows, min(count, len(rows))):
        history = reader.get(f"/data/{row['data_id']}/history").json["history"]
        equal([h["version"] for h in history], list(range(1, row["version"] + 1)), "versions of a history")
        equal(history[0]["event"], "collected", "the first event")
        for before, after in zip(history, history[1:]):
            equal(after["event"] == "collected", before["event"] == "retracted", f"{after['event']} after {before['event']}")
            check(after["event"] != "amended" or before["record"] != after["record"], "an event changes something")
        life = next(s.lives[row["record_id"]] for s in senders if row["record_id"] in s.lives)
        equal(len(history), len(life.steps), "as many versions as steps that came to be")


def one_round(server, keys, senders, rng):
    """Work, and a kill in the middle of it."""
    before = sum(s.acknowledged for s in senders)
    enough = rng.choice([1, 20, 100, 300])
    done = threading.Event()

    def kill_in_the_middle():
        end = time.monotonic() + 20
        while sum(s.acknowledged for s in senders) - before < enough and time.monotonic() < end:
            done.wait(0.002)
        done.wait(rng.random() * 0.05)
        server.kill()

    in_threads([*[lambda s=s: s.work(server.as_center(keys[s.center])) for s in senders], kill_in_the_middle])
    server.start()
    check(sum(s.acknowledged for s in senders) > before, "something was acknowledged before the kill")


def rows_of(database, statement):
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return connection.execute(statement).fetchall()


def columns_of(database, table, but=()):
    return ", ".join(row[1] for row in rows_of(database, f"PRAGMA table_info({table})") if row[1] not in but)


def tables(data):
    """Everything that is projected, but the moment at which it became visible."""
    query, classifier = data / "db_query.db", data / "db_classifier.db"
    content = {}
    for table in ("data", "document", "receipt"):
        content[table] = sorted(rows_of(query, f"SELECT {columns_of(query, table, {'queryable_at'})} FROM {table}"), key=repr)
    for table in ("counter", "feed_hour", "seen", "content", "quarantine"):
        content[table] = sorted(rows_of(classifier, f"SELECT {columns_of(classifier, table)} FROM {table}"), key=repr)
    return content


def counted(data):
    return dict(rows_of(data / "db_classifier.db", "SELECT center, SUM(records) FROM feed_hour GROUP BY center"))


def collected(data):
    return dict(rows_of(data / "db_query.db", "SELECT d.centre, COUNT(*) FROM document v JOIN data d ON d.id = v.data "
                                              "WHERE v.receipt_id IS NOT NULL GROUP BY d.centre"))


def check_counters(data):
    """The classifier counted each version of each record once, and each check once a record."""
    classifier = data / "db_classifier.db"
    records = counted(data)
    for center, check_id, judged in rows_of(classifier, "SELECT center, check_id, SUM(pass + fail + skip) FROM counter GROUP BY center, check_id"):
        equal(judged, records[center], f"outcomes of {check_id} of {center}")
    equal(records, collected(data), "counted records, and collected versions (nothing was quarantined)")


def test_kill_nine(box):
    """kill -9 at random moments loses no acknowledged record, doubles none, and a rebuild gives the same tables"""
    rng = random.Random(seed_from_environment())
    server = box.server()
    keys = {center: server.add_center(center) for center in ("st-mary", "charite", "fence")}
    senders = [Sender(number, ["st-mary", "charite"][number % 2], random.Random(rng.random())) for number in range(CLIENTS)]
    for number in range(ROUNDS):
        one_round(server, keys, senders, rng)
        settle_some(server, keys, senders, rng)
        fence(server, keys["fence"], number)
        compare(server, senders)
        check_histories(server, senders, rng, 20)
    print(f"      {ROUNDS} kills, {sum(s.acknowledged for s in senders)} acknowledged, {sum(len(s.lives) for s in senders)} records", flush=True)
    check_histories(server, senders, rng, 10**9)
    wait_until(lambda: counted(server.data) == collected(server.data), "the counters have all")
    equal(server.stop(), 0, "exit code after SIGTERM")
    before = tables(server.data)
    check_counters(server.data)
    rebuilt = server.cli("rebuild", "--data", server.data)
    equal(rebuilt.returncode, 0, f"acopio rebuild ({rebuilt.stderr[-400:]!r})")
    after = tables(server.data)
    for table, content in before.items():
        equal(len(after[table]), len(content), f"rows of {table} after the rebuild")
        check(after[table] == content, f"table {table} is another after the rebuild")
    server.start()
    compare(server, senders)


def test_kill_while_rebuilding_itself(box):
    """a kill in the middle of catching up does no harm"""
    rng = random.Random(seed_from_environment())
    server = box.server()
    client = server.as_center(server.add_center("st-mary"))
    count = 20_000
    items, totals = client.send_lines(a_record(n) for n in range(count))
    equal((totals["accepted"], len(items)), (count, count), "accepted")
    for _ in range(4):
        server.kill()
        server.spawn()
        threading.Event().wait(rng.random() * 0.6)
    server.kill()
    server.start()
    server.wait_for_records(count, 120)
    rows = server.as_reader().all_data()
    equal({row["record_id"] for row in rows}, {f"R-{n}" for n in range(count)}, "records")
    equal({row["version"] for row in rows}, {1}, "versions")
