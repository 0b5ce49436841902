"""The broker that the other engine tests rest on, tried with the official Python client: durable, deduplicating, guarded by tokens and TLS."""
import pulsar

from harness import check, equal
from pulsar_broker import Broker, tls_folder, token, token_key
from pulsar_proxy import Proxy

SECONDS = 30_000  # in milliseconds, as the official client counts


def read(client, topic, count):
    """The first messages of a topic, none of which anybody acknowledged away."""
    reader = client.create_reader(topic, pulsar.MessageId.earliest)
    found = [reader.read_next(SECONDS).data() for _ in range(count)]
    check(not reader.has_message_available(), "there are more messages")
    reader.close()
    return found


def test_acknowledged_is_on_disk(box):
    """A message that the broker acknowledged is there after kill -9 and a restart on the same data; a subscription is never ahead of what it acknowledged"""
    with Broker(box.folder / "pulsar") as broker:
        topic = broker.topic(broker.namespace("acopio", "collection") + "/raw-data")
        client = broker.official_client()
        producer = client.create_producer(topic, producer_name="writer")
        consumer = client.subscribe(topic, "projection", initial_position=pulsar.InitialPosition.Earliest)
        for text in (b"one", b"two"):
            producer.send(text)
        consumer.acknowledge(consumer.receive(SECONDS))
        client.close()
        ports = broker.service, broker.admin_address
        broker.kill()
        broker.restart()
        equal((broker.service, broker.admin_address), ports, "ports after the restart")
        client = broker.official_client()
        equal(read(client, topic, 2), [b"one", b"two"], "what is in the topic")
        consumer = client.subscribe(topic, "projection")
        # The broker writes positions every few seconds only: after kill -9 a subscription may read again what it had acknowledged.
        check(consumer.receive(SECONDS).data() in (b"one", b"two"), "a message was skipped")
        producer = client.create_producer(topic, producer_name="writer")
        equal(producer.last_sequence_id(), 1, "last sequence id of the producer")
        client.close()


def test_a_lost_receipt(box):
    """A line that is cut between a message and its receipt neither loses nor doubles the message"""
    with Proxy() as proxy, Broker(box.folder / "pulsar", "--advertised-port", proxy.port) as broker:
        proxy.target = broker.proxied_service
        topic = broker.topic(broker.namespace("acopio", "collection") + "/raw-data")
        client = broker.official_client(proxy.service)
        producer = client.create_producer(topic, producer_name="writer")
        producer.send(b"one")
        cuts = []

        def cut_once(_, name, frame):
            if name == "SEND" and not cuts:
                cuts.append(frame)
                return "cut-after"
            return None

        proxy.on_frame = cut_once
        producer.send(b"two")
        producer.send(b"three")
        equal((len(cuts), proxy.accepted), (1, 2), "cuts and connections")
        equal(read(client, topic, 3), [b"one", b"two", b"three"], "what is in the topic")
        client.close()


def test_token_and_tls(box):
    """With tokens and TLS the broker lets in who has a good token and trusts the right authority, and nobody else"""
    key, tls = token_key(box.folder / "key"), tls_folder(box.folder / "tls")
    with Broker(box.folder / "pulsar", "--token-key", key, "--tls-dir", tls) as broker:
        topic = broker.topic(broker.namespace("acopio", "collection") + "/raw-data")

        def result(**options):
            client = broker.official_client(broker.tls_service, operation_timeout_seconds=3, connection_timeout_ms=3000, **options)
            try:
                client.create_producer(topic).send(b"one")
                return "sent"
            except pulsar.PulsarException as error:
                return type(error).__name__
            finally:
                client.close()

        good = {"tls_trust_certs_file_path": str(tls / "ca.pem"), "tls_validate_hostname": True}
        equal(result(**good), "sent", "the superuser")
        equal(result(authentication=pulsar.AuthenticationToken(token(key, "stranger")), **good), "AuthorizationError", "a stranger")
        check(result(authentication=pulsar.AuthenticationToken(token(key, "admin", -10)), **good) != "sent", "an expired token was accepted")
        check(result(**{**good, "tls_trust_certs_file_path": str(tls / "other-ca.pem")}) != "sent", "an unknown authority was accepted")
        equal(read(broker.official_client(broker.tls_service, **good), topic, 1), [b"one"], "what is in the topic")
