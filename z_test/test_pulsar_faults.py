"""Our Pulsar client when a real broker, our process or the line between them dies, freezes or breaks: nothing acknowledged is lost, nothing doubled.

A model keeps what was acknowledged. In the end the official Python client reads the whole topic, as a judge of its own: every acknowledged
(producer, sequence) is there exactly once, where its receipt said, and the sequences of a producer rise in each partition.
ACOPIO_PULSAR_ROUNDS (30) says how often something is killed, ACOPIO_SEED repeats a run (the kernel's timing stays its own).
"""
import atexit
import base64
import contextlib
import os
import random
import secrets
import shutil
import ssl
import tempfile
import threading
import time
from pathlib import Path

import pulsar

from harness import check, equal, in_threads, seed_from_environment, wait_until
from pulsar_broker import Broker, tls_folder, token, token_key
from pulsar_probe import Probe, place
from pulsar_proxy import Proxy

ROUNDS = int(os.environ.get("ACOPIO_PULSAR_ROUNDS", "30"))
BROKER_KILLS = max(1, ROUNDS // 3)
PROCESS_KILLS = max(1, ROUNDS - BROKER_KILLS)
FREEZES = [5, 12, 40]  # seconds
UNLOADS = 20
CUTS = 40
FOR_EVER = 10**9  # messages
WAIT = 30_000     # in milliseconds, as the official client counts


class Ground:
    """One broker for all of these tests, with tokens and TLS, and a proxy before a second port of it."""

    here = None

    def __init__(self, folder):
        self.tls = tls_folder(folder / "tls")
        self.key = token_key(folder / "key")
        self.proxy = Proxy()
        # It looks at its certificate every second: the tests put another in its place.
        self.broker = Broker(folder / "pulsar", "--token-key", self.key, "--tls-dir", self.tls, "--advertised-port", self.proxy.port, "--set",
                             "tlsCertRefreshCheckDurationSec=1").start()
        self.proxy.target = self.broker.proxied_service
        self.space = self.broker.namespace("acopio", "faults", dedup=True)
        self.token_file = self.broker.folder / "admin.token"

    @classmethod
    def get(cls):
        """The broker that the first test started; gone with this process."""
        if not cls.here:
            folder = Path(tempfile.mkdtemp(prefix="acopio-pulsar-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            cls.here = cls(folder)
        cls.here.proxy.heal()
        if not cls.here.broker.runs():  # a test failed while it was killed
            cls.here.broker.restart()
        return cls.here

    def topic(self, partitions=0):
        return self.broker.topic(f"{self.space}/t-{secrets.token_hex(6)}", partitions)

    def client(self, probe, as_="c", proxied=False, **options):
        options = {"service": self.proxy.service if proxied else self.broker.service, "token_file": str(self.token_file), **options}
        return probe.ask("client", as_=as_, **options)

    def write_token(self, file, *arguments):
        """A new token, in one step."""
        new = file.with_suffix(".new")
        new.write_text(token(self.key, *arguments))
        new.replace(file)
        return file


def until(at):
    wait_until(lambda: time.monotonic() > at, "time passes", 600)


def judged(ground, topic, partitions=0):
    """What the official client reads: of each producer [(sequence, place, partition)] in the order of each partition."""
    client, found = ground.broker.official_client(), {}
    for partition in range(max(partitions, 1)):
        reader = client.create_reader(f"{topic}-partition-{partition}" if partitions else topic, pulsar.MessageId.earliest)
        while reader.has_message_available():
            got = reader.read_next(WAIT)
            name, sequence, _ = got.data().split(b":", 2)
            equal(name.decode(), got.producer_name(), "name in the payload")
            at = got.message_id()
            found.setdefault(name.decode(), []).append((int(sequence), (at.ledger_id(), at.entry_id(), at.batch_index()), partition))
        reader.close()
    client.close()
    return found


def hold(ground, topic, acked, partitions=0):
    """The promise, when everything that was sent was acknowledged in the end. `acked`: of each producer sequence -> receipt."""
    found = judged(ground, topic, partitions)
    equal(sorted(found), sorted(name for name in acked if acked[name]), "producers")
    for name, receipts in acked.items():
        there = found.get(name, [])
        for partition in range(max(partitions, 1)):
            sequences = [sequence for sequence, _, at in there if at == partition]
            check(all(a < b for a, b in zip(sequences, sequences[1:])), f"{name}: sequences of partition {partition} do not rise")
        places = {sequence: at for sequence, at, _ in there}
        equal(len(places), len(there), f"{name}: messages without doubles")
        lost = sorted(set(receipts) - set(places))
        check(not lost, f"{name}: {len(lost)} acknowledged messages are lost: {lost[:20]}")
        equal(sorted(places), list(range(len(receipts))), f"{name}: sequences")
        for sequence, receipt in receipts.items():
            if not receipt["duplicate"]:
                equal(places[sequence], place(receipt["id"]), f"{name}: place of {sequence}")
    return found


def watermark(receipts):
    """The first sequence that is not acknowledged, or is behind one that is not."""
    sequence = 0
    while sequence in receipts:
        sequence += 1
    return sequence


def start_load(probe, name, topic, client="c", load=None, **options):
    producer = probe.ask("producer", on=client, as_=name, topic=topic, name=name, **options)
    probe.ask("load", on=name, as_=name, **{"count": FOR_EVER, "keys": 50, "size": 100, "window": 300, "pause_us": 300, **(load or {})})
    return producer


def end_load(probe, *names):
    """Ends the loads, all of whose messages must be acknowledged. Gives back what was."""
    for name in names:
        equal(probe.finish(name)["failed"], False, f"the load {name} failed: {probe.failed.get(name)}")
    return {name: dict(probe.acked[name]) for name in names}


def start_follow(probe, topic, client="c", ack="single", as_="s", **options):
    probe.ask("consumer", on=client, as_=as_, topic=topic, subscription="s", **options)
    probe.ask("follow", on=as_, as_=as_, ack=ack)


def payloads(said):
    return {base64.b64decode(each["payload"]).rsplit(b":", 1)[0].decode() for each in said}


def got_everything(probe, found, name="s", before=()):
    """The consumer never stalls: in the end it has got all messages."""
    wanted = {f"{producer}:{sequence}" for producer, there in found.items() for sequence, _, _ in there}
    wait_until(lambda: len(probe.got.get(name, ())) + len(before) >= len(wanted) and
               wanted <= payloads(list(probe.got[name])) | set(before), "the consumer gets all messages", 60)


def test_a_broker_is_killed(box):
    """kill -9 of the broker at random moments under load, at times of our process with it: what was acknowledged is there once, in order"""
    choose = random.Random(seed_from_environment())
    ground = Ground.get()
    topic = ground.topic(4)
    kinds = {"batches": {}, "singles": {"batching": False, "codec": "lz4"}}
    acked, seen = {name: {} for name in kinds}, set()

    def new_life():
        probe = Probe(box)
        ground.client(probe, operation_timeout_ms=120_000)
        for name, options in kinds.items():
            first = watermark(acked[name])
            start_load(probe, name, topic, first_sequence=first, load={"first": first}, **options)
        start_follow(probe, topic, type="failover")
        return probe

    def learn(probe):
        for name in kinds:
            for sequence, receipt in dict(probe.acked.get(name, {})).items():
                if sequence not in acked[name] or acked[name][sequence]["duplicate"]:
                    acked[name][sequence] = receipt

    probe = new_life()
    for number in range(BROKER_KILLS):
        for name in kinds:
            probe.wait_for_acks(name, probe.acks_of(name) + choose.randrange(200))
        ground.broker.kill()
        if number % 3 == 1:
            probe.kill()
            learn(probe)
            seen |= payloads(probe.got.get("s", ()))
            _, probe = in_threads([ground.broker.restart, new_life])
        else:
            ground.broker.restart()
    for name in kinds:
        probe.wait_for_acks(name, probe.acks_of(name) + 200)
    end_load(probe, *kinds)
    learn(probe)
    got_everything(probe, hold(ground, topic, acked, 4), before=seen)
    probe.close()
    print(f"      {BROKER_KILLS} kills, {sum(map(len, acked.values()))} messages", flush=True)


def test_our_process_is_killed(box):
    """kill -9 of our process at random moments: going on from its own last acknowledgement, nothing is lost, doubled, or received again"""
    choose = random.Random(seed_from_environment())
    ground = Ground.get()
    topic = ground.topic(4)
    acked, taken, seen = {}, set(), set()
    duplicates = 0

    def place_of(at):
        return at["partition"], *place(at)

    for life in range(PROCESS_KILLS + 1):
        with Probe(box) as probe:
            try:
                ground.client(probe)
                # It begins with what it does not know to be stored; the broker knows what of it is.
                first = watermark(acked)
                start_load(probe, "relay", topic, first_sequence=first, batching=choose.random() < 0.8, codec=choose.choice(["none", "lz4", "zstd"]),
                           load={"first": first, "pause_us": choose.choice([0, 0, 200]), "window": choose.choice([10, 300, 2000])})
                start_follow(probe, topic, type="failover", ack="receipt")
                probe.wait_for_acks("relay", choose.choice([0, 1, choose.randrange(100), choose.randrange(3000)]))
                if life == PROCESS_KILLS:
                    probe.wait_for_acks("relay", 500)
                    probe.finish("relay")
                else:
                    probe.kill()
            finally:
                new = probe.acked.get("relay", {})
            for sequence, receipt in new.items():
                duplicates += receipt["duplicate"]
                if sequence not in acked or acked[sequence]["duplicate"]:
                    acked[sequence] = receipt
            if life == PROCESS_KILLS:
                found = hold(ground, topic, {"relay": acked}, 4)
                got_everything(probe, found, before=seen)
            again = taken & {place_of(each["id"]) for each in probe.got.get("s", ())}
            check(not again, f"{len(again)} messages came again that were acknowledged with a receipt: {sorted(again)[:5]}")
            taken |= {place_of(each) for each in probe.took.get("s", ())}
            seen |= payloads(probe.got.get("s", ()))
    print(f"      {PROCESS_KILLS} kills, {len(acked)} messages, {duplicates} sent again and told apart, {len(taken)} taken", flush=True)


def test_a_frozen_broker(box):
    """A broker that stands still for 5 to 40 s under load: who asks often hangs up and comes back, who is patient waits; nothing is lost or doubled"""
    ground = Ground.get()
    topic = ground.topic(4)
    clients = {"hasty": 1000, "brisk": 5000, "patient": 30_000}
    with Probe(box) as probe:
        for name, keep_alive in clients.items():
            ground.client(probe, as_=f"c-{name}", keep_alive_ms=keep_alive)
            start_load(probe, name, topic, client=f"c-{name}")
        start_follow(probe, topic, client="c-brisk")

        def connected(name):
            return probe.ask("state", on=name)["connected"]

        for seconds in FREEZES:
            for name in clients:
                probe.wait_for_acks(name, probe.acks_of(name) + 200)
            ground.broker.freeze()
            try:
                end = time.monotonic() + seconds
                wait_until(lambda: not connected("hasty"), "a keep-alive of 1 s finds out", 5)
                if seconds == 5:
                    check(connected("patient"), "a keep-alive of 30 s hung up after 5 s")
                until(end)
            finally:
                ground.broker.thaw()
        for name in clients:
            probe.wait_for_acks(name, probe.acks_of(name) + 200)
        got_everything(probe, hold(ground, topic, end_load(probe, *clients), 4))


def cut_at(proxy, direction, name, verdict, count):
    """Cuts the line once, at so many-th frame of that name. Gives back an event that is set then."""
    done, seen = threading.Event(), [0]

    def on_frame(way, what, _):
        if done.is_set() or (way, what) != (direction, name):
            return None
        seen[0] += 1
        if seen[0] < count:
            return None
        done.set()
        return verdict

    proxy.on_frame = on_frame
    return done


def test_the_line_is_cut(box):
    """Connections are cut at random and at the worst moments, swallowed by black holes, slowed down, fed byte by byte: nothing is lost or doubled"""
    choose = random.Random(seed_from_environment())
    ground = Ground.get()
    proxy, topic = ground.proxy, ground.topic()
    under_load = [(">", "SEND", "cut-after"), ("<", "SEND_RECEIPT", "cut"), (">", "SEND", "cut"), ("<", "MESSAGE", "cut-after"), (">", "ACK", "cut"),
                  (">", "ACK", "cut-after"), ("<", "ACK_RESPONSE", "cut")]
    coming_back = [(">", "CONNECT", "cut-after"), ("<", "CONNECTED", "cut"), (">", "LOOKUP", "cut-after"), ("<", "LOOKUP_RESPONSE", "cut"),
                   (">", "PRODUCER", "cut-after"), ("<", "PRODUCER_SUCCESS", "cut"), (">", "SUBSCRIBE", "cut-after"), ("<", "SUCCESS", "cut-after")]
    with Probe(box) as probe:
        ground.client(probe, proxied=True, keep_alive_ms=1000, connect_timeout_ms=2000)
        start_load(probe, "relay", topic, load={"window": 100, "pause_us": 2000})
        start_follow(probe, topic, ack="receipt", type="failover")

        def flows(count=50):
            """Both ways again."""
            probe.wait_for_acks("relay", probe.acks_of("relay") + count)
            messages = len(probe.got.get("s", ()))
            wait_until(lambda: len(probe.got.get("s", ())) > messages, "messages come")

        def one_cut(number):
            kind = number % 8
            flows()
            if kind < 3:
                which = choose.choice(under_load)
                wait_until(cut_at(proxy, *which, choose.randrange(1, 30)).is_set, f"the line is cut: {which}")
            elif kind == 3:
                for which in choose.sample(coming_back, 3):
                    done = cut_at(proxy, *which, 1)
                    proxy.cut()
                    wait_until(done.is_set, f"the line is cut: {which}")
            elif kind == 4:
                check(proxy.cut(reset=choose.random() < 0.5) > 0, "nothing was cut")
            elif kind == 5:
                accepted = proxy.accepted
                proxy.black_hole(choose.randrange(20_000), choose.choice([">", "<", "><"]))
                wait_until(lambda: proxy.accepted > accepted, "the client hangs up in a black hole and dials again")
                proxy.heal()
            elif kind == 6:
                proxy.delay = choose.choice([0.02, 0.2])
                flows(20)
            else:
                proxy.one_byte = True
                proxy.cut()
                flows(5)
            proxy.heal()

        for number in range(CUTS):
            one_cut(number)
        flows()
        got_everything(probe, hold(ground, topic, end_load(probe, "relay")))
        print(f"      {CUTS} faults, {proxy.accepted} connections, {probe.acks_of('relay')} messages", flush=True)


def test_topics_are_unloaded(box):
    """Topics are unloaded many times under load: producers and consumers are back at once, nothing is lost or doubled"""
    choose = random.Random(seed_from_environment())
    ground = Ground.get()
    topic, owned = ground.topic(4), ground.topic()
    with Probe(box) as probe:
        ground.client(probe)
        start_load(probe, "batches", topic)
        start_load(probe, "owner", owned, access="exclusive_with_fencing")
        start_follow(probe, topic)
        for number in range(UNLOADS):
            probe.wait_for_acks("batches", probe.acks_of("batches") + choose.randrange(300))
            probe.wait_for_acks("owner", probe.acks_of("owner") + choose.randrange(100))
            if number % 2:
                ground.broker.unload(ground.space)
            else:
                path = topic.removeprefix("persistent://")
                ground.broker.ask("PUT", f"/persistent/{path}-partition-{choose.randrange(4)}/unload")
        for name in ("batches", "owner"):
            probe.wait_for_acks(name, probe.acks_of(name) + 100)
        acked = end_load(probe, "batches", "owner")
        hold(ground, owned, {"owner": acked.pop("owner")})
        got_everything(probe, hold(ground, topic, acked, 4))


def test_a_producer_is_fenced(box):
    """Who takes over with fencing ends the other for ever; what either had acknowledged is there once, and nothing of the first behind the second"""
    ground = Ground.get()
    topic = ground.topic()
    acked = {}
    with Probe(box) as one, Probe(box) as other:
        ground.client(one)
        ground.client(other)
        owner, names = None, []
        for number in range(6):
            probe, name = (one, other)[number % 2], f"owner-{number}"
            start_load(probe, name, topic, access="exclusive_with_fencing")
            probe.wait_for_acks(name, 100)
            if owner:
                before, old = owner
                wait_until(lambda p=before, n=old: n in p.loaded, "the load of who was fenced ends")
                codes = {error["code"] for error in before.failed.get(old, {}).values()}
                equal(codes, {"pulsar-producer-fenced"}, "why it ended")
                equal(before.ask("state", on=old)["ended"]["code"], "pulsar-producer-fenced", "its state")
                acked[old] = dict(before.acked[old])
            owner = probe, name
            names.append(name)
        # When the one before tries once more, the broker first disconnects whoever is there, and he must come back.
        probe, name = owner
        probe.wait_for_acks(name, probe.acks_of(name) + 500)
        wait_until(lambda: [each["producerName"] for each in ground.broker.stats(topic.removeprefix("persistent://"))["publishers"]] == [name],
                   "the last owner is there")
        equal(other.error_code("producer", on="c", as_="x", topic=topic, name="late", access="exclusive"), "pulsar-producer-fenced",
              "an exclusive producer where one is")
        official = ground.broker.official_client()
        thief = official.create_producer(topic, producer_name="official", access_mode=pulsar.ProducerAccessMode.ExclusiveWithFencing)
        wait_until(lambda: name in probe.loaded, "the official client fences ours")
        acked[name] = dict(probe.acked[name])
        thief.send(b"official:0:")
        start_load(probe, "last", topic, access="exclusive_with_fencing", load={"count": 100})
        wait_until(lambda: "last" in probe.loaded, "the last owner's load ends")
        acked["last"] = dict(probe.acked["last"])
        try:
            thief.send(b"official:1:")
            check(False, "the official client was not fenced by ours")
        except pulsar.PulsarException:
            pass
        with contextlib.suppress(pulsar.AlreadyClosed):  # as its producer is
            official.close()
        found = judged(ground, topic)
        del found["official"]
        equal(list(found), names + ["last"], "owners in the order of the topic")
        check_owners(found, acked)


def check_owners(found, acked):
    """What an owner had acknowledged is there once and where it was said; everything of it lies before the next one's."""
    ends = [(there[0][1], there[-1][1]) for there in found.values()]
    check(all(a[1] < b[0] for a, b in zip(ends, ends[1:])), f"messages of owners lie among each other's: {ends}")
    for name, receipts in acked.items():
        places = {sequence: at for sequence, at, _ in found[name]}
        equal(len(places), len(found[name]), f"{name}: messages without doubles")
        equal([sequence for sequence, _, _ in found[name]], sorted(places), f"{name}: order")
        for sequence, receipt in receipts.items():
            check(sequence in places, f"{name}: {sequence} is lost")
            check(receipt["duplicate"] or places[sequence] == place(receipt["id"]), f"{name}: {sequence} is not where its receipt said")


def test_waiting_for_exclusive(box):
    """Who waits to be the only producer gets it when the one before is killed, and not sooner"""
    ground = Ground.get()
    topic = ground.topic()
    with Probe(box) as heir:
        ground.client(heir)
        with Probe(box) as owner:
            ground.client(owner)
            start_load(owner, "owner", topic, access="wait_for_exclusive")
            owner.wait_for_acks("owner", 100)
            waiting = heir.begin("producer", as_="heir", on="c", topic=topic, name="heir", access="wait_for_exclusive")
            owner.wait_for_acks("owner", owner.acks_of("owner") + 500)
            check(not heir.has_answer(waiting), "the heir did not wait")
            owner.kill()
            acked = {"owner": dict(owner.acked["owner"])}
        heir.answer(waiting)
        heir.ask("load", on="heir", as_="heir", count=200)
        wait_until(lambda: "heir" in heir.loaded, "the load of the heir ends")
        acked["heir"] = dict(heir.acked["heir"])
        found = judged(ground, topic)
        equal(list(found), ["owner", "heir"], "owners in the order of the topic")
        check_owners(found, acked)


def refused(probe, client, topic):
    """The code with which a producer is refused, and that it takes no time-out to say so."""
    begin = time.monotonic()
    code = probe.error_code("producer", on=client, as_="refused", topic=topic)
    check(time.monotonic() - begin < 8, f"{code} took {time.monotonic() - begin:.1f} s")
    return code


def test_tokens(box):
    """A token that is renewed in time keeps its connection; one that is not ends it, with a clear error, until it is; others are refused at once"""
    ground = Ground.get()
    topic, file = ground.topic(), box.folder / "token"
    with Probe(box) as probe:
        def client(as_, *arguments):
            ground.client(probe, as_=as_, token_file=str(ground.write_token(box.folder / as_, *arguments)))
            return as_

        equal(refused(probe, client("expired", "admin", -10), topic), "pulsar-authentication-error", "an expired token")
        equal(refused(probe, client("stranger", "stranger"), topic), "pulsar-authorization-error", "a token without rights")
        other = token_key(box.folder / "other-key")
        (box.folder / "forged").write_text(token(other, "admin"))
        ground.client(probe, as_="forged", token_file=str(box.folder / "forged"))
        equal(refused(probe, "forged", topic), "pulsar-authentication-error", "a token of another key")
        (box.folder / "garbage").write_text("garbage")
        ground.client(probe, as_="garbage", token_file=str(box.folder / "garbage"))
        equal(refused(probe, "garbage", topic), "pulsar-authentication-error", "no token at all")
        probe.ask("client", as_="nobody", service=ground.broker.service)
        equal(refused(probe, "nobody", topic), "pulsar-authentication-error", "nobody")

        ground.client(probe, proxied=True, token_file=str(ground.write_token(file, "admin", 15)))
        accepted = ground.proxy.accepted
        start_load(probe, "relay", topic)
        probe.wait_for_acks("relay", 1)
        connections = ground.proxy.accepted
        for _ in range(4):
            end = time.monotonic() + 10  # the broker asks for a new one when the old one's 15 seconds are over
            ground.write_token(file, "admin", 15)
            until(end)
        probe.wait_for_acks("relay", probe.acks_of("relay") + 200)
        equal(ground.proxy.accepted, connections, f"connections after three renewals ({connections - accepted} at first)")

        wait_until(lambda: not probe.ask("state", on="relay")["connected"], "the connection ends with its token", 60)
        equal(refused(probe, "c", topic), "pulsar-authentication-error", "an expired token, at an open client")
        check("ended" not in probe.ask("state", on="relay"), "the producer has ended")
        stored = probe.acks_of("relay")
        ground.write_token(file, "admin", 600)
        probe.wait_for_acks("relay", stored + 200)
        hold(ground, topic, end_load(probe, "relay"))


def serve_certificate(ground, name):
    """Puts a certificate in the place of the broker's, and waits until it shows it."""
    for kind in ("key", "pem"):
        shutil.copy(ground.tls / f"{name}.{kind}", ground.tls / f"new.{kind}")
    for kind in ("key", "pem"):
        (ground.tls / f"new.{kind}").replace(ground.tls / f"good.{kind}")
    host, port = ground.broker.tls_service.split("//")[1].split(":")
    wanted = ssl.PEM_cert_to_DER_cert((ground.tls / "good.pem").read_text())
    wait_until(lambda: ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, int(port)))) == wanted, f"the broker shows {name}", 30)


