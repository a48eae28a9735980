#!/usr/bin/env python3
"""bench/run.sh's work: run the floor, holdfast and its peers in turn, several rounds, and write the
results. See bench/run.sh --help."""
import argparse
import ctypes
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "peers")]
sys.dont_write_bytecode = True
import loads  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402
import threads  # noqa: E402

MARGIN_S = 240  # that a run may take longer than it measures
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def say(text):
    print(text, file=sys.stderr, flush=True)


class Runner:
    """Starts programs, and ends all of them with this one."""

    def __init__(self, build, folder):
        self.build, self.folder, self.running = build, folder, []
        self.watch = None  # over the threads of the last result

    def start(self, command, log):
        with open(log, "w") as file:
            return self.open(command, file, subprocess.STDOUT)

    def open(self, command, stdout, stderr):
        if not os.access(command[0], os.X_OK) and not shutil.which(command[0]):
            raise servers.Failed(f"there is no program {command[0]}")

        def with_me():  # also when this process is killed
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, cwd=self.folder,
                                   preexec_fn=with_me)
        self.running.append(process)
        return process

    def end(self, processes):
        for process in processes:
            if process.poll() is None:
                process.terminate()
        for process in processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process in self.running:
                self.running.remove(process)

    def result(self, command, limit_s, watched=False):
        """The JSON object that COMMAND prints, and the seconds of processors that it took. WATCHED: self.watch
        looks at its threads meanwhile."""
        out = os.path.join(self.folder, "out")
        with open(out, "w") as stdout, open(out + ".err", "w") as stderr:
            process = self.open(command, stdout, stderr)
            self.watch = threads.Watch(process.pid) if watched else None
            try:
                before = os.times()
                code = process.wait(limit_s)
                after = os.times()
            except subprocess.TimeoutExpired:
                code = f"none within {limit_s} s"
            finally:
                if self.watch:
                    self.watch.stop()
                self.end([process])
        try:
            if code == 0:
                used = after.children_user + after.children_system - before.children_user - before.children_system
                return json.load(open(out)), used
            why = open(out + ".err").read().strip().splitlines()[-3:]
        except ValueError as error:
            why = [str(error)]
        #  It may be published: without the names of this machine's folders.
        words = [os.path.basename(command[0])] + ["DIR" if word == self.folder else word for word in command[1:]]
        raise servers.Failed(f"{' '.join(words)}: exit code {code}: {' | '.join(why)}")


def spent_s(processes):
    """Seconds of processors that the PROCESSES took so far, all their threads."""
    return sum(time.clock_gettime((~process.pid << 3) | 2) for process in processes)


