"""Who may send and who may read: everything else is 401 or 403, and nothing of it is stored."""
import json
import os
import stat

from harness import Client, a_record, check, equal, wait_until


def refused_sends(server, client, status, code, what):
    """Every way of sending is refused alike."""
    body = json.dumps(a_record(1)).encode()
    for content_type, content in [("application/json", body), ("application/json", b"[" + body + b"]"),
                                  ("application/x-ndjson", body + b"\n"), ("text/csv", b"record_id,patient_id,modality\nR-1,P1,CT\n")]:
        answer = client.request("POST", "/raw-data", content, content_type)
        equal((answer.status, answer.code), (status, code), f"{what}, {content_type}")
        if status == 401:
            check("www-authenticate" in answer.headers, f"{what}: 401 names the scheme")
    answer = client.retract("R-1")
    equal((answer.status, answer.code), (status, code), f"{what}, taking back")
    nothing_stored(server, what)


def nothing_stored(server, what):
    """A record of another centre is sent after it, so that what had come before would be visible."""
    key = server.add_center(f"fence-{len(server.as_operator().get('/data-centers').json['data_centers'])}")
    receipt = server.as_center(key).send(a_record(900)).json["receipt_id"]
    server.wait_for_receipt(receipt)
    rows = server.as_reader().all_data()
    equal([row["record_id"] for row in rows if not row["data_center_id"].startswith("fence-")], [], f"{what}: stored")


def test_nobody_without_a_key_stores_anything(box):
    """without a key, or with a wrong one, nothing is stored"""
    server = box.server()
    key = server.add_center("st-mary")
    refused_sends(server, Client(server.intake), 401, "key-missing", "no key")
    changed = key[:-1] + ("0" if key[-1] != "0" else "1")
    for name, wrong in {"unknown": "ack_" + "0" * 16 + "_" + "0" * 48, "no key at all": "hello", "last digit changed": changed, "cut": key[:-1],
                        "longer": key + "0", "upper case": key.upper()}.items():
        refused_sends(server, Client(server.intake, wrong), 401, "key-unknown", name)
    basic = Client(server.intake, headers={"Authorization": "Basic " + key})
    refused_sends(server, basic, 401, "key-missing", "another scheme")


def test_revoked_and_suspended(box):
    """a revoked key and a suspended centre are refused at once, also after a restart, and a resumed one is heard again"""
    server = box.server()
    server.add_center("st-mary")
    second = server.add_key("st-mary")
    operator = server.as_operator()
    equal(operator.request("DELETE", f"/data-centers/st-mary/keys/{second['key_id']}").status, 204, "revoking")
    third = server.add_key("st-mary")["key"]
    refused_sends(server, server.as_center(second["key"]), 401, "key-revoked", "revoked")
    equal(operator.post("/data-centers/st-mary/suspend", {"reason": "agreement ended"}).status, 200, "suspending")
    refused_sends(server, server.as_center(third), 403, "data-center-suspended", "suspended")
    server.restart()
    refused_sends(server, server.as_center(second["key"]), 401, "key-revoked", "revoked, restarted")
    refused_sends(server, server.as_center(third), 403, "data-center-suspended", "suspended, restarted")
    check(server.center("st-mary")["suspended"], "the centre shows that it is suspended")
    equal(server.as_operator().post("/data-centers/st-mary/resume").status, 200, "resuming")
    equal(server.as_center(third).send(a_record(2)).status, 202, "sending after it was resumed")


def test_foreign(box):
    """a centre cannot write, take back or look into what is another's"""
    server = box.server()
    own, other = server.add_center("st-mary"), server.add_center("charite")
    receipt = server.as_center(other).send(a_record(1)).json
    server.wait_for_receipt(receipt["receipt_id"])
    client = server.as_center(own)
    answer = client.send(a_record(2, data_center_id="charite"))
    equal((answer.status, answer.code), (403, "data-center-foreign"), "a record that names another centre")
    items, totals = client.send_lines([a_record(3, data_center_id="charite"), a_record(4)])
    equal([items[0]["status"], totals["refused"], totals["accepted"]], ["refused", 1, 1], "foreign line among own ones")
    equal(client.retract("R-1").status, 404, "taking back a record of another centre")
    for path in ("/data-centers/charite/scorecard", "/data-centers/charite/quarantine", "/data-centers/charite/mapping"):
        equal(client.get(path).status, 403, path)
        equal(server.as_center(own).get(path.replace("charite", "st-mary")).status, 200, "its own " + path)
    order = b'{"id":"new","name":"New","reason":"x"}'
    for method, path in [("POST", "/data-centers"), ("POST", "/data-centers/st-mary/keys"), ("POST", "/data-centers/st-mary/suspend"),
                         ("GET", "/data-centers")]:
        answer = client.request(method, path, order if method == "POST" else None, "application/json")
        equal(answer.status, 403, f"{method} {path} with a centre's key ({answer.body[:200]!r})")
    equal(server.as_reader().get(f"/data/{receipt['data_id']}").status, 200, "the other's record is still there")


