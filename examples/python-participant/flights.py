"""Seats of flights as a participant in Python: one file, the standard library, its own SQLite database.

Messages and rules: docs/reference/http-wire.md. Each command is one database transaction, which holds its effect on
the seats and the record of its branch. usage: flights.py DATABASE PORT [COORDINATOR_URL]   (ASSENT_SECRET: the key)
"""

import hashlib, hmac, json, os, sqlite3, sys, threading, time, urllib.parse, urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

SECRET = os.environ["ASSENT_SECRET"].encode()
MAX_AGE, CLOCK_SKEW, ASK_AFTER, SIGNATURE_AGE = 7_200_000, 500, 60_000, 300_000  # milliseconds, as at the coordinator
FAR_AHEAD, MESSAGE_MAX = 31_622_400_000, 8_388_608
BACKWARD, FORWARD = ("aborted", "compensated"), ("committed", "completed")
SCHEMA = """
CREATE TABLE IF NOT EXISTS seats(flight TEXT PRIMARY KEY, free INT CHECK(free >= 0), held INT CHECK(held >= 0), booked INT);
CREATE TABLE IF NOT EXISTS branches(tx TEXT, branch TEXT, record TEXT, asks_at INT, PRIMARY KEY(tx, branch));
"""


def now():
    return int(os.environ.get("NOW", time.time() * 1000))


def move(db, payload, source, target):
    """Moves seats between two columns. False, and nothing done, when there are too few."""
    seats, flight = payload["input"]["seats"], payload["input"]["flight"]
    change = f"UPDATE seats SET {source} = {source} - ?, {target} = {target} + ? WHERE flight = ? AND {source} >= ?"
    return db.execute(change, (seats, seats, flight, seats)).rowcount == 1


def apply(db, command):
    """The branch machine: one command, inside a transaction. Returns its answer."""
    at, verb, saga = now(), command["verb"], command["protocol"] == "saga"
    if max(command["epoch"], command["begunAt"], command.get("deadlineAt", 0)) > at + FAR_AHEAD:
        return {"kind": "unknown", "reason": "too_far_ahead"}
    name = (command["txId"], command["branchId"])
    found = db.execute("SELECT record FROM branches WHERE tx = ? AND branch = ?", name).fetchone()
    record = json.loads(found[0]) if found else None

    def write(**changes):
        kept = {**(record or {"forgotten": False, "begunAt": command["begunAt"], "protocol": command["protocol"]}), **changes}
        kept["epoch"] = max(command["epoch"], kept.get("epoch", 0))
        waits = kept["state"] not in BACKWARD and not kept["forgotten"]
        row = (*name, json.dumps(kept), at + ASK_AFTER if waits else None)
        db.execute("INSERT OR REPLACE INTO branches VALUES(?, ?, ?, ?)", row)
        return {"kind": "done", "state": kept["state"], **({"refusal": kept["refusal"]} if "refusal" in kept else {})}

    def ran(state):
        return write(state=state, payload=command["payload"], origin=command.get("origin"))

    if record is None:
        if verb == "forget":
            return {"kind": "forgotten"}
        if at > command["begunAt"] + MAX_AGE:
            return {"kind": "expired"}
        if verb in ("prepare", "execute"):
            late = "deadlineAt" in command and at > command["deadlineAt"] + CLOCK_SKEW
            known = command["payload"]["action"] == "book"
            if not late and known and move(db, command["payload"], "free", "booked" if saga else "held"):
                return ran("executed" if saga else "prepared")
            reason = "deadline_passed" if late else "sold_out" if known else "unknown_action"
            write(state="compensated" if saga else "aborted", refusal=reason, payload=command["payload"])
            return {"kind": "refused", "reason": reason}
        if verb in ("commit", "complete"):
            if saga:
                return {"kind": "hazard", "reason": "vote_lost"}
            if command["payload"]["action"] != "book":
                return {"kind": "hazard", "reason": "unknown_action"}
            moved = move(db, command["payload"], "free", "booked")
            return ran("committed") if moved else {"kind": "hazard", "reason": "sold_out"}
        return write(state="compensated" if saga else "aborted")
    if command["epoch"] < record["epoch"]:
        return {"kind": "fenced", "epoch": record["epoch"]}
    state, saga = record["state"], record["protocol"] == "saga"
    if verb in ("commit", "complete", "abort", "compensate"):
        forward = verb in ("commit", "complete")
        if state in (BACKWARD if forward else FORWARD):
            write()
            return {"kind": "conflict", "state": state}
        if state in (FORWARD if forward else BACKWARD):
            return write()
        if not saga or not forward:
            source = "booked" if saga else "held"
            assert move(db, record["payload"], source, "booked" if forward else "free"), "the reservation is gone"
        return write(state=(FORWARD if forward else BACKWARD)[saga])
    if verb == "forget":
        if state in ("prepared", "executed"):
            write()
            return {"kind": "conflict", "state": state}
        write(forgotten=True)
        return {"kind": "forgotten"}
    done = write()
    if "payload" in record and "payload" in command and record["payload"] != command["payload"]:
        return {"kind": "mismatch"}
    if verb != "query-or-prevent" and state in BACKWARD:
        return {"kind": "refused", "reason": record.get("refusal", "prevented")}
    return done


