"""run.sh, over a binary that is built already: what it shows is right, and a second start changes nothing."""
import json
import os
import re
import sqlite3
import subprocess

from harness import ROOT, check, clean_environment, equal


def run_sh(box, *arguments, seconds=300):
    """Everything runs over this test's own directory, on free ports."""
    free = ["--intake", "127.0.0.1:0", "--query", "127.0.0.1:0"]
    return subprocess.run([ROOT / "run.sh", "--once", "--data", box.folder / "var", *free, *arguments], capture_output=True, timeout=seconds,
                          check=False, text=True, stdin=subprocess.DEVNULL, env={**clean_environment(), "ACOPIO_BINARY": str(box.binary)})


def steps_of(text):
    """Each step's lines by its name, without its seconds."""
    parts = re.split(r"^==> (.*)\n", text, flags=re.M)
    return {name: re.sub(r"^ +[0-9.]+ s\n", "", lines, flags=re.M).strip() for name, lines in zip(parts[1::2], parts[2::2])}


def stored(data):
    """How many records, versions and judgements there are."""
    with sqlite3.connect(f"file:{data / 'db_query.db'}?mode=ro", uri=True) as query, \
            sqlite3.connect(f"file:{data / 'db_classifier.db'}?mode=ro", uri=True) as classifier:
        return {"records": query.execute("SELECT centre, COUNT(*), SUM(version) FROM data GROUP BY centre").fetchall(),
                "judged": classifier.execute("SELECT center, SUM(records) FROM feed_hour GROUP BY center").fetchall(),
                "quarantined": classifier.execute("SELECT center, record_id FROM quarantine ORDER BY 1, 2").fetchall()}


def test_a_second_start_changes_nothing(box):
    """./run.sh --once shows scorecards and three answers, and a second one finds all of it again and changes nothing"""
    first = run_sh(box)
    equal(first.returncode, 0, f"exit code ({first.stdout[-300:]!r} {first.stderr[-500:]!r})")
    shown, was = steps_of(first.stdout), stored(box.folder / "var")
    centres = [name for name, _, _ in was["records"]]
    check(len(centres) >= 4, f"centres: {centres}")
    for centre in centres:
        check(re.search(rf"^{centre}  grade [A-E]  ", shown["Scorecards"], re.M), f"the scorecard of {centre}")
    sent = shown["Sending the samples"]
    equal(sent.count(" accepted, "), len(centres), "files that were sent")
    count = sum(records for _, records, _ in was["records"])
    equal(shown["Waiting until all of it can be asked for"], f"{count:,} records", "records")
    questions = shown["Three questions"]
    equal(len(re.findall(r"^\$ ", questions, re.M)), 3, "questions")
    answer, _ = json.JSONDecoder().raw_decode(questions[questions.index("\n{\n") + 1:])
    equal(len(answer["data"]), 1, "records of the last answer")

    second = run_sh(box)
    equal(second.returncode, 0, f"exit code of the second start ({second.stdout[-300:]!r} {second.stderr[-500:]!r})")
    again = steps_of(second.stdout)
    equal(again["Sending the samples"].count("is there already"), len(centres), f"files that were not sent again ({again['Sending the samples']!r})")
    equal(again["Scorecards"], shown["Scorecards"], "scorecards")
    equal(stored(box.folder / "var"), was, "what is stored")


def test_what_is_wrong_is_said(box):
    """run.sh says what is wrong with its options and with a taken port, and leaves nothing running"""
    wrong = run_sh(box, "--nonsense")
    check(wrong.returncode == 2 and "--nonsense" in wrong.stderr, f"an unknown option: {wrong.returncode} {wrong.stderr!r}")
    taken = run_sh(box, "--intake", box.server().intake)
    check(taken.returncode == 1 and "--intake" in taken.stderr, f"a taken port: {taken.returncode} {taken.stderr!r}")
    check(not os.path.exists(box.folder / "var" / "addresses.json"), "a server is left")
    help_text = run_sh(box, "--help").stdout
    check("ACOPIO_BINARY" in help_text and "set -e" not in help_text, f"--help: {help_text!r}")
