"""Our Pulsar client and the official Python one on a real broker: what one writes the other reads, whole, and they share subscriptions."""
import http.client
import itertools
import random
import secrets
import struct
import threading

import pulsar

from harness import check, equal, wait_until
from pulsar_broker import shared
from pulsar_probe import Probe, Refused, message, payload, place

WAIT = 30_000  # in milliseconds, as the official client counts
LARGEST = 5 * 1024 * 1024  # the broker's: metadata and payload of an entry
CODECS = {"none": pulsar.CompressionType.NONE, "lz4": pulsar.CompressionType.LZ4, "zlib": pulsar.CompressionType.ZLib,
          "zstd": pulsar.CompressionType.ZSTD, "snappy": pulsar.CompressionType.SNAPPY}
TYPES = {"exclusive": pulsar.ConsumerType.Exclusive, "shared": pulsar.ConsumerType.Shared, "failover": pulsar.ConsumerType.Failover,
         "key_shared": pulsar.ConsumerType.KeyShared}


class Both:
    """The broker of the step, a client of each library, and topics of this test's own."""

    def __init__(self, box):
        self.broker = shared()
        self.space = self.broker.namespace("acopio", "interop")
        self.probe = Probe(box)
        self.probe.ask("client", as_="c", service=self.broker.service)
        self.official = self.broker.official_client()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.official.close()
        self.probe.close()

    def topic(self, partitions=0):
        return self.broker.topic(f"{self.space}/t-{secrets.token_hex(6)}", partitions)

    def producer(self, topic, as_="p", **options):
        return self.probe.ask("producer", on="c", as_=as_, topic=topic, **options)

    def consumer(self, topic, kind, as_="s", **options):
        """Ours on the subscription "s"."""
        return self.probe.ask("consumer", on="c", as_=as_, topic=topic, subscription="s", type=kind, **options)

    def official_consumer(self, topic, kind, **options):
        """The official one on the subscription "s"."""
        return self.official.subscribe(topic, "s", TYPES[kind], initial_position=pulsar.InitialPosition.Earliest, **options)

    def read_by_ours(self, topic, count, **options):
        """The first messages, and that there are no more."""
        self.probe.ask("reader", on="c", as_="r", topic=topic, **options)
        found = self.probe.receive("r", count)
        equal(len(found), count, "messages that ours read")
        equal(self.probe.receive("r", 1, wait_ms=100), [], "more messages")
        self.probe.ask("close", on="r")
        return found

    def read_by_official(self, topic, count, **options):
        reader = self.official.create_reader(topic, pulsar.MessageId.earliest, **options)
        found = [reader.read_next(WAIT) for _ in range(count)]
        check(not reader.has_message_available(), "there are more messages")
        reader.close()
        return found

    def headers(self, topic, receipt):
        """What the broker's administration tells of an entry."""
        ledger, entry, _ = place(receipt["id"])
        connection = http.client.HTTPConnection(self.broker.admin_address.removeprefix("http://"), timeout=30)
        connection.request("GET", f"/admin/v2/persistent/{topic.removeprefix('persistent://')}/ledger/{ledger}/entry/{entry}")
        answer = connection.getresponse()
        answer.read()
        connection.close()
        equal(answer.status, 200, "reading an entry through the administration")
        return {name.lower(): value for name, value in answer.getheaders()}

    def backlog(self, topic):
        return self.broker.stats(topic.removeprefix("persistent://"))["subscriptions"]["s"]["msgBacklog"]


def place_of(official):
    """(ledger, entry, batch index) of an id of the official client."""
    return official.ledger_id(), official.entry_id(), official.batch_index()


