"""What each thread of a run costs: the floor's, holdfast's nodes' and their client's. Read from /proc now and then
while it runs, and told for one request by the rate that the run found."""
import os
import statistics
import threading
import time

EVERY_S = 0.25
BEGIN_S, END_S = 2.5, 0.75  # before the end: between these all of a run is under load
#  Of the floor's two threads one does what three actors of a node do.
NAMES = {"ZMQbg/IO/0": "libzmq's I/O", "hf-election": "election actor", "hf-lock": "lock actor", "hf-file": "file actor",
         "holdfast-floor": "its own", "holdfast-bench": "its own"}
ORDER = ("libzmq's I/O", "election actor", "its own", "lock actor", "file actor")


def _read(path):
    with open(path) as file:
        return file.read()


def _family(pid):
    """PID and what it has started."""
    found = [pid]
    for one in found:
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                found += [int(word) for word in _read(f"/proc/{one}/task/{task}/children").split()]
        except OSError:
            pass  # it has ended
    return found


def _threads(pid):
    """{(process, thread): (name, ns on a processor, sleeps)} of PID and what it has started."""
    threads = {}
    for process in _family(pid):
        try:
            for task in os.listdir(f"/proc/{process}/task"):
                folder = f"/proc/{process}/task/{task}"
                status = dict(line.split(":", 1) for line in _read(f"{folder}/status").splitlines())
                threads[process, int(task)] = (status["Name"].strip(), int(_read(f"{folder}/schedstat").split()[0]),
                                               int(status["voluntary_ctxt_switches"]))
        except OSError:
            pass
    return threads


class Watch:
    """Of the process PID, from now on until stop."""

    def __init__(self, pid):
        self.pid, self.seen, self.over = pid, [], threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.over.wait(EVERY_S):
            self.seen.append((time.monotonic(), _threads(self.pid)))

    def stop(self):
        self.over.set()
        self.thread.join()
        self.end = time.monotonic()

    def figures(self, per_second):
        """{part: {thread: {"us": for one request, "sleeps": for one request}}}; {}: it ran too shortly."""
        inside = [one for one in self.seen if BEGIN_S > self.end - one[0] > END_S]
        if len(inside) < 3:
            return {}
        (begin, before), (end, after) = inside[0], inside[-1]
        requests = per_second * (end - begin)
        processes = {}
        for (process, task), (name, ns, sleeps) in after.items():
            was = before.get((process, task))
            if was:
                threads = processes.setdefault(process, {})
                sum_us, sum_sleeps = threads.get(NAMES.get(name, "others"), (0, 0))
                threads[NAMES.get(name, "others")] = (sum_us + (ns - was[1]) / 1000 / requests,
                                                      sum_sleeps + (sleeps - was[2]) / requests)
        return _parts(self.pid, processes)


def _parts(client, processes):
    """The client is who started the others, the leader the one of these that does the most."""
    nodes = sorted((pid for pid in processes if pid != client), key=lambda pid: -sum(us for us, _ in processes[pid].values()))
    if not nodes or client not in processes:
        return {}
    parts = {"leader": [processes[nodes[0]]], "a follower": [processes[pid] for pid in nodes[1:]],
             "client": [processes[client]]}
    return {part: {thread: {"us": statistics.mean(one.get(thread, (0, 0))[0] for one in ones),
                            "sleeps": statistics.mean(one.get(thread, (0, 0))[1] for one in ones)}
                   for thread in ORDER if any(thread in one for one in ones)}
            for part, ones in parts.items() if ones}