class Campaign:
    """All rounds of one call, and what came of them."""

    def __init__(self, options, runner):
        self.options, self.runner = options, runner
        self.runs, self.skipped, self.failed = [], {}, []

    def program(self, *path):
        return os.path.join(self.options.build, "bench", *path)

    def wants(self, load, full):
        if self.options.loads and load not in self.options.loads:
            return False
        return not (full and self.options.quick and not self.options.loads)

    def note(self, number, who, load, command, measure):
        """Run MEASURE, which gives figures and the raw result."""
        began = time.monotonic()
        try:
            figures, raw = measure()
        except servers.Failed as error:
            self.failed.append(f"{who}, {load}: {error}")
            say(f"round {number}: {who}, {load}: FAILED: {error}")
            return
        self.runs.append({"round": number, "who": who, "load": load, "command": [os.path.basename(command[0])]
                          + command[1:], "figures": figures, "result": raw})
        told = [f"{name} {figures[name]:.4g}" for name in ("per_second", "p50_ms", "median_ms") if name in figures]
        say(f"round {number}: {who}, {load}: {', '.join(told)} ({time.monotonic() - began:.1f} s)")

    def has_floor(self, load):
        """With --curve nothing is compared with the floor."""
        return load.floor and not self.options.curve

    def with_threads(self, load, figures):
        if load in loads.THREADS:
            figures["threads"] = self.runner.watch.figures(figures["per_second"])
        return figures

    def of_floor(self, number, name, arguments):
        command = [self.program("floor", "holdfast-floor"), "--json", "-t", str(self.options.seconds), "--data",
                   self.runner.folder] + arguments

        def measure():
            result, _ = self.runner.result(command, self.options.seconds + MARGIN_S, name in loads.THREADS)
            return self.with_threads(name, loads.floor_figures(result)), result

        self.note(number, "floor", name, command, measure)

    def of_holdfast(self, number, load):
        command = [self.program("holdfast-bench"), "--json", "--start", str(load.nodes), "--data-root",
                   self.runner.folder]
        if load.name in ("failover", "stop", "cut"):
            command += ["-r", str(self.options.kills)] + load.bench
        else:
            command += ["-t", str(self.options.seconds), "--warmup", str(self.options.warmup)] + load.bench
        limit_s = self.options.seconds + self.options.warmup + 20 * self.options.kills + MARGIN_S

        def measure():
            result, _ = self.runner.result(command, limit_s, load.name in loads.THREADS)
            return self.with_threads(load.name, loads.bench_figures(result)), result

        self.note(number, "holdfast", load.name, command, measure)

    def of_peer(self, number, peer, processes, places):
        client = self.program("peers", peer.client)
        if peer.warm:
            warm = 1 if self.options.quick else peer.warm
            self.runner.result([client, "--places", places, "-w", "64", "-t", str(warm), "--warmup", "0", "cycle"],
                               warm + MARGIN_S)
        for name, load, workers, full in loads.PEER_LOADS:
            if not self.wants(name, full):
                continue
            command = [client, "--places", places, "-w", str(workers), "-t", str(self.options.seconds), "--warmup",
                       str(self.options.warmup), load]

            def measure():
                before = spent_s(processes)
                result, used = self.runner.result(command, self.options.seconds + self.options.warmup + MARGIN_S)
                if result["held_by_two"]:
                    raise servers.Failed(f"the lock was held by two at once, {result['held_by_two']} times")
                figures = loads.bench_figures(result)
                requests = max(2 * result["cycles_with_warmup"], 1) / 1e6
                figures["cpu_us"] = {"servers": (spent_s(processes) - before) / requests, "client": used / requests}
                return figures, result

            self.note(number, peer.name, name, command, measure)

    def peers(self, number):
        for peer in servers.PEERS:
            if peer.name not in self.options.peers or peer.name in self.skipped:
                continue
            why = peer.missing(self.program("peers"))
            if why:
                self.skipped[peer.name] = why
                say(f"{peer.title} is skipped: {why}")
                continue
            folder = os.path.join(self.runner.folder, f"{peer.name}-{number}")
            os.makedirs(folder)
            processes = []

            def start(command, log):
                processes.append(self.runner.start(command, log))
                return processes[-1]

            try:
                _, places = peer.start(folder, start)
                self.of_peer(number, peer, processes, places)
            except servers.Failed as error:
                self.failed.append(f"{peer.name}: {error}")
                say(f"round {number}: {peer.name}: FAILED: {error}")
            finally:
                self.runner.end(processes)
                shutil.rmtree(folder, ignore_errors=True)

    def round(self, number):
        self.of_floor(number, "sync", ["sync"])
        for load in loads.LOADS:
            if not self.wants(load.name, load.full) or (load.once and number > 1):
                continue
            #  One after the other: the machine is in the same mood for both.
            if self.has_floor(load):
                self.of_floor(number, load.name, load.floor)
            self.of_holdfast(number, load)
        self.peers(number)