def murmur3(key):
    """MurmurHash3_x86_32 with seed 0, written from its description for this test alone."""
    data, mask = key.encode(), 0xFFFFFFFF

    def mixed(block):
        block = block * 0xCC9E2D51 & mask
        return (block << 15 | block >> 17) * 0x1B873593 & mask

    value, whole = 0, len(data) // 4 * 4
    for (block,) in struct.iter_unpack("<I", data[:whole]):
        value ^= mixed(block)
        value = ((value << 13 | value >> 19) & mask) * 5 + 0xE6546B64 & mask
    if data[whole:]:
        value ^= mixed(int.from_bytes(data[whole:], "little"))
    value ^= len(data)
    value = (value ^ value >> 16) * 0x85EBCA6B & mask
    value = (value ^ value >> 13) * 0xC2B2AE35 & mask
    return value ^ value >> 16


def partition_of(key, partitions):
    return (murmur3(key) & 0x7FFFFFFF) % partitions


def kinds_of_messages():
    """(payload or None for a tombstone, key, properties, event time): each kind of field with and without."""
    noise = random.Random(20261124)
    payloads = [b"", b"x", "żółw".encode() * 500, noise.randbytes(30_000), None, b"\0" * 300_000, noise.randbytes(200_000)]
    for data, key in itertools.product(payloads, ("", "order-42", "żółw-7")):
        if data is None and not key:
            continue
        yield data, key, {"a": "", "type": "zażółć", "n" * 300: "v" * 5000}, 1_700_000_000_123
        yield data, key, {}, 0


def in_our_words(content, sequence):
    data, key, properties, event_time = content
    return message(data or b"", key=key, properties=list(properties.items()), event_time=event_time, null=data is None, sequence=sequence)


def test_ours_is_read_by_the_official_client(box):
    """What our client writes the official one reads the same: codecs, batches, keys, properties, times, tombstones, ids and sequences"""
    contents = list(kinds_of_messages())
    sequences = [7 + 3 * n for n in range(len(contents))]
    with Both(box) as both:
        for codec, batching in itertools.product(CODECS, (True, False)):
            topic = both.topic()
            both.producer(topic, name="writer", codec=codec, batching=batching, batch_delay_ms=20)
            receipts = both.probe.send("p", [in_our_words(each, number) for each, number in zip(contents, sequences)])
            what = f"{codec}, {'batches' if batching else 'singles'}: "
            for (data, key, properties, event_time), receipt, got in zip(contents, receipts, both.read_by_official(topic, len(contents))):
                equal(got.data(), data or b"", what + "payload")
                equal((got.partition_key(), got.properties(), got.event_timestamp(), got.has_null_value()),
                      (key, properties, event_time, data is None), what + "key, properties, event time, tombstone")
                equal((got.producer_name(), place_of(got.message_id())), ("writer", place(receipt["id"])), what + "producer and id")
            entries = {place(each["id"])[:2]: number for each, number in reversed(list(zip(receipts, sequences)))}
            check(len(entries) < len(contents) if batching else len(entries) == len(contents), what + f"{len(entries)} entries")
            for entry, number in list(entries.items())[::4]:
                headers = both.headers(topic, {"id": {"ledger": entry[0], "entry": entry[1], "batch": -1}})
                equal(headers.get("x-pulsar-sequence-id"), str(number), what + f"sequence that the broker stored ({headers})")
            both.probe.ask("close", on="p")
            equal(both.producer(topic, name="writer")["last_sequences"], [sequences[-1]], what + "last sequence that the broker has")
            both.probe.ask("close", on="p")


def test_the_official_client_is_read_by_ours(box):
    """What the official client writes ours reads the same: codecs, batches, keys, properties, times, tombstones, ids and sequences"""
    contents = list(kinds_of_messages())
    with Both(box) as both:
        for codec, batching in itertools.product(CODECS, (True, False)):
            topic, places = both.topic(), []
            producer = both.official.create_producer(topic, producer_name="writer", compression_type=CODECS[codec], batching_enabled=batching,
                                                     batching_max_publish_delay_ms=20)
            for number, (data, key, properties, event_time) in enumerate(contents):
                producer.send_async(data, lambda result, at: places.append((result, place_of(at))), properties=properties,
                                    partition_key=key, event_timestamp=event_time, sequence_id=7 + 3 * number)
            producer.flush()
            wait_until(lambda many=places: len(many) == len(contents), "the official client has its receipts")
            what = f"{codec}, {'batches' if batching else 'singles'}: "
            for number, (content, at, got) in enumerate(zip(contents, places, both.read_by_ours(topic, len(contents)))):
                data, key, properties, event_time = content
                equal(payload(got), data or b"", what + "payload")
                equal((got["key"], dict(got["properties"]), got["event_time"], got["null"]), (key, properties, event_time, data is None),
                      what + "key, properties, event time, tombstone")
                equal((got["producer"], got["sequence"], (pulsar.Result.Ok, place(got["id"]))), ("writer", 7 + 3 * number, at),
                      what + "producer, sequence, id")
            producer.close()


