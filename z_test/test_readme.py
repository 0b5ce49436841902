"""The tour with curl of both READMEs, as a reader would type it in."""
import json
import re
import subprocess

from harness import ROOT, check, clean_environment, equal

RECORD = "the one record"
# What each command of the tour must answer; a command that is none of these needs a line here.
ANSWERS = [
    (r"^OPERATOR=", "nothing", lambda text: text == ""),
    (r"^KEY=", "nothing", lambda text: text == ""),
    (r"/data-centers .*--json", "the centre", lambda text: json.loads(text)["id"] == "st-mary"),
    (r"/raw-data .*--json", RECORD, lambda text: json.loads(text)["status"] == "accepted"),
    (r"/raw-data .*--data-binary @", "totals", lambda text: (totals := json.loads(text))["done"] and totals["accepted"] > 1000 and totals["refused"] == 0),
    (r"/data-centers/st-mary/scorecard", "a scorecard", lambda text: json.loads(text)["data_center_id"] == "st-mary"),
    (r"/data\?", "a page", lambda text: {"data", "next", "count"} == set(json.loads(text)) and json.loads(text)["count"] >= 0),
]


def commands_of(readme):
    """The commands of the block of bash that holds the tour."""
    blocks = re.findall(r"^```bash\n(.*?)^```", readme.read_text(encoding="utf-8"), re.M | re.S)
    tour = [block for block in blocks if "curl" in block]
    equal(len(tour), 1, f"{readme.name}: blocks of bash with curl")
    lines = tour[0].replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def run_tour(server, commands):
    """Each command's exit code and output, all in one shell."""
    script = "set -o pipefail\n" + "".join(f"{command}\nprintf '\\n==%s==\\n' $?\n" for command in commands)
    places = {"localhost:8000": server.intake, "localhost:8001": server.query, "var/operator.token": str(server.data / "operator.token")}
    for usual, ours in places.items():
        check(usual in script, f"the tour names {usual}")
        script = script.replace(usual, ours)
    shell = subprocess.run(["bash"], input=script.encode(), capture_output=True, cwd=ROOT, env=clean_environment(), timeout=120, check=True)
    parts = re.split(r"\n==(\d+)==\n", shell.stdout.decode())
    return list(zip(map(int, parts[1::2]), map(str.strip, parts[0::2])))


def tour(box, name):
    commands = commands_of(ROOT / name)
    check(len(commands) >= len(ANSWERS), f"{name}: {len(commands)} commands")
    kinds = [next(((what, right) for pattern, what, right in ANSWERS if re.search(pattern, command)), None) for command in commands]
    for command, kind in zip(commands, kinds):
        check(kind, f"{name}: nobody knows what this answers: {command}")
    record = next(command for command, kind in zip(commands, kinds) if kind[0] == RECORD)
    again = ("a duplicate", lambda text: json.loads(text)["status"] == "duplicate")
    place = commands.index(record) + 1
    commands.insert(place, record)  # "send it again", says the tour
    kinds.insert(place, again)
    results = run_tour(box.server(), commands)
    equal(len(results), len(commands), f"{name}: commands that were run")
    for command, (what, right), (code, text) in zip(commands, kinds, results):
        equal(code, 0, f"{name}: exit code of {command}")
        check(right(text), f"{name}: {what} from {command}: {text[:300]!r}")


def test_the_tour(box):
    """the tour with curl of README.md works as it stands there"""
    tour(box, "README.md")


def test_the_tour_in_spanish(box):
    """the tour with curl of README.es.md works as it stands there"""
    tour(box, "README.es.md")
