"""docs/api/openapi.yaml against the server: its paths, its answers, its examples, its codes."""
import json
import re
import subprocess

from harness import ROOT, Client, Skip, a_record, check, equal, packed, wait_until

METHODS = ["get", "post", "put", "patch", "delete"]
OF_HTTP = {"connection", "content-length", "content-type", "date", "transfer-encoding"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float), "null": type(None)}


def document():
    """PyYAML is Debian's, so its python3 reads the file, whichever runs this. A date without quotes would be no JSON."""
    script = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"
    with open(ROOT / "docs/api/openapi.yaml", "rb") as file:
        done = subprocess.run(["/usr/bin/python3", "-c", script], stdin=file, capture_output=True, check=False)
    if b"No module named 'yaml'" in done.stderr:
        raise Skip("python3-yaml is missing: tools/install.sh installs it")
    equal(done.returncode, 0, f"reading the document ({done.stderr[-300:]!r})")
    return json.loads(done.stdout)


def target(spec, reference):
    node = spec
    for name in reference.removeprefix("#/").split("/"):
        node = node[name]
    return node


def resolved(spec, node):
    """A response, header or parameter, behind its reference."""
    return target(spec, node["$ref"]) if "$ref" in node else node


def layers(spec, schema):
    """The schema and all that it says to hold beside: what it refers to, and its allOf."""
    yield schema
    if "$ref" in schema:
        yield from layers(spec, target(spec, schema["$ref"]))
    for one in schema.get("allOf", []):
        yield from layers(spec, one)


def has_type(value, name):
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


def plain_faults(layer, value):
    """What one layer says of the value as a whole."""
    types = layer.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(has_type(value, name) for name in types):
        yield f"is no {' or '.join(types)}"
    if "const" in layer and value != layer["const"]:
        yield f"is not {layer['const']}"
    if value not in layer.get("enum", [value]):
        yield f"is none of {layer['enum']}"
    if isinstance(value, str) and not re.search(layer.get("pattern", ""), value):
        yield f"does not fit {layer['pattern']}"
    if has_type(value, "number") and not layer.get("minimum", value) <= value <= layer.get("maximum", value):
        yield "is out of range"


def faults(spec, schema, value, where="answer"):
    """Why the value is not what the schema says: also a member that it does not declare."""
    found, members, needed, is_object, others = [], {}, set(), False, False
    for layer in layers(spec, schema):
        found += [f"{where} {fault}: {value!r}" for fault in plain_faults(layer, value)]
        for name, member in layer.get("properties", {}).items():
            members.setdefault(name, []).append(member)
        needed |= set(layer.get("required", []))
        is_object = is_object or layer.get("type") == "object"
        others = others or layer.get("additionalProperties", False)
        if "oneOf" in layer:
            choices = [faults(spec, one, value, where) for one in layer["oneOf"]]
            if choices.count([]) != 1:
                found.append(f"{where} fits {choices.count([])} of {len(choices)}: {choices}")
        if "items" in layer and isinstance(value, list):
            found += [fault for i, one in enumerate(value) for fault in faults(spec, layer["items"], one, f"{where}[{i}]")]
    if isinstance(value, dict) and is_object:
        found += [f"{where}.{name} is missing" for name in sorted(needed - value.keys())]
        for name, one in value.items():
            kinds = members.get(name, [others] if isinstance(others, dict) else [])
            if not kinds and not others:
                found.append(f"{where}.{name} is not declared")
            found += [fault for kind in kinds for fault in faults(spec, kind, one, f"{where}.{name}")]
    return found


def operations(spec, port=None):
    """(path, method, operation), of one port or of both."""
    for path, item in spec["paths"].items():
        if port and not any(server["url"].endswith(f":{port}") for server in item["servers"]):
            continue
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def filled(path):
    return re.sub(r"\{\w+\}", "x", path)