def test_tls(box):
    """Over TLS the right certificate is taken; a wrong name, an unknown authority and an expired one are refused, each with its own code"""
    ground = Ground.get()
    topic = ground.topic()
    shutil.copy(ground.tls / "good.pem", ground.tls / "true.pem")
    shutil.copy(ground.tls / "good.key", ground.tls / "true.key")
    port = ground.broker.tls_service.rsplit(":", 1)[1]
    with Probe(box) as probe:
        def client(as_, host="127.0.0.1", ca="ca", **options):
            ground.client(probe, as_=as_, **{"service": f"pulsar+ssl://{host}:{port}", "ca_file": str(ground.tls / f"{ca}.pem"), **options})
            return as_

        for host in ("127.0.0.1", "localhost"):
            name = f"good-{host}"
            start_load(probe, name, topic, client=client(name, host), load={"count": 300})
            probe.wait_for_acks(name, 300)
        equal(refused(probe, client("other-ca", ca="other-ca"), topic), "pulsar-tls-unknown-ca", "an authority of somebody else's")
        try:
            for certificate, code in (("wrong-name", "pulsar-tls-name"), ("expired", "pulsar-tls-expired"), ("unknown-ca", "pulsar-tls-unknown-ca")):
                serve_certificate(ground, certificate)
                equal(refused(probe, client(certificate), topic), code, certificate)
        finally:
            serve_certificate(ground, "true")
        start_load(probe, "again", topic, client=client("again"), load={"count": 300})
        probe.wait_for_acks("again", 300)
        plain = ground.broker.service.removeprefix("pulsar:")
        code = refused(probe, client("plain", service=f"pulsar+ssl:{plain}", operation_timeout_ms=3000), topic)
        check(code and code.startswith("pulsar-"), f"a port without TLS gives {code}")
        found = hold(ground, topic, {name: dict(probe.acked[name]) for name in ("good-127.0.0.1", "good-localhost", "again")})
        equal(sorted(map(len, found.values())), [300, 300, 300], "messages that came over TLS")