def varint(value):
    return (max(value.bit_length(), 1) + 6) // 7


def test_largest_payload(box):
    """A message of exactly the broker's limit passes both ways, a byte more is refused before it is sent; what compression makes small passes"""
    noise = random.Random(5)
    with Both(box) as both:
        topic = both.topic()
        both.producer(topic, name="writer", batching=False)
        # Its metadata: producer name, sequence (0 to 2), publish time in milliseconds.
        most = LARGEST - (2 + len("writer")) - (1 + 1) - (1 + varint(1_800_000_000_000))
        big = noise.randbytes(most + 1)
        both.probe.send("p", [message(big[:-2]), message(big[:-1])])
        try:
            both.probe.send("p", [message(big)])
            code = None
        except Refused as error:
            code = error.code
        equal(code, "pulsar-message-too-large", "one byte too many")
        both.probe.send("p", [message(b"next")])
        state = both.probe.ask("state", on="p")
        equal((state["connected"], state["pending"], "ended" in state), (True, 0, False), "the producer goes on")
        found = [each.data() for each in both.read_by_official(topic, 3)]
        check(found == [big[:-2], big[:-1], b"next"], f"payloads of {[len(each) for each in found]} bytes")
        check([payload(each) for each in both.read_by_ours(topic, 3)] == found, "ours reads its own")

        for codec in ("lz4", "zlib", "zstd", "snappy"):
            topic = both.topic()
            both.producer(topic, as_=codec, codec=codec)
            both.probe.send(codec, [{"size": 4 * LARGEST, "fill": "z"}])
            try:
                both.probe.send(codec, [message(noise.randbytes(LARGEST))])
                code = None
            except Refused as error:
                code = error.code
            equal(code, "pulsar-message-too-large", f"noise with {codec}")
            check(both.read_by_official(topic, 1)[0].data() == b"z" * (4 * LARGEST), f"20 MiB that {codec} made small")

        topic = both.topic()
        producer = both.official.create_producer(topic)
        sent = []
        for size in (LARGEST - 200, LARGEST - 100, LARGEST - 1, LARGEST, LARGEST + 1):
            try:
                producer.send(big[:1] * size)
                sent.append(size)
            except pulsar.PulsarException:
                break  # what the official client or the broker takes for too much
        check(len(sent) >= 2, f"the official client sent {sent}")
        found = both.read_by_ours(topic, len(sent), digest=True)
        equal([each["size"] if "size" in each else len(payload(each)) for each in found], sent, "sizes that ours read")
        topic = both.topic()
        both.official.create_producer(topic, compression_type=pulsar.CompressionType.ZSTD).send(b"z" * (4 * LARGEST))
        check(payload(both.read_by_ours(topic, 1)[0]) == b"z" * (4 * LARGEST), "20 MiB that the official client made small")


