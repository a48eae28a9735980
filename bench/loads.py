"""What bench/run.sh measures: the loads, and the rows of the table that compares them."""

# A load: how the floor runs it (None: there is no floor for it), how holdfast-bench does, on how many
# nodes. PLOT: its number of workers on the plots. FULL: left out of --quick. ONCE: in the first round
# alone, as it takes long.


class Load:
    def __init__(self, name, floor, bench, nodes=3, plot=None, full=False, once=False):
        self.name, self.floor, self.bench, self.nodes, self.plot = name, floor, bench, nodes, plot
        self.full, self.once = full, once


def _cycle(workers, full=False):
    return Load(f"{workers} workers" if workers > 1 else "1 worker", ["-w", str(workers), "commands"],
                ["-w", str(workers), "cycle"], plot=workers, full=full)


def _encrypted(load):
    """The same with keys, measured right after it. The floor has no keys."""
    return Load(f"{load.name}, CURVE", None, ["--curve"] + load.bench, full=True)


_ONE, _SOME, _MANY = _cycle(1), _cycle(64), _cycle(256)
_CROWD = Load("256 connections", ["-w", "256", "-k", "256", "echo"], ["-w", "256", "-c", "W", "cycle"])
PLAIN = [_ONE, _SOME, _MANY, _CROWD]  # of which it is told what CURVE costs

LOADS = [
    _ONE,
    _encrypted(_ONE),
    _cycle(16, full=True),
    _SOME,
    _encrypted(_SOME),
    _MANY,
    _encrypted(_MANY),
    _cycle(1024),
    _CROWD,
    _encrypted(_CROWD),
    Load("1,024 sessions", None, ["-w", "1024", "--sessions-per-connection", "W", "cycle"]),
    Load("one lock", None, ["-w", "64", "handoff"]),
    Load("one lock, 64 connections", None, ["-w", "64", "-c", "W", "handoff"]),
    Load("5 nodes", ["-w", "1", "-n", "5", "commands"], ["-w", "1", "cycle"], nodes=5),
    Load("7 nodes", ["-w", "1", "-n", "7", "commands"], ["-w", "1", "cycle"], nodes=7),
    Load("failover", None, ["failover"]),
    Load("stop", None, ["stop"], full=True),
    Load("cut", None, ["cut"], full=True),
    Load("append", None, ["-w", "64", "--append-bytes", "100", "append"], full=True),
    Load("read", None, ["-w", "64", "--append-bytes", "100", "read"], full=True),
    Load("read --stale", None, ["-w", "64", "--append-bytes", "100", "--stale", "read"], full=True),
    Load("scale 1,000", None, ["-w", "1", "--held", "1000", "scale"], full=True, once=True),
    Load("scale 990,000", None, ["-w", "1", "--held", "990000", "scale"], full=True, once=True),
    Load("100,000 sessions", None, ["-c", "4", "--sessions-per-connection", "25000", "--ttl", "10000", "-t", "20",
                                    "--warmup", "5", "idle"], full=True, once=True),
    #  One holds the lock. In each round, one right after the other: their ratio moves.
    Load("10 waiters", None, ["-w", "11", "handoff"], full=True),
    Load("100,000 waiters", None, ["-w", "100001", "handoff"], full=True),
    #  One node: the clients of three would need 30,000 ports of this machine.
    Load("10,000 clients", None, ["-w", "1000", "-c", "W", "--held", "0", "--idle", "9000", "scale"], nodes=1, full=True,
         once=True),
]

# Of which it is told what each thread does.
THREADS = [_ONE.name, _SOME.name, _MANY.name]

# Of the peers: the load's name as above, the command, the workers.
PEER_LOADS = [("1 worker", "cycle", 1, False), ("16 workers", "cycle", 16, True), ("64 workers", "cycle", 64, False),
              ("256 workers", "cycle", 256, True), ("one lock", "handoff", 64, False)]


# What CURVE costs: these loads alone.
CURVE = [name for load in PLAIN for name in (load.name, f"{load.name}, CURVE")]


class Row:
    """OWN and REF: (who, load, figure). The ratio is OWN / REF, or the other way round with INVERSE;
    with no REF it is OWN itself. It must be at most MOST, or at least LEAST; with neither it is only
    told."""

    def __init__(self, title, unit, ref, own, most=None, least=None, inverse=False, worst=False):
        self.title, self.unit, self.ref, self.own = title, unit, ref, own
        self.most, self.least, self.inverse, self.worst = most, least, inverse, worst

    def ratio(self, ref, own):
        if not self.ref:
            return own
        return ref / own if self.inverse else own / ref

    def wanted(self):
        if self.most is None and self.least is None:
            return ""
        bound = f"at most {self.most:g}" if self.most is not None else f"at least {self.least:g}"
        return bound if self.ref else f"{bound} {self.unit}"

    def met(self, ratio):
        if self.most is not None:
            return ratio <= self.most
        return self.least is None or ratio >= self.least


def _rate(title, load, least):
    return Row(title, "requests/s", ("floor", load, "per_second"), ("holdfast", load, "per_second"), least=least)