def paths_and_methods(server, address, side, port, spec):
    """One port. The server counts requests by route, those too that nobody asked for yet."""
    metrics = Client(address).get("/metrics").body.decode()
    served = set(re.findall(r'acopio_http_seconds_count\{route="(/[^"]*)",server="' + side + '"', metrics))
    equal({path for path, _, _ in operations(spec, port)}, served, f"the paths of port {port}")
    nobody = Client(address)
    for path in sorted(served):
        methods = {method: operation for at, method, operation in operations(spec, port) if at == path}
        allowed = {method.upper() for method in methods} | {"OPTIONS"} | ({"HEAD"} if "get" in methods else set())
        answer = nobody.request("OPTIONS", filled(path))
        equal((answer.status, set(answer.headers["allow"].split(", "))), (204, allowed), f"OPTIONS {path}")
        for method in METHODS:
            answer = nobody.request(method.upper(), filled(path))
            if method in methods:
                needs_token = methods[method].get("security") != []
                equal(answer.status, 401 if needs_token else 200, f"{method} {path} without a token")
            else:
                equal((answer.status, answer.code), (405, "method-not-allowed"), f"{method} {path}")
                equal(set(answer.headers["allow"].split(", ")), allowed, f"Allow of {method} {path}")


def test_paths(box):
    """the OpenAPI document has the paths, the methods and the ports that the server has, and says which ask for a token"""
    spec, server = document(), box.server()
    paths_and_methods(server, server.intake, "intake", 8000, spec)
    paths_and_methods(server, server.query, "query", 8001, spec)


class Contract:
    """Holds answers to what the document says of them."""

    def __init__(self, spec):
        self.spec = spec

    def response(self, method, path, status):
        found = self.spec["paths"][path][method]["responses"].get(str(status))
        check(found, f"{method} {path}: no answer {status} is documented")
        return resolved(self.spec, found)

    def holds(self, answer, method, path, status):
        """The status, the type, the headers and the body. Gives the answer back."""
        what = f"{method} {path}, {status}"
        equal(answer.status, status, f"{what} ({answer.body[:300]!r})")
        response = self.response(method, path, status)
        self.headers_hold(answer, response.get("headers", {}), what)
        if "content" not in response:
            equal(answer.body, b"", f"body of {what}")
            return answer
        content = answer.headers["content-type"].split(";")[0]
        check(content in response["content"], f"{what}: the type {content} is not documented")
        schema = response["content"][content]["schema"]
        if content == "application/x-ndjson":
            for line in answer.body.splitlines():
                equal(faults(self.spec, schema, json.loads(line)), [], what)
        elif content != "text/plain":
            equal(faults(self.spec, schema, answer.json), [], what)
        return answer

    def headers_hold(self, answer, headers, what):
        headers = {name.lower(): resolved(self.spec, header) for name, header in headers.items()}
        equal(sorted(answer.headers.keys() - OF_HTTP - headers.keys()), [], f"undocumented headers of {what}")
        for name, header in headers.items():
            value = answer.headers.get(name)
            check(value is not None or not header.get("required"), f"{what}: the header {name} is missing")
            if value is not None:
                value = int(value) if header["schema"].get("type") == "integer" else value
                equal(faults(self.spec, header["schema"], value, name), [], what)