def test_partition_of_a_key(box):
    """A key lies where Murmur3 says, whoever wrote it; each client sees the same partition in the id"""
    vectors = {"": 0, "k1": 2110152746, "k2": 1479966664, "key1": 462881061, "hello": 613153351, "test": 980144659, "order-42": 1259446670,
               "żółw-7": 82192748}
    equal({key: murmur3(key) & 0x7FFFFFFF for key in vectors}, vectors, "this test's own Murmur3")
    keys = [f"key-{n}" for n in range(120)] + [secrets.token_hex(16) for _ in range(40)] + ["żółw-7", "ü", "日本語", "a" * 1000]
    with Both(box) as both:
        topic = both.topic(4)
        equal(both.producer(topic, name="ours")["partitions"], 4, "partitions")
        receipts = both.probe.send("p", [message(key.encode(), key=key) for key in keys])
        official = both.official.create_producer(topic, message_router=lambda each, count: partition_of(each.partition_key(), count))
        for key in keys:
            official.send_async(key.encode(), lambda *_: None, partition_key=key)
        official.flush()
        equal([each["id"]["partition"] for each in receipts], [partition_of(key, 4) for key in keys], "partitions of our receipts")
        for partition in range(4):
            here = [key for key in keys if partition_of(key, 4) == partition]
            check(here, "no key of this partition")
            found = both.read_by_official(f"{topic}-partition-{partition}", 2 * len(here))
            for writer, of_writer in (("ours", True), ("official", False)):
                equal([each.partition_key() for each in found if (each.producer_name() == "ours") == of_writer], here, f"keys that {writer} wrote")
        both.consumer(topic, "exclusive")
        for each in both.probe.receive("s", 2 * len(keys)):
            equal(each["id"]["partition"], partition_of(each["key"], 4), "partition that ours read")
        consumer = both.official_consumer(topic, "exclusive") if both.probe.ask("close", on="s") else None
        for each in (consumer.receive(WAIT) for _ in range(2 * len(keys))):
            equal(each.message_id().partition(), partition_of(each.partition_key(), 4), "partition that the official client read")


class Collector:
    """Receives and acknowledges with the official client, in a thread of its own."""

    def __init__(self, consumer):
        self.consumer, self.messages, self._stop = consumer, [], threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.is_set():
            try:
                got = self.consumer.receive(200)
            except pulsar.Timeout:
                continue
            except pulsar.AlreadyClosed:  # the test has failed
                return
            self.messages.append((got.partition_key(), got.data()))
            self.consumer.acknowledge(got)

    def close(self):
        self._stop.set()
        self._thread.join(30)
        self.consumer.close()


def written_by_both(both, topic, count, keys, start=0, **options):
    """Both clients write as many messages; gives back all payloads."""
    both.producer(topic, as_="p", **options)
    official = both.official.create_producer(topic, batching_enabled=bool(options.get("batching", True)), batching_type=pulsar.BatchingType.KeyBased)
    both.probe.send("p", [message(f"ours:{n}".encode(), key=f"key-{n % keys}") for n in range(start, start + count)])
    for n in range(start, start + count):
        official.send_async(f"official:{n}".encode(), lambda *_: None, partition_key=f"key-{n % keys}")
    official.flush()
    official.close()
    both.probe.ask("close", on="p")
    return {f"{who}:{n}".encode() for who in ("ours", "official") for n in range(start, start + count)}


def followed(both, name="f"):
    return [(each["key"], payload(each)) for each in list(both.probe.got.get(name, []))]


def in_order(got):
    """Of each writer and key the numbers rise."""
    for key, writer in itertools.product({key for key, _ in got}, (b"ours", b"official")):
        numbers = [int(data.split(b":")[1]) for at, data in got if at == key and data.startswith(writer + b":")]
        equal(numbers, sorted(numbers), f"order of {key} from {writer.decode()}")


def test_a_shared_subscription(box):
    """On one Shared subscription both clients get a part of the messages, each message is got once, and nothing is left"""
    with Both(box) as both:
        topic = both.topic()
        both.consumer(topic, "shared", queue_messages=20)
        collector = Collector(both.official_consumer(topic, "shared", receiver_queue_size=20))
        both.probe.ask("follow", on="s", as_="f", ack="receipt")
        sent = written_by_both(both, topic, 300, 10, batching=False)
        wait_until(lambda: len(followed(both)) + len(collector.messages) >= len(sent), "all messages were got")
        wait_until(lambda: both.backlog(topic) == 0, "everything is acknowledged")
        ours, theirs = [data for _, data in followed(both)], [data for _, data in collector.messages]
        equal(sorted(ours + theirs), sorted(sent), "what both got")
        check(min(len(ours), len(theirs)) > 20, f"{len(ours)} and {len(theirs)} messages")
        collector.close()


