#!/usr/bin/env python3
"""Records what the official Python client and a real broker say to each other, as text: one file a conversation, one line a frame.

tools/engines/capture_frames.py [platform/pulsar/wire/captures]. A line is "> hex" (client to broker) or "< hex"; what begins with # is comment.
The frames are seeds of the fuzzers and examples for the tests of our codec; a new run makes new ones with other numbers in them.
"""
import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
if not importlib.util.find_spec("pulsar"):
    python = subprocess.run([str(ROOT / "tools" / "engines" / "python_client.sh")], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    os.execv(python, [python, "-u", *sys.argv])
sys.path.insert(0, str(ROOT / "z_test"))

import pulsar  # noqa: E402  pylint: disable=wrong-import-position
from harness import wait_until  # noqa: E402  pylint: disable=wrong-import-position
from pulsar_broker import Broker, token, token_key  # noqa: E402  pylint: disable=wrong-import-position
from pulsar_proxy import Proxy  # noqa: E402  pylint: disable=wrong-import-position

NAMESPACE = "acopio/collection"
MILLISECONDS = 20_000
CODECS = {"none": pulsar.CompressionType.NONE, "lz4": pulsar.CompressionType.LZ4, "zlib": pulsar.CompressionType.ZLib,
          "zstd": pulsar.CompressionType.ZSTD, "snappy": pulsar.CompressionType.SNAPPY}
TYPES = {"exclusive": pulsar.ConsumerType.Exclusive, "shared": pulsar.ConsumerType.Shared, "failover": pulsar.ConsumerType.Failover,
         "key-shared": pulsar.ConsumerType.KeyShared}
EARLIEST = {"initial_position": pulsar.InitialPosition.Earliest}


class Recording:
    """A broker behind a proxy, and the files that come out of it."""

    def __init__(self, folder, work, *arguments):
        self.folder = folder
        self.proxy = Proxy(record=True)
        self.broker = Broker(work, "--advertised-port", self.proxy.port, *arguments).start()
        self.proxy.target = self.broker.proxied_service
        self.broker.namespace(*NAMESPACE.split("/"))
        version = self.broker.ask("GET", "/brokers/version")
        self.versions = f"Apache Pulsar {version} (standalone), pulsar-client {pulsar.__version__} of Python"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.broker.clean_up()
        self.proxy.close()

    def topic(self, name, partitions=0):
        return self.broker.topic(f"{NAMESPACE}/{name}", partitions)

    def client(self, **options):
        return self.broker.official_client(self.proxy.service, **options)

    @contextlib.contextmanager
    def file(self, name, what):
        """Writes what the proxy sees until the end of the block, when every connection has ended."""
        self.proxy.clear()
        yield
        wait_until(lambda: not self.proxy.connections, "the client closed its connections")
        frames = self.proxy.recorded
        lines = [f"# {self.versions}", *textwrap.wrap(what, 138, initial_indent="# ", subsequent_indent="# "),
                 *textwrap.wrap("Frames: " + " ".join(each.direction + each.name for each in frames), 138, initial_indent="# ", subsequent_indent="#   "),
                 *[f"{each.direction} {each.frame.hex()}" for each in frames]]
        (self.folder / f"{name}.hex").write_text("\n".join(lines) + "\n")
        print(f"{name}: {len(frames)} frames")


def expect_failure(action):
    try:
        action()
    except pulsar.PulsarException:
        return
    raise AssertionError("it should have failed")


def produce(recording):
    topic = recording.topic("single")
    with recording.file("produce", "A topic without partitions: connect, partition metadata, lookup, producer, one send with nothing, one with key, properties, "
                                   "event time and ordering key, an empty one, one of a sequence id that was sent already (receipt -1:-1), close."):
        client = recording.client()
        producer = client.create_producer(topic, producer_name="writer")
        producer.send(b"one")
        producer.send("dos, con acentos: corazón".encode(), partition_key="P-1", properties={"type": "RecordCollected", "version": "1"},
                      event_timestamp=1_700_000_000_123, ordering_key="order-1")
        producer.send(b"")
        producer.send(b"again", sequence_id=2)
        producer.close()
        client.close()
    topic = recording.topic("partitioned", 4)
    with recording.file("produce-partitioned", "A topic with 4 partitions, no name of the producer given: partition metadata, four lookups, four producers, "
                                               "a send with a key to each of several partitions, close."):
        client = recording.client()
        producer = client.create_producer(topic)
        for key in "abcdef":
            producer.send(b"value of " + key.encode(), partition_key=key)
        producer.close()
        client.close()
    topic = recording.topic("exclusive")
    with recording.file("produce-exclusive", "Access modes of producers: one is Exclusive; a second Exclusive one is refused; one waits for its turn "
                                             "(PRODUCER_SUCCESS that is not ready), the first closes, the second PRODUCER_SUCCESS is ready."):
        client = recording.client()
        first = client.create_producer(topic, producer_name="one", access_mode=pulsar.ProducerAccessMode.Exclusive)
        first.send(b"mine")
        expect_failure(lambda: client.create_producer(topic, producer_name="two", access_mode=pulsar.ProducerAccessMode.Exclusive))
        later = []
        waiting = threading.Thread(target=lambda: later.append(client.create_producer(
            topic, producer_name="three", access_mode=pulsar.ProducerAccessMode.WaitForExclusive)), daemon=True)
        waiting.start()
        wait_until(lambda: len(recording.proxy.frames_of("<", "PRODUCER_SUCCESS")) == 2, "the third one waits")
        first.close()
        waiting.join(30)
        later[0].send(b"mine now")
        client.close()


def batches(recording):
    for name, codec in CODECS.items():
        topic = recording.topic(f"batch-{name}")
        with recording.file(f"batch-{name}", f"Codec {name}: one batch of 4 messages with keys, properties and event times, one batch of 1, and a message of 2,000 "
                                             "bytes that is no batch; then all of them received and acknowledged one by one, with acknowledgements of "
                                             "single messages in the batch."):
            client = recording.client()
            producer = client.create_producer(topic, producer_name=f"writer-{name}", compression_type=codec, batching_enabled=True,
                                              batching_max_messages=100, batching_max_publish_delay_ms=5_000)
            receipts = []
            for number in range(4):
                producer.send_async(f"record {number}: ".encode() + b"no pleural effusion, " * 3, lambda result, _: receipts.append(result),
                                    partition_key=f"P-{number % 2}", properties={"number": str(number)}, event_timestamp=1_700_000_000_000 + number)
            producer.flush()
            producer.send_async(b"alone", lambda result, _: receipts.append(result))
            producer.flush()
            wait_until(lambda all_of_them=receipts: len(all_of_them) == 5, "receipts")
            producer.close()
            single = client.create_producer(topic, producer_name=f"writer-{name}-single", compression_type=codec)
            single.send(b"0123456789" * 200, partition_key="P-9")
            single.close()
            consumer = client.subscribe(topic, "reader", batch_index_ack_enabled=True, **EARLIEST)
            for _ in range(6):
                consumer.acknowledge(consumer.receive(MILLISECONDS))
            consumer.close()
            client.close()


def consume(recording):
    for name, kind in TYPES.items():
        topic = recording.topic(f"consume-{name}")
        writer = recording.broker.official_client()  # past the proxy
        producer = writer.create_producer(topic)
        for number in range(6):
            producer.send(f"message {number}".encode(), partition_key=f"P-{number}")
        writer.close()
        cumulative = "" if "shared" in name else "a cumulative acknowledgement, "
        with recording.file(f"consume-{name}", f"Subscription of type {name}: subscribe from the earliest, flow (queue of 4), messages, acknowledgements, "
                                               f"{cumulative}a negative one (redelivered), last message id, seek to a time and to the earliest message, "
                                               "unsubscribe, close."):
            client = recording.client()
            consumer = client.subscribe(topic, f"{name}-subscription", kind, receiver_queue_size=4, negative_ack_redelivery_delay_ms=100,
                                        consumer_name=f"{name}-consumer", properties={"room": "projection"}, **EARLIEST)
            for _ in range(2):
                consumer.acknowledge(consumer.receive(MILLISECONDS))
            third = consumer.receive(MILLISECONDS)
            consumer.negative_acknowledge(third)
            wait_until(lambda: recording.proxy.frames_of(">", "REDELIVER_UNACKNOWLEDGED_MESSAGES"), "a redelivery is asked for")
            again = [consumer.receive(MILLISECONDS) for _ in range(3)]
            if cumulative:
                consumer.acknowledge_cumulative(again[-1])
            consumer.get_last_message_id()
            consumer.seek(pulsar.MessageId.earliest)
            consumer.receive(MILLISECONDS)
            consumer.seek(int(time.time() * 1000) - 3_600_000)
            consumer.receive(MILLISECONDS)
            consumer.unsubscribe()
            client.close()
    with recording.file("reader", "A reader from the earliest message until there is no more: a subscription that is not durable, last message id, close."):
        client = recording.client()
        reader = client.create_reader(f"persistent://{NAMESPACE}/consume-shared", pulsar.MessageId.earliest)
        while reader.has_message_available():
            reader.read_next(MILLISECONDS)
        reader.close()
        client.close()


def trouble(recording):
    with recording.file("errors", "A topic that does not exist, a namespace that does not exist, a producer whose name is taken, a second exclusive consumer."):
        client = recording.client(operation_timeout_seconds=3)
        expect_failure(lambda: client.create_producer(f"persistent://{NAMESPACE}/nowhere"))
        expect_failure(lambda: client.create_producer("persistent://acopio/nowhere/nothing"))
        topic = f"persistent://{NAMESPACE}/single"
        producer = client.create_producer(topic, producer_name="taken")
        expect_failure(lambda: client.create_producer(topic, producer_name="taken"))
        consumer = client.subscribe(topic, "taken")
        expect_failure(lambda: client.subscribe(topic, "taken", consumer_name="second"))
        producer.close()
        consumer.close()
        client.close()
    with recording.file("unload", "A namespace is unloaded under a producer and a consumer: the broker closes both, they look the topic up and come back."):
        client = recording.client()
        topic = f"persistent://{NAMESPACE}/single"
        producer, consumer = client.create_producer(topic, producer_name="patient"), client.subscribe(topic, "patient")
        producer.send(b"before")
        recording.broker.unload(NAMESPACE)
        wait_until(lambda: producer.is_connected() and consumer.is_connected(), "both are back")
        producer.send(b"after")
        while consumer.receive(MILLISECONDS).data() != b"after":
            pass
        client.close()
    with recording.file("ping", "A line with nothing to say until both sides have asked whether the other is alive."):
        client = recording.client()
        client.get_topic_partitions(f"persistent://{NAMESPACE}/single")
        wait_until(lambda: all(recording.proxy.frames_of(side, name) for side in "><" for name in ("PING", "PONG")), "pings and pongs", 90)
        client.close()


def guarded(recording, key):
    """Token authentication, on a broker that keeps no index of entries."""
    with recording.file("token-refused", "A text that is no token: ERROR in place of CONNECTED, at every attempt."):
        client = recording.client(authentication=pulsar.AuthenticationToken("not.a.token"), operation_timeout_seconds=2)
        expect_failure(lambda: client.create_producer(f"persistent://{NAMESPACE}/guarded"))
        client.close()
    topic = recording.topic("guarded")
    with recording.file("token-refresh", "A token that expires after 4 seconds: the broker sends AUTH_CHALLENGE, the client answers with a new token and goes on. "
                                         "The broker has no entry metadata, so that messages come without an index. The key of the tokens is gone."):
        client = recording.client(authentication=pulsar.AuthenticationToken(lambda: token(key, "admin", 4)))
        producer, consumer = client.create_producer(topic, producer_name="writer"), client.subscribe(topic, "reader", **EARLIEST)
        producer.send(b"before")
        wait_until(lambda: recording.proxy.frames_of(">", "AUTH_RESPONSE"), "an answer to AUTH_CHALLENGE")
        producer.send(b"after")
        for _ in range(2):
            consumer.acknowledge(consumer.receive(MILLISECONDS))
        client.close()


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "platform/pulsar/wire/captures")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="acopio-capture-") as work:
        with Recording(folder, Path(work, "plain"), "--set", "keepAliveIntervalSeconds=20") as recording:
            produce(recording)
            batches(recording)
            consume(recording)
            trouble(recording)
        key = token_key(Path(work, "key"))
        with Recording(folder, Path(work, "guarded"), "--no-index", "--token-key", key) as recording:
            guarded(recording, key)


if __name__ == "__main__":
    main()
