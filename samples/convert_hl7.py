#!/usr/bin/env python3
"""HL7 v2 messages of LinuxForHealth to linuxforhealth-hl7.ndjson: a record for each message with an order, a result, a document or a diagnosis.

A gateway's work, with what real senders get wrong left in: message ids that repeat or are empty, sex "female", shifted fields. Patients are named by a
hash of PID-3 and PID-5 is left out, but free text stays as it was written.

usage: convert_hl7.py messages.tar.gz > linuxforhealth-hl7.ndjson
"""
import datetime
import hashlib
import json
import re
import sys
import tarfile

ICD = re.compile(r"^I(CD)?-?(9|10)", re.IGNORECASE)


class Message:
    def __init__(self, text):
        lines = [line for line in re.split(r"[\r\n]+", text) if line]
        self.segments = [line.split("|") for line in lines]
        for segment in self.segments:
            if segment[0] == "MSH":
                segment.insert(1, "|")  # MSH-1 is the separator itself

    def all(self, name):
        return [segment for segment in self.segments if segment[0] == name]

    def field(self, name, number, component=1):
        """The first repetition of the first segment of that name: PID-3.1 is field("PID", 3)."""
        segments = self.all(name)
        return part(segments[0], number, component) if segments else ""


def part(segment, number, component=1):
    if number >= len(segment):
        return ""
    components = segment[number].split("~")[0].split("^")
    return components[component - 1].strip() if component <= len(components) else ""


def plain(text):
    return text.replace("\\T\\", "&").replace("\\F\\", "|").replace("\\S\\", "^").replace("\\.br\\", "\n")


def day(text):
    """A day that exists as ISO 8601; whatever else was sent as it was."""
    try:
        return datetime.datetime.strptime(text[:8], "%Y%m%d").date().isoformat()
    except ValueError:
        return text


def patient(message):
    number, birth = message.field("PID", 3), message.field("PID", 7)
    return {
        "patient_id": number and "P-" + hashlib.sha256(("linuxforhealth-hl7/" + number).encode()).hexdigest()[:12],
        "sex": message.field("PID", 8),
        "birth_year": int(birth[:4]) if birth[:4].isdigit() else birth,
        "ethnicity": message.field("PID", 10, 2) or message.field("PID", 10),
    }


def results(message):
    lines = []
    for segment in message.all("OBX"):
        name, value = part(segment, 3, 2) or part(segment, 3), part(segment, 5, 2) or part(segment, 5)
        if part(segment, 2) in ("TX", "FT"):
            lines.append(plain(value))
        elif value:
            lines.append(f"{name}: {value} {part(segment, 6)}".strip())
    return [line for line in lines if line]


def diagnosis(message):
    for segment in message.all("DG1"):
        text = part(segment, 4) or part(segment, 3, 2)
        code = part(segment, 3) if ICD.match(part(segment, 3, 3)) else ""
        return {"diagnosis": plain(text), "code": code, "diagnosis_date": day(part(segment, 5))}
    return {}


def record_of(message):
    lines = results(message)
    impression = next((line for line in lines if line.lower().startswith("impression")), "")
    record = {
        "record_id": message.field("MSH", 10),
        **patient(message),
        **diagnosis(message),
        "report": "\n".join(lines),
        "impression": impression,
        "clinical_history": plain(message.field("OBR", 13)),
        "indication": plain(message.field("OBR", 31, 2) or message.field("OBR", 31)),
        "technique": plain(message.field("OBR", 4, 2)),
        "modality": message.field("OBR", 24),
        "study_date": day(message.field("OBR", 7)),
        "report_date": day(message.field("OBR", 22) or message.field("MSH", 7)),
        "message_type": message.field("MSH", 9) + "^" + message.field("MSH", 9, 2),
        "sending_application": message.field("MSH", 3),
    }
    return {name: value for name, value in record.items() if value}


def main(path):
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    with tarfile.open(path) as archive:
        for name in sorted(name for name in archive.getnames() if name.endswith(".hl7")):
            message = Message(archive.extractfile(name).read().decode("utf-8", errors="replace"))
            if any(message.all(segment) for segment in ("OBR", "TXA", "DG1", "OBX")):
                print(json.dumps(record_of(message), ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    main(*sys.argv[1:])
