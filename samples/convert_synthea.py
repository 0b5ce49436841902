#!/usr/bin/env python3
"""FHIR R4 bundles of Synthea to synthea-boston.ndjson: a record for each ImagingStudy, DiagnosticReport and Condition.

Values stay as FHIR has them (sex "male", dates cut to the day). Patients are named by a hash. SNOMED CT codes are left out, their texts are kept.

usage: convert_synthea.py BUNDLE.json[.gz]... > synthea-boston.ndjson
"""
import gzip
import hashlib
import json
import re
import sys


def pseudonym(patient_id):
    return "P-" + hashlib.sha256(("synthea-boston/" + patient_id).encode()).hexdigest()[:12]


def day(text):
    return text[:10] if text else None


def words(text):
    """SNOMED's semantic tag is not for readers: "Viral sinusitis (disorder)"."""
    return re.sub(r" \([a-z /]+\)$", "", text) if text else None


def race_of(patient):
    for extension in patient.get("extension", []):
        if extension["url"].endswith("us-core-race"):
            return next((part["valueString"] for part in extension["extension"] if part["url"] == "text"), None)
    return None


def person(patient):
    return {
        "patient_id": pseudonym(patient["id"]),
        "sex": patient.get("gender"),
        "birth_year": int(patient["birthDate"][:4]),
        "ethnicity": race_of(patient),
    }


def measured(observation):
    quantity = observation.get("valueQuantity")
    if not quantity:
        return None
    return f"{observation['code']['text']}: {quantity['value']:.4g} {quantity.get('unit', '')}".strip()


def of_study(study, diagnoses):
    series = study["series"][0]
    return {
        "image": series["instance"][0]["uid"],
        "diagnosis": diagnoses.get(study.get("encounter", {}).get("reference")),
        "body_part": series.get("bodySite", {}).get("display"),
        "modality": series["modality"]["code"],
        "study_date": day(study["started"]),
        "technique": series["instance"][0].get("title"),
    }


def of_report(report, diagnoses, observations):
    results = (observations.get(result["reference"]) for result in report.get("result", []))
    lines = [line for line in map(measured, filter(None, results)) if line]
    return {
        "diagnosis": diagnoses.get(report.get("encounter", {}).get("reference")),
        "report": f"{report['code']['text']}. " + "; ".join(lines) if lines else None,
        "study_date": day(report["effectiveDateTime"]),
        "report_date": day(report["issued"]),
        "category": report["category"][0]["coding"][0]["display"],
    }


def of_condition(condition):
    return {
        "diagnosis": words(condition["code"]["text"]),
        "diagnosis_date": day(condition.get("onsetDateTime")),
        "clinical_status": condition["clinicalStatus"]["coding"][0]["code"],
    }


def records_of(bundle):
    resources = [entry["resource"] for entry in bundle["entry"]]
    patient = next((one for one in resources if one["resourceType"] == "Patient"), None)
    if patient is None:
        return
    conditions = [one for one in resources if one["resourceType"] == "Condition"]
    diagnoses = {one["encounter"]["reference"]: words(one["code"]["text"]) for one in conditions if "encounter" in one}
    observations = {"urn:uuid:" + one["id"]: one for one in resources if one["resourceType"] == "Observation"}
    readers = {
        "ImagingStudy": lambda one: of_study(one, diagnoses),
        "DiagnosticReport": lambda one: of_report(one, diagnoses, observations),
        "Condition": of_condition,
    }
    for one in resources:
        if one["resourceType"] in readers:
            record = {"record_id": one["id"], **person(patient), **readers[one["resourceType"]](one), "resource": one["resourceType"]}
            yield {name: value for name, value in record.items() if value is not None}


def main(*paths):
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for path in sorted(paths):
        opened = gzip.open if path.endswith(".gz") else open
        with opened(path, "rt", encoding="utf-8") as source:
            for record in records_of(json.load(source)):
                print(json.dumps(record, ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    main(*sys.argv[1:])
