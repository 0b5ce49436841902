#!/usr/bin/env python3
"""NIH ChestX-ray14 labels to nih-clinical-center.csv: the header and the first 1500 rows, columns and values untouched.

usage: convert_nih.py sample_labels.csv[.gz] > nih-clinical-center.csv
"""
import gzip
import itertools
import sys

ROWS = 1500


def main(path):
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8", newline="") as source:
        sys.stdout.reconfigure(encoding="utf-8", newline="")
        sys.stdout.writelines(itertools.islice(source, ROWS + 1))


if __name__ == "__main__":
    main(*sys.argv[1:])
