#!/usr/bin/env python3
"""DICOM JSON headers (one {"file":..., "dicom_json":{...}} a line) to pydicom-teaching.ndjson: a record for each file.

Values stay as DICOM has them (age "060Y", dates "20040119"). Patients are named by a hash; names, addresses and institutions are left out.

usage: convert_pydicom.py dicom_json_headers.jsonl[.gz] > pydicom-teaching.ndjson
"""
import gzip
import hashlib
import json
import sys

FIELDS = {
    "record_id": "00080018",  # SOP Instance UID
    "body_part": "00180015",
    "modality": "00080060",
    "age": "00101010",
    "sex": "00100040",
    "study_date": "00080020",
    "laterality": "00200060",
    "manufacturer": "00080070",
    "study_description": "00081030",
    "series_description": "0008103E",
    "model": "00081090",
    "rows": "00280010",
    "columns": "00280011",
}


def value_of(header, tag):
    values = header.get(tag, {}).get("Value")
    return values[0] if values else None


def record_of(file, header):
    record = {name: value_of(header, tag) for name, tag in FIELDS.items()}
    record["image"] = file
    patient, birth = value_of(header, "00100020"), value_of(header, "00100030")
    if patient:
        record["patient_id"] = "P-" + hashlib.sha256(("pydicom-teaching/" + str(patient)).encode()).hexdigest()[:12]
    if birth and birth[:4].isdigit():
        record["birth_year"] = int(birth[:4])
    return {name: value for name, value in record.items() if value is not None}


def main(path):
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as source:
        for line in source:
            header = json.loads(line)
            print(json.dumps(record_of(header["file"], header["dicom_json"]), ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    main(*sys.argv[1:])