def center_answers(server, holds):
    """Registers st-mary and gives back a key of it."""
    operator, nobody = server.as_operator(), Client(server.intake)
    centers, center = "/data-centers", "/data-centers/{id}"
    holds(operator.post(centers, {"id": "st-mary", "name": "St Mary"}), "post", centers, 201)
    holds(operator.post(centers, {"id": "st-mary"}), "post", centers, 409)
    holds(operator.post(centers, {"id": "St Mary"}), "post", centers, 400)
    holds(operator.request("POST", centers, b"id=st-mary", "text/plain"), "post", centers, 415)
    holds(operator.request("POST", centers, b"x" * 300_000, "application/json"), "post", centers, 413)
    holds(nobody.get(centers), "get", centers, 401)
    holds(Client(server.intake, "wrong").get(centers), "get", centers, 401)
    key = holds(operator.post("/data-centers/st-mary/keys"), "post", center + "/keys", 201).json
    holds(operator.post("/data-centers/nobody/keys"), "post", center + "/keys", 404)
    other = holds(operator.post("/data-centers/st-mary/keys"), "post", center + "/keys", 201).json
    for status, key_id in [(204, other["key_id"]), (404, "0" * 16)]:
        holds(operator.request("DELETE", f"/data-centers/st-mary/keys/{key_id}"), "delete", center + "/keys/{key_id}", status)
    holds(server.as_center(key["key"]).get(centers), "get", centers, 403)
    holds(operator.get("/data-centers/nobody"), "get", center, 404)
    for order, status, body in [("suspend", 200, {"reason": "a test"}), ("suspend", 400, {"reason": " "}), ("resume", 200, None)]:
        holds(operator.post(f"/data-centers/st-mary/{order}", body), "post", f"{center}/{order}", status)
    mapping = "/data-centers/st-mary/mapping"
    holds(operator.request("PUT", mapping, b'{"Befund":"findings"}', "application/json"), "put", center + "/mapping", 200)
    holds(operator.request("PUT", mapping, b'{"Befund":"befund"}', "application/json"), "put", center + "/mapping", 400)
    holds(server.as_center(key["key"]).get(mapping), "get", center + "/mapping", 200)
    return key["key"]


def test_answers_about_centers(box):
    """what the server answers about data centres has the members, statuses and headers of the OpenAPI document, no more and no fewer"""
    server, contract = box.server(), Contract(document())
    holds, center = contract.holds, "/data-centers/{id}"
    key = center_answers(server, holds)
    operator, own = server.as_operator(), server.as_center(key)
    equal(holds(own.get("/data-centers/st-mary/scorecard"), "get", center + "/scorecard", 200).json["records"], 0, "records so far")
    own.send_lines(a_record(n, report_date="2020-01-05", study_date="2020-01-01", diagnosis_date=None) for n in range(520))
    own.send(a_record(999, report="Copy to ward3@example.org."))
    own.send(a_record(998, report="Copy to ward4@example.org."))
    wait_until(lambda: server.scorecard("st-mary")["records"] == 522, "all records count")
    card = holds(operator.get("/data-centers/st-mary/scorecard"), "get", center + "/scorecard", 200).json
    check(card["lift"] and card["failing"] and card["feeds"], f"a scorecard with all its parts: {card}")
    wait_until(lambda: server.center("st-mary")["records"] == 522, "the centre's records are counted")
    check("score_lower" in holds(operator.get("/data-centers/st-mary"), "get", center, 200).json, "a centre with records has its lower score")
    holds(operator.get("/data-centers"), "get", "/data-centers", 200)
    page = holds(own.get("/data-centers/st-mary/quarantine", limit=1), "get", center + "/quarantine", 200).json
    page = holds(own.get("/data-centers/st-mary/quarantine", before=page["next"]), "get", center + "/quarantine", 200).json
    equal((len(page["quarantined"]), page["next"]), (1, None), "the last page of the quarantine")
    holds(own.get("/data-centers/st-mary/quarantine", after=1), "get", center + "/quarantine", 400)
    holds(own.get("/data-centers/nobody/quarantine"), "get", center + "/quarantine", 403)
    holds(Client(server.intake).get("/rubric"), "get", "/rubric", 200)
    for address in (server.intake, server.query):
        for path in ("/health", "/ready", "/metrics"):
            holds(Client(address).get(path), "get", path, 200)