def test_reading(box):
    """reading asks for a read token or the operator's; a centre's key and a revoked token read nothing"""
    server = box.server()
    key = server.add_center("st-mary")
    sent = server.as_center(key).send(a_record(1)).json
    server.wait_for_receipt(sent["receipt_id"])
    paths = ["/data", f"/data/{sent['data_id']}", f"/data/{sent['data_id']}/history", f"/receipts/{sent['receipt_id']}", "/data?nonsense=1"]
    made = server.cli("token", "add", "--role", "researcher", "--name", "Ada", "--data", server.data, "--json")
    equal(made.returncode, 0, f"acopio token add ({made.stderr[-300:]!r})")
    token = json.loads(made.stdout)["token"]
    check(token.startswith("acr_"), "a read token has its prefix")
    for path in paths[:4]:
        equal(Client(server.query, token).get(path).status, 200, f"{path} with a read token")
    for name, wrong in {"none": None, "a centre's key": key, "wrong": "acr_" + "1" * 16 + "_" + "2" * 48, "cut": token[:-1]}.items():
        for path in paths:
            answer = Client(server.query, wrong).get(path)
            equal((answer.status, answer.code), (401, "token-wrong" if wrong else "token-missing"), f"{path} with token {name}")
            check(b"patient_id" not in answer.body, "a refusal tells nothing")
    answer = Client(server.intake, token).send(a_record(2))
    equal((answer.status, answer.code), (401, "key-unknown"), "sending with a read token")
    equal(server.cli("token", "revoke", token.split("_")[1], "--data", server.data).returncode, 0, "acopio token revoke")
    wait_until(lambda: Client(server.query, token).get("/data").status == 401, "a revoked token is refused", 5)
    for path in ("/health", "/ready", "/metrics"):
        equal(Client(server.query).get(path).status, 200, f"{path} asks for no token")
        equal(Client(server.intake).get(path).status, 200, f"{path} asks for no token")
    equal(Client(server.intake).get("/rubric").status, 200, "/rubric asks for no token")


def test_open_mode(box):
    """open mode warns; a centre is named by header or record there, and registered on first sight"""
    server = box.server(open_mode=True)
    warning = "acopio: !!! --open: NO KEYS ARE ASKED. "
    check(any(line.startswith(warning) for line in server.log().splitlines()), f"it warns: {server.log()[:300]!r}")
    check(warning not in box.server().log(), "a server that asks for keys warns")
    client = Client(server.intake)
    equal(client.send(a_record(1, data_center_id="by-record")).status, 202, "named by the record")
    named = Client(server.intake, headers={"X-Data-Center": "by-header"})
    equal(named.send(a_record(1)).status, 202, "named by the header")
    answer = client.send(a_record(2))
    equal((answer.status, answer.code), (400, "data-center-missing"), "not named")
    answer = client.send(a_record(3, data_center_id="No Such Name!"))
    equal((answer.status, answer.code), (400, "data-center-id-invalid"), "a name that cannot be")
    reader = Client(server.query)
    wait_until(lambda: reader.count() == 2, "both are visible")
    equal({row["data_center_id"] for row in reader.all_data()}, {"by-record", "by-header"}, "centres")
    equal(named.retract("R-1").status, 202, "taking back")


def test_secrets_on_disk(box):
    """a key is shown once; only its digest lies on disk, and the operator's token in a file that nobody else reads"""
    server = box.server()
    key = server.add_center("st-mary")
    token = json.loads(server.cli("token", "add", "--role", "researcher", "--name", "Ada", "--data", server.data, "--json").stdout)["token"]
    sent = server.as_center(key).send(a_record(1)).json
    server.wait_for_receipt(sent["receipt_id"])
    for file in ("operator.token",):
        equal(stat.S_IMODE(os.stat(server.data / file).st_mode), 0o600, f"mode of {file}")
    equal(stat.S_IMODE(os.stat(server.data).st_mode), 0o700, "mode of the directory")
    shown = json.dumps(server.center("st-mary"))
    secrets = {"the centre's key": key, "the read token": token}
    for name, secret in secrets.items():
        check(secret.split("_")[2] not in shown, f"{name} is not shown again")
    server.stop()
    files = [p for p in server.data.rglob("*") if p.is_file()]
    check(len(files) >= 4, "there are databases to look through")
    for path in [*files, server.log_path, server.folder / "stdout.log"]:
        content = path.read_bytes()
        for name, secret in secrets.items():
            check(secret.split("_")[2].encode() not in content, f"{name} stands in the clear in {path.name}")
        if path.name != "operator.token" and server.data in path.parents:
            check(server.operator_token().split("_")[1].encode() not in content, f"the operator's token stands in {path.name}")


def test_an_open_server_answers_nobody_elses_pages(box):
    """an open server refuses requests under names of other machines and from pages of other sites, on both ports"""
    server = box.server(open_mode=True)
    for address in (server.intake, server.query):
        for headers, status, code in [({"Host": "evil.example"}, 403, "host-not-local"), ({"Origin": "http://evil.example"}, 403, "origin-foreign"),
                                      ({"Origin": "null"}, 403, "origin-foreign"), ({"Origin": "http://localhost:3000"}, 200, None)]:
            answer = Client(address).request("GET", "/health", headers=headers)
            equal((answer.status, answer.code), (status, code), f"{headers} on {address}")
    answer = Client(server.intake).request("POST", "/data-centers", b'{"id":"x"}', "text/plain")
    equal((answer.status, answer.code), (415, "content-type-unknown"), "a body as a web form sends it")
