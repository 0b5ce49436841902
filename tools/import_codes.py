#!/usr/bin/env python3
"""Makes codes/modalities.txt and codes/icd10cm.txt.gz from published tables. Usage: import_codes.py DIRECTORY

DIRECTORY holds dicom_cid29*.csv and dicom_cid33*.csv (columns scheme, code, ...) and icd10cm*.csv.gz (columns code, description, kind, is_leaf).
Chapters and blocks of ICD-10-CM are left out, dots removed; every list is sorted. The same input gives the same bytes.
"""
import csv
import gzip
import io
import sys
from pathlib import Path

# Retired codes that archives still hold (DICOM PS3.3 C.7.3.1.1.1).
RETIRED = {"AS", "CD", "CF", "CP", "CS", "DD", "DF", "DM", "DS", "EC", "FA", "FS", "LP", "MA", "MS", "OPR", "ST", "VF"}


def only(directory, pattern):
    found = sorted(directory.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"expected one {pattern} in the directory, found {len(found)}")
    return found[0]


def modalities(directory):
    codes = set(RETIRED)
    for pattern in ("dicom_cid29*.csv", "dicom_cid33*.csv"):
        with only(directory, pattern).open(newline="", encoding="utf-8") as table:
            codes |= {row["code"] for row in csv.DictReader(table)}
    return sorted(codes)


def icd10cm(directory):
    with gzip.open(only(directory, "icd10cm*.csv.gz"), "rt", newline="", encoding="utf-8") as table:
        return sorted({row["code"].replace(".", "").upper() for row in csv.DictReader(table) if row["kind"] not in ("chapter", "block")})


def gzipped(text):
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=out, mtime=0) as stream:
        stream.write(text.encode("ascii"))
    return out.getvalue()


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    source, target = Path(sys.argv[1]), Path(__file__).resolve().parent.parent / "codes"
    short, long = modalities(source), icd10cm(source)
    (target / "modalities.txt").write_text("\n".join(short) + "\n", encoding="ascii")
    (target / "icd10cm.txt.gz").write_bytes(gzipped("\n".join(long) + "\n"))
    print(f"{len(short)} modalities, {len(long)} ICD-10-CM codes")


if __name__ == "__main__":
    main()