def output(*command):
    """The first line that COMMAND prints; "": it cannot run."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=20, cwd=HERE)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.decode(errors="replace").strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else ""


def versions(campaign):
    holdfastd = os.path.join(campaign.options.build, "nodes", "holdfastd")
    asked = {"holdfast": output(holdfastd, "--version").split(" ")[-1], "libzmq": output("pkg-config", "--modversion", "libzmq"),
             "sqlite": output("pkg-config", "--modversion", "sqlite3"), "compiler": output("cc", "--version")}
    ran = {run["who"] for run in campaign.runs}
    if "etcd" in ran:
        asked["etcd"] = output("etcd", "--version").split(" ")[-1]
    if "zookeeper" in ran:
        asked["zookeeper"] = output("dpkg-query", "-W", "-f", "${Version}", "zookeeper")
        asked["java"] = output("java", "-version")
    if ran & {"redis", "redis-always", "redlock", "redlock-always"}:
        asked["redis"] = output("redis-server", "--version").replace("Redis server v=", "").split(" ")[0]
    return asked


def machine(options, load_before):
    """Where the numbers are from. No name of the machine, and no path."""
    model = ""
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = int(open("/proc/meminfo").readline().split()[1]) // 1024
    #  The first line of df is names.
    done = subprocess.run(["df", "--output=fstype", options.data_root], stdout=subprocess.PIPE)
    kind = done.stdout.decode().split()
    return {"cores": len(os.sched_getaffinity(0)), "processor": model, "memory_mib": memory,
            "kernel": f"{platform.system()} {platform.release()}", "file_system": kind[-1] if kind else "",
            "load_average_before": load_before}


def told_command(arguments):
    """As it was called, but for the names of folders of this machine."""
    told, named = ["bench/run.sh"], False
    for argument in arguments:
        name = argument.split("=")[0]
        folder = name in ("--build", "--data-root", "--out", "--readme")
        told.append("DIR" if named else f"{name}=DIR" if folder and "=" in argument else argument)
        named = folder and "=" not in argument
    return told


def commit():
    name = output("git", "rev-parse", "--short=12", "HEAD") or "unknown"
    changed = output("git", "status", "--porcelain", "--untracked-files=no")
    return name + ("-changed" if changed else "")


def read_options():
    known = [peer.name for peer in servers.PEERS]
    parser = argparse.ArgumentParser(
        prog="bench/run.sh", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measure holdfast beside the floor of this machine and beside other lock services, all on\n"
                    "this machine, and write what came of it: JSON, a table of ratios, and plots.",
        epilog="Exit codes: 0 all was measured (whether a bound is met stands in the table); 1 something\n"
               "failed; 2 the command line is wrong; 130 ended by a signal.\n")
    add = parser.add_argument
    add("--quick", action="store_true", help="one short round, under 3 minutes: shows that it works, no more")
    add("--rounds", type=int, help="of everything, interleaved (default 5; quick: 1)")
    add("--seconds", type=int, help="that each load is measured (default 5; quick: 1)")
    add("--warmup", type=int, help="seconds before that (default 2; quick: 1)")
    add("--kills", type=int, help="of the leader, in each round (default 20; quick: 3)")
    add("--peers", default=",".join(known), metavar="LIST",
        help=f"of {', '.join(known)}; none: without (default: all that are installed)")
    add("--loads", metavar="LIST", help="only these, with ; between them: " + "; ".join(
        load.name for load in loads.LOADS))
    add("--curve", action="store_true", help="only what CURVE costs: loads with and without it, in turn; no peers")
    add("--data-root", metavar="DIR", help="on the disk that is to be measured (default: the build folder)")
    add("--out", metavar="DIR", default=os.path.join(HERE, "results"), help="for results (default: bench/results)")
    add("--publish", action="store_true", help="put the tables into bench/README.md too, and the plots into bench/plots")
    add("--readme", metavar="FILE", default=os.path.join(HERE, "README.md"),
        help="for --publish, with its plots beside it (default: bench/README.md)")
    add("--install", action="store_true", help="first install the other services (bench/peers/install.sh)")
    add("--build", help=argparse.SUPPRESS)
    options = parser.parse_args()
    for name, usual, quick in (("rounds", 5, 1), ("seconds", 5, 1), ("warmup", 2, 1), ("kills", 20, 3)):
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else usual)
        if getattr(options, name) < (0 if name == "warmup" else 1):
            parser.error(f"--{name} is too small")
    options.peers = [] if options.peers == "none" else options.peers.split(",")
    options.loads = [name.strip() for name in options.loads.split(";")] if options.loads else None
    if options.curve:
        options.loads, options.peers = options.loads or loads.CURVE, []
    for name in options.peers:
        if name not in known:
            parser.error(f"there is no peer {name}; there are {', '.join(known)}")
    for name in options.loads or []:
        if name not in [load.name for load in loads.LOADS]:
            parser.error(f"there is no load \"{name}\"")
    options.build = os.path.abspath(options.build or os.path.join(HERE, "..", "build", "release"))
    options.data_root = os.path.abspath(options.data_root or options.build)
    options.out = os.path.abspath(options.out)
    return options


ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def asked_to_end(number, frame):
    for other in ENDING:  # what was started is being ended: not to be disturbed
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


def main():
    options = read_options()
    for number in ENDING:
        signal.signal(number, asked_to_end)
    #  run.sh looks before it builds.
    load_before = float(os.environ.get("HF_LOAD_BEFORE") or round(os.getloadavg()[0], 2))
    os.makedirs(options.out, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="holdfast-run-", dir=options.data_root)
    runner = Runner(options.build, folder)
    campaign = Campaign(options, runner)
    try:
        for number in range(1, options.rounds + 1):
            campaign.round(number)
    except KeyboardInterrupt:
        say("ended early, as asked: nothing is written")
        return 130
    finally:
        runner.end(list(runner.running))
        shutil.rmtree(folder, ignore_errors=True)
    titles = {peer.name: {"title": peer.title, "note": peer.note} for peer in servers.PEERS
              if peer.name in options.peers}
    result = {"commit": commit(), "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
              "command": told_command(sys.argv[1:]), "machine": machine(options, load_before),
              "versions": versions(campaign), "rounds": options.rounds, "seconds": options.seconds,
              "quick": options.quick, "peers": titles, "skipped": campaign.skipped, "failed": campaign.failed,
              "runs": campaign.runs}
    report.write(result, options.out, os.path.abspath(options.readme) if options.publish else None)
    return 1 if campaign.failed else 0


if __name__ == "__main__":
    sys.exit(main())