def test_answers_to_records(box):
    """what the server answers to records has the members, statuses and headers of the OpenAPI document, no more and no fewer"""
    server, contract = box.server(), Contract(document())
    key = server.add_center("st-mary")
    own, operator = server.as_center(key), server.as_operator()

    def sent(status, body, content_type="application/json", client=own, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return contract.holds(client.request("POST", "/raw-data", body, content_type, headers), "post", "/raw-data", status)

    record = json.dumps(a_record(1, ward="3")).encode()
    equal(faults(contract.spec, {"$ref": "#/components/schemas/Record"}, json.loads(record)), [], "a record that is sent")
    sent(202, record)
    equal(sent(200, record).json["status"], "duplicate", "a record once more")
    check(sent(202, json.dumps(a_record(2, record_id=None)).encode()).json["record_id_derived"], "an id was made")
    equal(sent(202, json.dumps(a_record(3, report="Copy to ward3@example.org.")).encode()).json["status"], "quarantined", "an address")
    equal(sent(200, b"[" + record + b',{"record_id":true},5]').json["refused"], 2, "refused of an array")
    sent(200, b"[]")
    sent(200, record + b'\n{"record_id":\n', "application/x-ndjson")
    sent(200, b'record_id,modality\nX-1,CT\nX-2,"CT\n', "text/csv")
    sent(200, packed(record, "gzip"), Content_Encoding="gzip")
    sent(400, b'{"record_id":"X-3",')
    sent(400, b"a,b\n1,2\n", "text/csv")
    sent(401, record, client=Client(server.intake))
    sent(403, record, client=operator)
    sent(403, record, X_Data_Center="st-john")
    sent(413, json.dumps(a_record(5, report="x" * 1_100_000)).encode())
    for headers in [{"content_type": "text/plain"}, {"content_type": "application/json; charset=latin1"}, {"Content_Encoding": "br"}]:
        sent(415, record, **headers)
    sent(422, b'{"record_id":true}')
    for client, headers, status in [(own, {}, 202), (own, {}, 404), (Client(server.intake), {}, 401), (operator, {}, 400),
                                    (operator, {"X-Data-Center": "st-mary"}, 404), (own, {"X-Data-Center": "st-john"}, 403)]:
        answer = client.retract("R-1", headers)
        contract.holds(answer, "delete", "/raw-data/{record_id}", status)


def test_answers_to_questions(box):
    """what the server answers to questions has the members, statuses and headers of the OpenAPI document, no more and no fewer"""
    server, contract = box.server(), Contract(document())
    holds = contract.holds
    own, reader = server.as_center(server.add_center("st-mary")), server.as_reader()
    receipts = [own.send(a_record(n, ward="3", laterality="R", comparison="None", birth_year=1981)).json for n in range(3)]
    data = "/data/" + receipts[0]["data_id"]
    server.wait_for_receipt(receipts[0]["receipt_id"])
    own.send(a_record(0, age=44))
    server.wait_for_receipt(receipts[0]["receipt_id"], "superseded")
    wait_until(lambda: len(reader.get(data + "/history").json["history"]) == 2, "the record was amended")
    server.wait_for_records(3)
    page = holds(reader.get("/data", limit=2, count="exact"), "get", "/data", 200).json
    equal(holds(reader.get("/data", limit=2, cursor=page["next"]), "get", "/data", 200).json["next"], None, "the last page")
    holds(reader.get(data), "get", "/data/{id}", 200)
    holds(reader.get("/receipts/" + receipts[0]["receipt_id"]), "get", "/receipts/{id}", 200)
    own.retract("R-0")
    wait_until(lambda: reader.get(data).status == 410, "the record was taken back")
    holds(reader.get(data), "get", "/data/{id}", 410)
    events = holds(reader.get(data + "/history"), "get", "/data/{id}/history", 200).json["history"]
    equal([event["event"] for event in events], ["collected", "amended", "retracted"], "events")
    rows = holds(reader.get("/data", include_retracted="true", record_id="R-0"), "get", "/data", 200).json["data"]
    check(rows[0]["retracted"], "a record that was taken back says so")
    for wrong in [{"colour": "red"}, {"age_min": "old"}, {"cursor": "x"}, {"cursor": page["next"], "sort": "age"}]:
        holds(reader.get("/data", **wrong), "get", "/data", 400)
    for path, documented in [("/data/%s", "/data/{id}"), ("/data/%s/history", "/data/{id}/history"), ("/receipts/%s", "/receipts/{id}")]:
        holds(reader.get(path % "x"), "get", documented, 400)
        holds(reader.get(path % ("0" * 32)), "get", documented, 404)
        holds(Client(server.query).get(path % ("0" * 32)), "get", documented, 401)
    holds(Client(server.query, "wrong").get("/data"), "get", "/data", 401)


def test_parameters(box):
    """the server knows the parameters of the OpenAPI document, with the values that it names, and says that there are no others"""
    spec, server = document(), box.server()
    parameters = [resolved(spec, one) for one in spec["paths"]["/data"]["get"]["parameters"]]
    reader = server.as_reader()
    equal({one["name"] for one in parameters}, set(reader.get("/data", colour="red").json["expected"].split(", ")), "parameters of /data")
    for one in parameters:
        schema = {name: value for layer in layers(spec, one["schema"]) for name, value in layer.items()}
        values = schema.get("items", schema).get("enum", []) + [schema[name] for name in ("minimum", "maximum", "default") if name in schema]
        for value in values + schema.get("examples", []):
            value = str(value).lower() if isinstance(value, bool) else value
            equal(reader.get("/data", **{one["name"]: value}).status, 200, f"{one['name']}={value}")


def media(node, where=""):
    """Every place of the document that has a schema and examples of it."""
    for name, one in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else []:
        yield from media(one, f"{where}/{name}")
    if isinstance(node, dict) and "schema" in node:
        examples = [one["value"] for one in node.get("examples", {}).values()] + [node[name] for name in ("example",) if name in node]
        yield where, node["schema"], examples


def test_examples(box):
    """the examples of the OpenAPI document are what its schemas say"""
    spec, seen = document(), 0
    for where, schema, examples in media(spec["paths"] | spec["components"]):
        for example in examples:
            lines = [json.loads(line) for line in example.splitlines()] if "oneOf" in schema and isinstance(example, str) else [example]
            for line in lines:
                equal(faults(spec, schema, line), [], f"an example at {where}")
                seen += 1
    check(seen > 30 and box.folder, f"{seen} examples")


# How the sources name what a client did wrong, and what is too much.
CODES = re.compile(r'Known\{\s*"([a-z0-9-]+)"|Mend\{"([a-z0-9-]+)"|\bcode = "([a-z0-9-]+)"|refus(?:e|al_of_header)\((?:\d+, )?"([a-z0-9-]+)"'
                   r'|ErrorKind::(?:incorrect|forbidden|not_found|conflict|busy),\s*"([a-z0-9-]+)"')
# Of the start and of the command line.
OF_NO_ANSWER = {"host-unknown", "mapping-broken", "name-too-long", "no-such-token", "operator-token-missing", "role-unknown", "rubric-invalid"}


def test_codes(box):
    """the OpenAPI document has the codes of problems that the sources of both ports have"""
    text, named = (ROOT / "docs/api/openapi.yaml").read_text(), set()
    for folder in ("data_center_classifier", "collector_query", "platform/http"):
        for path in sorted((ROOT / folder).rglob("*.cpp")):
            if not re.search(r"_(test|fuzz|bench)$|^client(_tls)?$", path.stem):
                named |= {code for groups in CODES.findall(path.read_text()) for code in groups if code}
    check(len(named) > 60 and box.folder, f"{len(named)} codes in the sources")
    equal(sorted(code for code in named - OF_NO_ANSWER if not re.search(rf"\b{code}\b", text)), [], "codes that are not documented")
