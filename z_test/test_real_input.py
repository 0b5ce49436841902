"""The sample files of samples/, sent as a partner would: every record of the input is accounted for, and scorecards add up."""
import csv
import json

from harness import ROOT, check, equal, fields_of, lines_of, packed, wait_until

SAMPLES = ROOT / "samples"
TYPES = {".csv": "text/csv", ".ndjson": "application/x-ndjson"}
TOLERANCE = 0.06  # figures are shown with one or two decimals


def sample_files():
    files = sorted(p for p in SAMPLES.glob("*") if p.suffix in TYPES)
    check(files, "there are files in samples/")
    return files


def records_in(path):
    """The records of a file, by another reader than ours."""
    if path.suffix == ".csv":
        with open(path, newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def mapping_of(path):
    file = path.with_name(path.stem + ".mapping.json")
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def prepare(server, path):
    """A centre for the file, with its mapping when there is one."""
    key = server.add_center(path.stem, path.stem.replace("-", " ").title())
    if mapping := mapping_of(path):
        answer = server.as_operator().request("PUT", f"/data-centers/{path.stem}/mapping", json.dumps(mapping).encode(), "application/json")
        check(answer.status in (200, 204), f"storing the mapping of {path.name}: {answer.status} {answer.body[:200]!r}")
    return key


def send_file(server, path, key, encoding=None):
    body, headers = path.read_bytes(), {}
    if encoding:
        body, headers = packed(body, encoding), {"Content-Encoding": encoding}
    return lines_of(server.as_center(key, seconds=120).request("POST", "/raw-data", body, TYPES[path.suffix], headers))


def judged_in(items, latest=None):
    """How many of the answers stand for a new judgement: those whose content is not what the record had already (its receipt in `latest`)."""
    latest, count = dict(latest or {}), 0
    for item in items:
        if item["status"] != "refused":
            count += latest.get(item["record_id"]) != item["receipt_id"]
            latest[item["record_id"]] = item["receipt_id"]
    return count


def latest_of(items):
    """The content that each record has in the end, by its receipt."""
    return {item["record_id"]: item["receipt_id"] for item in items if item["status"] != "refused"}


def amending_in(items):
    """How many answers stand for a record whose id came before with other content."""
    return judged_in(items) - len(latest_of(items))


def words_of_a_second_send(items):
    """What becomes of each record when the same file is sent again: a repeat of what the record has, or its content as it was judged before."""
    verdict = {item["receipt_id"]: item["status"] for item in items if item["status"] in ("accepted", "quarantined")}
    latest, words = latest_of(items), []
    for item in items:
        if item["status"] == "refused":
            words.append("refused")
            continue
        repeated = latest[item["record_id"]] == item["receipt_id"]
        latest[item["record_id"]] = item["receipt_id"]
        word = verdict[item["receipt_id"]]
        words.append("duplicate" if repeated and word == "accepted" else word)
    return words


def check_scorecard(card, records, name):
    equal(card["records"], records, f"{name}: records on the scorecard")
    cost = sum(d["cost"] for d in card["dimensions"])
    check(abs(cost - (100 - card["score"])) < TOLERANCE * 6, f"{name}: costs {cost} of the dimensions make up 100 - {card['score']}")
    for dimension in card["dimensions"]:
        check(0 <= dimension["lower"] <= dimension["rate"] + 0.001 <= 1.002, f"{name}: bounds of {dimension}")
        checks = [f for f in card["failing"] if f["dimension"] == dimension["dimension"]]
        if dimension["weight"] > 0 and dimension["cost"] > TOLERANCE:
            parts = sum(f["cost"] for f in checks)
            right = abs(parts - dimension["cost"]) < TOLERANCE * (len(checks) + 1)
            check(right, f"{name}: costs {parts} of the checks make up {dimension['cost']} of {dimension['dimension']}")
    for failing in card["failing"]:
        check(0 < failing["failed"] <= failing["judged"] <= records, f"{name}: {failing['check']} failed {failing['failed']} of {failing['judged']}")
        check(failing["mend"] and failing["title"], f"{name}: {failing['check']} says how to mend it")
    check(card["score_lower"] <= card["score"] + TOLERANCE, f"{name}: the lower bound is not above the score")
    equal(card["provisional"], records < 500, f"{name}: provisional")
    equal(sum(f["records"] for f in card["feeds"]), records, f"{name}: records of its feeds")


def check_stored(server, path, items, records):
    """What was accepted is queryable, with the fields that were sent; of a record that came twice, the latter ones."""
    stored = {item["record_id"]: item["index"] for item in items if item["status"] in ("accepted", "duplicate")}
    rows = {row["record_id"]: row for row in server.as_reader().all_data(data_center_id=path.stem)}
    equal(set(rows), set(stored), f"{path.name}: record ids that are queryable")
    mapping = mapping_of(path)
    for record_id, index in stored.items():
        if path.suffix == ".csv":
            for column, field in mapping.items():
                if records[index].get(column):
                    equal(rows[record_id].get(field), records[index][column], f"{path.name}: {field} of row {index + 1}")
            continue
        sent = {k: v for k, v in records[index].items() if k not in ("data_center_id", "extensions")}
        sent["record_id"] = record_id
        found = fields_of(rows[record_id])
        unknown = found.pop("extensions", {})
        equal({**found, **unknown}, {**sent, **records[index].get("extensions", {})}, f"{path.name}: fields of line {index + 1}")


def test_every_sample_is_accounted_for(box):
    """each record of samples/ is stored, quarantined or refused, and what is stored is queryable as it was sent"""
    server, grades = box.server(), {}
    for path in sample_files():
        key, records = prepare(server, path), records_in(path)
        items, totals = send_file(server, path, key)
        check(totals["done"], f"{path.name}: the stream ended well")
        words = [item["status"] for item in items]
        for word in ("accepted", "duplicate", "quarantined", "refused"):
            equal(totals[word], words.count(word), f"{path.name}: total of {word}")
        equal([item["index"] for item in items], list(range(len(records))), f"{path.name}: one answer a record, in order")
        equal(totals["duplicate"] + totals["accepted"] + totals["quarantined"] + totals["refused"], len(records), f"{path.name}: sum")
        accepted_ids = {item["record_id"] for item in items if item["status"] == "accepted"}
        server.wait_for_records(len(accepted_ids), 60, data_center_id=path.stem)
        check_stored(server, path, items, records)
        equal({row["record_id"] for row in server.quarantine(path.stem)} - accepted_ids,
              {item["record_id"] for item in items if item["status"] == "quarantined"} - accepted_ids, f"{path.name}: the quarantine desk")
        judged = judged_in(items)
        wait_until(lambda name=path.stem, n=judged: server.scorecard(name)["records"] >= n, f"{path.name}: the counters have all", 60)
        card = server.scorecard(path.stem)
        check_scorecard(card, judged, path.name)
        grades[path.stem] = card["grade"]
        print(f"      {path.name}: {len(records)} = {totals['accepted']} stored + {totals['duplicate']} twice in the file + {totals['quarantined']} "
              f"quarantined + {totals['refused']} refused; {card['grade']} {card['score']}", flush=True)
    check(len(set(grades.values())) >= 2, f"centres whose data differ get different grades: {grades}")


def test_a_second_send_changes_nothing(box):
    """a second send gives only duplicates, also as gzip and zstd and after a restart; only a record id with several contents is amended again"""
    server, amended = box.server(), {}
    for path in sample_files():
        key = prepare(server, path)
        items, _ = send_file(server, path, key)
        judged, anew = judged_in(items), judged_in(items, latest_of(items))
        wait_until(lambda name=path.stem, n=judged: server.scorecard(name)["records"] >= n, "the counters have all", 60)
        before = server.scorecard(path.stem)
        server.restart()
        words = words_of_a_second_send(items)
        for encoding in ("gzip", "zstd"):
            again, totals = send_file(server, path, key, encoding)
            what = f"{path.name} again, as {encoding}"
            equal([item["status"] for item in again], words, what)
            equal(totals, {**{word: words.count(word) for word in ("accepted", "duplicate", "quarantined", "refused")}, "done": True}, f"{what}: totals")
            equal([item.get("receipt_id") for item in again], [item.get("receipt_id") for item in items], f"{what}: receipts")
            judged += anew
            wait_until(lambda name=path.stem, n=judged: server.scorecard(name)["records"] >= n, "the counters have all", 60)
            after = server.scorecard(path.stem)
            if amending_in(items) == 0:
                equal((anew, words.count("accepted")), (0, 0), f"{what}: what is taken for new")
                equal(after, before, f"{what}: scorecard")
            equal(after["records"], judged, f"{what}: records on the scorecard")
        amended[path.stem] = anew
    print(f"      judged again: {amended}", flush=True)
    check(0 in amended.values() and any(amended.values()), f"there are samples of both kinds: {amended}")


def test_the_scorecard_of_a_server_and_of_a_check_agree(box):
    """each file of samples/ gets the same totals and figures from `acopio check` as from a server that received it"""
    server = box.server()
    for path in sample_files():
        key = prepare(server, path)
        items, totals = send_file(server, path, key)
        judged = judged_in(items)
        wait_until(lambda name=path.stem, n=judged: server.scorecard(name)["records"] >= n, f"{path.name}: the counters have all", 60)
        arguments = ["check", str(path), "--json"]
        mapping = path.with_name(path.stem + ".mapping.json")
        if mapping.exists():
            arguments += ["--mapping", str(mapping)]
        result = server.cli(*arguments)
        equal(result.returncode, 0, f"exit code of check of {path.name} ({result.stderr[-300:]!r})")
        checked, card = json.loads(result.stdout), server.scorecard(path.stem)
        for word in ("accepted", "duplicate", "quarantined", "refused"):
            equal(checked[word], totals[word], f"{path.name}: {word}")
        equal(checked["amending"], amending_in(items), f"{path.name}: records that amend an earlier one")
        checked = checked["scorecard"]
        equal(checked["records"], card["records"], f"{path.name}: records")
        # Timeliness is judged by the clock of the receipt, a moment apart; all else has no clock.
        for kind, name, keys in (("failing", "check", ("failed", "judged")), ("dimensions", "dimension", ("judged",))):
            counts = [{one[name]: tuple(one[k] for k in keys) for one in of[kind] if one["dimension"] != "timeliness"} for of in (checked, card)]
            equal(counts[0], counts[1], f"{path.name}: counts of {kind}")
        for one, other in zip(checked["dimensions"], card["dimensions"]):
            if one["dimension"] != "timeliness":
                check(abs(one["rate"] - other["rate"]) < 0.0001, f"{path.name}: rates {one} and {other}")
        for figure in ("score", "score_lower"):
            check(abs(checked[figure] - card[figure]) < 0.3, f"{path.name}: {figure} {checked[figure]} and {card[figure]}")