ROWS = [
    Row("1 worker, acquire p50", "ms", ("floor", "1 worker", "p50_ms"), ("holdfast", "1 worker", "p50_ms"),
        most=1.15),
    _rate("64 workers, one connection", "64 workers", 1.0),
    _rate("256 workers, one connection", "256 workers", 0.9),
    _rate("1,024 workers, one connection", "1024 workers", 0.6),
    Row("1,024 workers beside 256 workers", "requests/s", ("holdfast", "256 workers", "per_second"),
        ("holdfast", "1024 workers", "per_second"), least=1.0),
    _rate("256 connections in one process", "256 connections", 0.7),
    Row("1,024 sessions on one connection beside one session", "requests/s",
        ("holdfast", "1024 workers", "per_second"), ("holdfast", "1,024 sessions", "per_second"), least=0.8),
    Row("64 workers, one lock, one connection", "hand-offs/s", ("floor", "1 worker", "per_p50"),
        ("holdfast", "one lock", "cycles_per_second"), least=0.85),
    Row("64 workers, one lock, 64 connections", "hand-offs/s", ("floor", "1 worker", "per_p50"),
        ("holdfast", "one lock, 64 connections", "cycles_per_second"), least=0.75),
    *[Row(f"{load.name}, with CURVE beside without", "requests/s", ("holdfast", load.name, "per_second"),
          ("holdfast", f"{load.name}, CURVE", "per_second")) for load in PLAIN],
    Row("5 nodes, 1 worker, beside 3 nodes", "requests/s", ("holdfast", "1 worker", "per_second"),
        ("holdfast", "5 nodes", "per_second"), most=1.25, inverse=True),
    Row("7 nodes, 1 worker, beside 3 nodes", "requests/s", ("holdfast", "1 worker", "per_second"),
        ("holdfast", "7 nodes", "per_second"), most=1.6, inverse=True),
    Row("leader killed to next grant, median", "ms", None, ("holdfast", "failover", "median_ms"), most=10),
    Row("leader killed to next grant, worst", "ms", None, ("holdfast", "failover", "worst_ms"), most=100,
        worst=True),
    Row("leader stopped to next grant, median", "ms", None, ("holdfast", "stop", "median_ms")),
    Row("leader stopped to next grant, worst", "ms", None, ("holdfast", "stop", "worst_ms"), worst=True),
    Row("leader cut off to next grant, median", "ms", None, ("holdfast", "cut", "median_ms")),
    Row("leader cut off to next grant, worst", "ms", None, ("holdfast", "cut", "worst_ms"), worst=True),
    Row("64 workers, sections of 4 appends of 100 bytes", "requests/s", ("floor", "64 workers", "per_second"),
        ("holdfast", "append", "per_second")),
    Row("64 readers of 100 bytes, from the leader", "requests/s", None, ("holdfast", "read", "per_second")),
    Row("64 readers of 100 bytes, from any node", "requests/s", None, ("holdfast", "read --stale", "per_second")),
    Row("1 worker, acquire p50, beside 990,000 locks held and beside 1,000", "ms", ("holdfast", "scale 1,000", "p50_ms"),
        ("holdfast", "scale 990,000", "p50_ms"), most=1.2),
    Row("memory of a node for each of 990,000 locks", "bytes", None,
        ("holdfast", "scale 990,000", "memory_bytes_per_lock"), most=300),
    Row("a node with 990,000 locks is started, until it has them", "s", None,
        ("holdfast", "scale 990,000", "node_back_after_seconds"), most=5),
    Row("100,000 sessions kept alive, TTL 10 s, the leader", "% of a core", None,
        ("holdfast", "100,000 sessions", "core_percent.leader"), most=15),
    Row("the same, a follower", "% of a core", None, ("holdfast", "100,000 sessions", "core_percent.follower")),
    Row("the same, the client", "% of a core", None, ("holdfast", "100,000 sessions", "core_percent.client")),
    Row("100,000 waiters for one lock beside 10", "hand-offs/s", ("holdfast", "10 waiters", "cycles_per_second"),
        ("holdfast", "100,000 waiters", "cycles_per_second"), least=0.8),
    Row("10,000 clients of one node, one in ten at work: lost", "sessions", None,
        ("holdfast", "10,000 clients", "sessions_lost"), most=0),
    Row("the same, acquire p50", "ms", None, ("holdfast", "10,000 clients", "p50_ms")),
]


def floor_figures(result):
    """What a result of holdfast-floor says, in the words that all results share. cpu_us is for one
    request; of one follower, as of holdfast."""
    return {
        "per_second": result["per_second"],
        "p50_ms": result["p50_ms"],
        "p99_ms": result["p99_ms"],
        "per_p50": 1000 / result["p50_ms"],
        "cpu_us": {"leader": result["leader_cpu_us"],
                   "follower": result["followers_cpu_us"] / max(result["nodes"] - 1, 1),
                   "client": result["client_cpu_us"]},
    }


def bench_figures(result):
    """The same of holdfast-bench. A cycle is two requests."""
    if result["command"] in ("failover", "stop", "cut"):
        return {name: result[name] for name in ("median_ms", "worst_ms", "rounds")}
    if result["command"] == "idle":
        return {name: result[name] for name in ("core_percent", "sessions_lost")}
    latency = result["latency_us"]
    if result["command"] == "read":
        return {"per_second": result["reads_per_second"], "p50_ms": latency["read"]["p50"] / 1000,
                "p99_ms": latency["read"]["p99"] / 1000, "cpu_us": result["cpu_us_per_request"]}
    cycles = result["cycles_per_second"]
    each = 2 + (result["appends"] if result["command"] == "append" else 0)
    figures = {"cycles_per_second": cycles, "per_second": each * cycles, "p50_ms": latency["acquire"]["p50"] / 1000,
               "p99_ms": latency["acquire"]["p99"] / 1000, "cpu_us": result.get("cpu_us_per_request", {})}
    for name in ("memory_bytes_per_lock", "node_back_after_seconds", "sessions_lost"):
        if name in result:
            figures[name] = result[name]
    if "handoff" in latency:
        figures["handoff_p50_ms"] = latency["handoff"]["p50"] / 1000
        figures["handoff_p99_ms"] = latency["handoff"]["p99"] / 1000
    return figures