def test_a_key_shared_subscription(box):
    """On one Key_Shared subscription every key is one client's, in order, with batches of both writers"""
    with Both(box) as both:
        topic = both.topic()
        both.consumer(topic, "key_shared")
        collector = Collector(both.official_consumer(topic, "key_shared"))
        both.probe.ask("follow", on="s", as_="f", ack="receipt")
        sent = written_by_both(both, topic, 400, 40, batch_by_key=True, batch_delay_ms=20)
        wait_until(lambda: len(followed(both)) + len(collector.messages) >= len(sent), "all messages were got")
        wait_until(lambda: both.backlog(topic) == 0, "everything is acknowledged")
        ours, theirs = followed(both), list(collector.messages)
        equal(sorted(data for _, data in ours + theirs), sorted(sent), "what both got")
        keys = {key for key, _ in ours}, {key for key, _ in theirs}
        check(keys[0] and keys[1] and not keys[0] & keys[1], f"keys of ours and of the official client: {keys}")
        in_order(ours)
        in_order(theirs)
        collector.close()


def test_a_failover_subscription(box):
    """A Failover subscription goes from the official client to ours and back, each continuing where the other acknowledged, in order"""
    with Both(box) as both:
        topic = both.topic()
        official = Collector(both.official_consumer(topic, "failover", consumer_name="a"))
        both.consumer(topic, "failover", name="b", priority=1)
        both.probe.ask("follow", on="s", as_="f", ack="receipt")

        def events():
            return [each["event"] for each in list(both.probe.events) if each["event"] in ("active", "inactive")]

        sent = written_by_both(both, topic, 50, 5)
        wait_until(lambda: len(official.messages) == len(sent), "the official client, which has priority, got them")
        equal(followed(both), [], "what ours got meanwhile")
        wait_until(lambda: both.backlog(topic) == 0, "everything is acknowledged")
        official.close()
        wait_until(lambda: events()[-1:] == ["active"], "ours is told that it is the active one")
        second = written_by_both(both, topic, 50, 5, start=50)
        wait_until(lambda: len(both.probe.took.get("f", [])) == len(second), "ours got the next ones")
        equal({data for _, data in followed(both)}, second, "what ours got")
        official = Collector(both.official_consumer(topic, "failover", consumer_name="a"))
        wait_until(lambda: events()[-1:] == ["inactive"], "ours is told that it is not the active one any more")
        third = written_by_both(both, topic, 50, 5, start=100)
        wait_until(lambda: len(official.messages) == len(third), "the official client got what came after it was back")
        equal({data for _, data in official.messages}, third, "what the official client got")
        equal(len(followed(both)), len(second), "messages that ours got in all")
        for got in (followed(both), official.messages):
            in_order(got)
        official.close()


