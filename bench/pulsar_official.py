"""The loads of pulsar.py on the official Python client, run with its interpreter (and -P: pulsar.py is not the module). Prints one JSON object.

    pulsar_official.py produce|consume|latency SERVICE TOPIC MESSAGES SIZE [SUBSCRIPTION]
"""
import json
import resource
import sys
import threading
import time

import pulsar  # pylint: disable=import-error

WINDOW = 10_000


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def produce(client, topic, messages, payload):
    producer = client.create_producer(topic, batching_enabled=True, batching_max_publish_delay_ms=1, batching_max_messages=1000,
                                      batching_max_allowed_size_in_bytes=4 * 1024 * 1024, max_pending_messages=WINDOW, block_if_queue_full=True,
                                      send_timeout_millis=0)
    answered, done = [0], threading.Event()

    def on_sent(result, _):
        if result != pulsar.Result.Ok:
            raise SystemExit(f"not sent: {result}")
        answered[0] += 1
        if answered[0] == messages:
            done.set()
    begun = time.monotonic()
    for _ in range(messages):
        producer.send_async(payload, on_sent)
    producer.flush()
    done.wait()
    return messages / (time.monotonic() - begun)


def consume(client, topic, messages, subscription):
    begun = time.monotonic()
    consumer = client.subscribe(topic, subscription, initial_position=pulsar.InitialPosition.Earliest, receiver_queue_size=1000,
                                consumer_type=pulsar.ConsumerType.Exclusive)
    for _ in range(messages):
        consumer.acknowledge(consumer.receive(60_000))
    return messages / (time.monotonic() - begun)


def latency(client, topic, messages, payload):
    producer = client.create_producer(topic, batching_enabled=False, send_timeout_millis=0)
    all_of_them = []
    for _ in range(messages):
        begun = time.perf_counter()
        producer.send(payload)
        all_of_them.append((time.perf_counter() - begun) * 1000)
    all_of_them.sort()
    return {"p50_ms": all_of_them[len(all_of_them) // 2], "p99_ms": all_of_them[len(all_of_them) * 99 // 100]}


def main():
    kind, service, topic, messages, size = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    client = pulsar.Client(service, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
    payload = bytes(i * 37 % 251 for i in range(size))
    result = {"messages": messages}
    if kind == "produce":
        result["per_second"] = produce(client, topic, messages, payload)
    elif kind == "consume":
        result["per_second"] = consume(client, topic, messages, sys.argv[6])
    else:
        result |= latency(client, topic, messages, payload)
    client.close()
    print(json.dumps(result | {"process_cpu_seconds": cpu_seconds()}))


if __name__ == "__main__":
    main()