def answer(db, command):
    """A command that fails leaves nothing behind; nothing may be concluded from it."""
    try:
        with db:
            db.execute("BEGIN IMMEDIATE")
            return apply(db, command)
    except Exception as error:
        print(f"flights: {error!r} of {str(command)[:80]}", file=sys.stderr, flush=True)
        return {"kind": "unknown", "reason": "handler_failed"}


def sign(text, body):
    return hmac.new(SECRET, text.encode() + body, hashlib.sha256).hexdigest()


def ask(db, url):
    """Asks the coordinator what became of transactions that have waited long, and does what was decided."""
    due = db.execute("SELECT tx, branch, record FROM branches WHERE asks_at <= ? LIMIT 64", (now(),)).fetchall()
    for tx, branch, text in due:
        record = json.loads(text)
        with db:
            db.execute("UPDATE branches SET asks_at = ? WHERE tx = ? AND branch = ?", (now() + ASK_AFTER, tx, branch))
        question = {"txId": tx, "branchId": branch, **{k: record[k] for k in ("protocol", "epoch", "begunAt", "origin")}}
        name, body = json.loads(record["origin"])["coordinator"], json.dumps({"v": 1, "questions": [question]}).encode()
        t = now()
        seal = f"t={t},s=" + sign(f"request\n{t}\nquestions\n{name}\n", body)
        request = urllib.request.Request(f"{url}/questions/{urllib.parse.quote(name, '')}", body, {"Assent-Signature": seal})
        with urllib.request.urlopen(request, timeout=10) as response:
            reply = response.read(MESSAGE_MAX)
            if response.headers["Assent-Signature"] != "s=" + sign(f"reply\n{seal}\n", reply):
                raise ValueError("the signature of the reply is not valid")
        for told in json.loads(reply)["questionAnswers"]:
            if told["kind"] == "decided":
                verbs = {"2pc": ("commit", "abort"), "saga": ("complete", "compensate")}[record["protocol"]]
                command = {**question, "epoch": told["epoch"], "verb": verbs[told["decision"] == "abort"]}
                answer(db, command)
                if told["ended"]:
                    answer(db, {**command, "verb": "forget"})


class Handler(BaseHTTPRequestHandler):
    """One request for each connection, one connection at a time: SQLite writes one transaction at a time anyway."""

    timeout = 10

    def do_POST(self):
        size = int(self.headers.get("Content-Length", -1))
        if not 0 <= size <= MESSAGE_MAX or not self.path.endswith("/commands/flights"):
            return self.send_error(404)
        body, seal = self.rfile.read(size), self.headers.get("Assent-Signature", "")
        t = seal[2:].split(",")[0]
        expected = f"t={t},s=" + sign(f"request\n{t}\ncommands\nflights\n", body)
        if not t.isdigit() or abs(now() - int(t)) > SIGNATURE_AGE or not hmac.compare_digest(seal, expected):
            return self.send_error(401)
        reply = json.dumps({"v": 1, "answers": [answer(self.server.db, each) for each in json.loads(body)["commands"]]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.send_header("Assent-Signature", "s=" + sign(f"reply\n{seal}\n", reply))
        self.end_headers()
        self.wfile.write(reply)


def main(database, port, coordinator=None):
    server = HTTPServer(("127.0.0.1", int(port)), Handler)
    server.db = sqlite3.connect(database, isolation_level=None)
    server.db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + SCHEMA)
    print(f"flights: http://127.0.0.1:{server.server_port}", flush=True)
    server.timeout, swept = 1, 0
    while True:
        server.handle_request()
        if coordinator and time.monotonic() - swept > 5:
            swept = time.monotonic()
            try:
                ask(server.db, coordinator)
            except Exception as error:
                print(f"flights: asks again later: {error!r}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