def test_acks_of_single_messages_of_a_batch(box):
    """Messages of one batch that one client acknowledged the other does not get, in turns, whoever wrote the batch"""
    with Both(box) as both:
        for kind, writer in itertools.product(("exclusive", "shared"), ("ours", "official")):
            topic, what = both.topic(), f"{kind}, written by {writer}: "
            if writer == "ours":
                both.producer(topic, batch_delay_ms=500)
                both.probe.send("p", [message(b"%d" % n) for n in range(12)])
                both.probe.ask("close", on="p")
            else:
                producer = both.official.create_producer(topic, batching_enabled=True, batching_max_publish_delay_ms=500)
                for n in range(12):
                    producer.send_async(b"%d" % n, lambda *_: None)
                producer.flush()
                producer.close()
            both.consumer(topic, kind)
            got = both.probe.receive("s", 12)
            equal([payload(each) for each in got], [b"%d" % n for n in range(12)], what + "the batch")
            equal({(place(each["id"])[:2], each["id"]["batch_size"]) for each in got}, {(place(got[0]["id"])[:2], 12)}, what + "one entry of 12")
            both.probe.ask("ack", on="s", ids=[got[n]["id"] for n in (0, 3, 6, 11)], receipt=True)
            both.probe.ask("close", on="s")

            consumer = both.official_consumer(topic, kind, batch_index_ack_enabled=True)
            rest = [consumer.receive(WAIT) for _ in range(8)]
            equal([int(each.data()) for each in rest], [1, 2, 4, 5, 7, 8, 9, 10], what + "what ours left to the official client")
            for each in rest:
                if int(each.data()) in (1, 4, 7):
                    consumer.acknowledge(each)
            consumer.close()

            both.consumer(topic, kind)
            rest = both.probe.receive("s", 5)
            equal([int(payload(each)) for each in rest], [2, 5, 8, 9, 10], what + "what the official client left to ours")
            equal(both.probe.receive("s", 1, wait_ms=200), [], what + "more messages")
            both.probe.ask("ack", on="s", ids=[each["id"] for each in rest[:-1]])  # without a receipt: sent together
            both.probe.ask("close", on="s")
            consumer = both.official_consumer(topic, kind, batch_index_ack_enabled=True)
            last = consumer.receive(WAIT)
            equal(int(last.data()), 10, what + "the last one")
            consumer.acknowledge(last)
            consumer.close()
            wait_until(lambda: both.backlog(topic) == 0, what + "everything is acknowledged")


def test_positions_mean_the_same(box):
    """Cumulative acks, nacks, seeks, last ids and start ids mean the same to both clients, in the middle of batches too"""
    with Both(box) as both:
        topic = both.topic()
        both.producer(topic, batch_messages=10, batch_delay_ms=200)
        receipts = both.probe.send("p", [message(b"%d" % n) for n in range(40)])
        both.consumer(topic, "exclusive", nack_delay_ms=100)
        got = both.probe.receive("s", 40)
        both.probe.ask("ack", on="s", ids=[got[14]["id"]], cumulative=True, receipt=True)
        both.probe.ask("close", on="s")
        consumer = both.official_consumer(topic, "exclusive", batch_index_ack_enabled=True)
        equal([int(consumer.receive(WAIT).data()) for _ in range(25)], list(range(15, 40)), "behind our cumulative ack")
        last = consumer.get_last_message_id()
        official = both.official.create_reader(topic, pulsar.MessageId(-1, *place(receipts[26]["id"])))
        equal([int(official.read_next(WAIT).data()) for _ in range(13)], list(range(27, 40)), "the official reader behind an id of ours")
        official.seek(pulsar.MessageId(-1, *place(receipts[33]["id"])))
        after_seek = int(official.read_next(WAIT).data())
        check(after_seek in (33, 34), f"{after_seek} after the official reader's seek to 33")
        official.close()
        consumer.redeliver_unacknowledged_messages()
        message_23 = next(each for each in (consumer.receive(WAIT) for _ in range(25)) if int(each.data()) == 23)
        consumer.acknowledge_cumulative(message_23)
        consumer.close()
        both.consumer(topic, "exclusive", nack_delay_ms=100)
        got = both.probe.receive("s", 16)
        equal([int(payload(each)) for each in got], list(range(24, 40)), "behind the official client's cumulative ack")
        both.probe.ask("nack", on="s", ids=[got[3]["id"]])
        again = both.probe.receive("s", 16)
        equal(int(payload(again[0])), 24, "a nack on Exclusive goes back to the first that is not acknowledged")
        equal(place(both.probe.ask("last_ids", on="s")["ids"][0]), place_of(last), "the last id")
        both.probe.ask("seek", on="s", to=receipts[33]["id"])
        equal([int(payload(each)) for each in both.probe.receive("s", 7)], list(range(33, 40)), "after our seek to 33, which is part of it")
        for inclusive, numbers in ((True, range(26, 40)), (False, range(27, 40))):
            found = both.read_by_ours(topic, len(numbers), start=receipts[26]["id"], start_inclusive=inclusive)
            equal([int(payload(each)) for each in found], list(numbers), f"our reader from 26 on, inclusive: {inclusive}")


def test_a_compacted_topic(box):
    """Of a compacted topic both clients read the latest value of each key, and none that a tombstone of either took away"""
    choose = random.Random(11)
    with Both(box) as both:
        topic, latest = both.topic(), {}
        both.producer(topic, as_="batches", batch_messages=20, batch_delay_ms=100)
        both.producer(topic, as_="singles", batching=False)
        officials = {batching: both.official.create_producer(topic, batching_enabled=batching, batching_max_publish_delay_ms=100)
                     for batching in (True, False)}

        def write(rounds):
            for n in rounds:
                changes = [(f"key-{choose.randrange(30)}", None if choose.random() < 0.25 else f"{n}:{i}".encode()) for i in range(25)]
                if n % 4 < 2:
                    both.probe.send(("batches", "singles")[n % 4], [message(data or b"", key=key, null=data is None) for key, data in changes])
                else:
                    producer = officials[n % 4 == 2]
                    for key, data in changes:
                        producer.send_async(data, lambda *_: None, partition_key=key)
                    producer.flush()
                latest.update(changes)

        def read_by_ours(**options):
            """The latest value of each key, and the keys in the order in which they came."""
            values, keys = {}, []
            both.probe.ask("reader", on="c", as_="r", topic=topic, **options)
            while got := both.probe.receive("r", 1000, wait_ms=1000):
                for each in got:
                    values[each["key"]] = None if each["null"] else payload(each)
                    keys.append(each["key"])
            both.probe.ask("close", on="r")
            return {key: data for key, data in values.items() if data is not None}, keys

        def read_by_official():
            """It gives an empty message without a key for each that was compacted out of a batch; ours gives none."""
            values, holes = {}, 0
            reader = both.official.create_reader(topic, pulsar.MessageId.earliest, is_read_compacted=True)
            try:
                while True:  # has_message_available() is true for ever when the last message was compacted away
                    got = reader.read_next(1000)
                    holes += not got.partition_key()
                    values[got.partition_key()] = None if got.has_null_value() else got.data()
            except pulsar.Timeout:
                reader.close()
            return {key: data for key, data in values.items() if key and data is not None}, holes

        place_in_rest = f"/persistent/{topic.removeprefix('persistent://')}/compaction"
        for rounds in (range(0, 8), range(8, 13)):
            write(rounds)
            both.broker.ask("PUT", place_in_rest)
            wait_until(lambda: both.broker.ask("GET", place_in_rest)["status"] == "SUCCESS", "the compaction has ended", 60)
            wanted = {key: data for key, data in latest.items() if data is not None}
            check(0 < len(wanted) < len(latest), "some keys are gone, some are there")
            ours, keys = read_by_ours(read_compacted=True)
            equal(ours, wanted, f"what ours reads after {rounds}")
            # The broker keeps some tombstones, but of no key anything that is not its last.
            equal(sorted(keys), sorted(set(keys) & set(latest)), f"keys of the messages that ours reads after {rounds}")
            theirs, holes = read_by_official()
            equal(theirs, wanted, f"what the official client reads after {rounds}")
            check(holes > 0, "no batch was compacted in part")
        equal(read_by_ours()[0], wanted, "what ours reads of all that was ever written")
        write(range(13, 15))  # behind the compacted part
        wanted = {key: data for key, data in latest.items() if data is not None}
        equal(read_by_ours(read_compacted=True)[0], wanted, "what ours reads of the compacted part and what came later")
        equal(read_by_official()[0], wanted, "what the official client reads of it")
        both.consumer(topic, "exclusive", read_compacted=True)
        values = {each["key"]: None if each["null"] else payload(each) for each in both.probe.receive("s", 10_000, wait_ms=1500)}
        equal({key: data for key, data in values.items() if data is not None}, wanted, "what our consumer reads")
