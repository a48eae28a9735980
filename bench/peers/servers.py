"""The other lock services as bench/measure.py starts them: three nodes each on 127.0.0.1 (Redis: one,
and three for Redlock), with their data in a folder that they are given."""
import os
import shutil
import socket
import time
import urllib.request

START_LIMIT_S = 40
INSTALL = "not installed: bench/peers/install.sh installs it"


class Failed(Exception):
    """What was asked for did not come; its text says why."""


def free_ports(count):
    """Ports that nobody has now, and that no connection is given for its own end: those are above."""
    least = int(open("/proc/sys/net/ipv4/ip_local_port_range").read().split()[0])
    ports, port = [], 20000 + os.getpid() % 5000
    while len(ports) < count:
        port = port + 1 if port + 1 < least else 15000
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
                ports.append(port)
            except OSError:
                pass
    return ports


def ask(port, text):
    """What the server at PORT answers to TEXT; "" when it does not."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as one:
            one.settimeout(1)
            one.sendall(text.encode())
            return one.recv(4096).decode(errors="replace")
    except OSError:
        return ""


class Peer:
    """NAME in results, TITLE for people, the CLIENT program; what a subclass says of its servers."""

    needs = []  # programs
    warm = 0  # seconds of load before anything counts

    def __init__(self, name, title, client, note):
        self.name, self.title, self.client, self.note = name, title, client, note

    def missing(self, clients):
        """Why it cannot be measured; None: it can."""
        for program in self.needs:
            if not shutil.which(program):
                return f"{program} is {INSTALL}"
        if not os.access(os.path.join(clients, self.client), os.X_OK):
            return f"its client {self.client} is not built: bench/peers/install.sh installs what it needs"
        return None

    def start(self, folder, run):
        """Start the servers by RUN (command, log), which gives a process; their processes and places."""
        ports = self.ports()
        processes = []
        for i, command in enumerate(self.commands(folder, ports)):
            processes.append(run(command, os.path.join(folder, f"{self.name}-{i}.log")))
        end = time.monotonic() + START_LIMIT_S
        while not self.ready(ports):
            if time.monotonic() > end or any(one.poll() is not None for one in processes):
                raise Failed(f"the servers of {self.title} did not start: see {folder}")
            time.sleep(0.1)
        return processes, ",".join(f"127.0.0.1:{port}" for port in self.clients_ports(ports))

    def folders(self, folder, count):
        names = [os.path.join(folder, f"{self.name}-{i}") for i in range(count)]
        for name in names:
            os.makedirs(name)
        return names


class Etcd(Peer):
    needs = ["etcd"]

    def ports(self):
        return free_ports(6)

    def clients_ports(self, ports):
        return ports[:3]

    def commands(self, folder, ports):
        cluster = ",".join(f"n{i}=http://127.0.0.1:{ports[3 + i]}" for i in range(3))
        for i, data in enumerate(self.folders(folder, 3)):
            clients, nodes = (f"http://127.0.0.1:{ports[k]}" for k in (i, 3 + i))
            yield ["etcd", "--name", f"n{i}", "--data-dir", data, "--listen-client-urls", clients,
                   "--advertise-client-urls", clients, "--listen-peer-urls", nodes,
                   "--initial-advertise-peer-urls", nodes, "--initial-cluster", cluster,
                   "--initial-cluster-state", "new", "--log-level", "error"]

    def ready(self, ports):
        try:
            for port in ports[:3]:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                    if b"true" not in answer.read():
                        return False
            return True
        except OSError:
            return False


class ZooKeeper(Peer):
    needs = ["java"]
    warm = 5  # Java translates what is used often, once it is
    jar = "/usr/share/java/zookeeper.jar"

    def missing(self, clients):
        return super().missing(clients) or (None if os.path.exists(self.jar) else f"ZooKeeper is {INSTALL}")

    def ports(self):
        return free_ports(9)

    def clients_ports(self, ports):
        return ports[:3]

    def commands(self, folder, ports):
        for i, data in enumerate(self.folders(folder, 3)):
            config = os.path.join(data, "zoo.cfg")
            with open(config, "w") as file:
                file.write("tickTime=1000\ninitLimit=10\nsyncLimit=5\nmaxClientCnxns=0\n"
                           "admin.enableServer=false\n4lw.commands.whitelist=srvr\n"
                           f"dataDir={data}\nclientPort={ports[i]}\nclientPortAddress=127.0.0.1\n")
                for k in range(3):
                    file.write(f"server.{k + 1}=127.0.0.1:{ports[3 + k]}:{ports[6 + k]}\n")
            with open(os.path.join(data, "myid"), "w") as file:
                file.write(f"{i + 1}\n")
            yield ["java", "-Xmx512m", "-cp", self.jar,
                   "org.apache.zookeeper.server.quorum.QuorumPeerMain", config]

    def ready(self, ports):
        return all("Mode: " in ask(port, "srvr") for port in ports[:3])


class Redis(Peer):
    needs = ["redis-server"]

    def __init__(self, name, title, note, servers, sync):
        super().__init__(name, title, "holdfast-peer-redis", note)
        self.servers, self.sync = servers, sync

    def ports(self):
        return free_ports(self.servers)

    def clients_ports(self, ports):
        return ports

    def commands(self, folder, ports):
        for port, data in zip(ports, self.folders(folder, self.servers)):
            yield ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", data, "--save", "",
                   "--appendonly", "yes", "--appendfsync", self.sync]

    def ready(self, ports):
        return all("PONG" in ask(port, "PING\r\n") for port in ports)


PEERS = [
    Etcd("etcd", "etcd", "holdfast-peer-etcd", "three nodes; mutex of the Go client's package concurrency"),
    ZooKeeper("zookeeper", "ZooKeeper", "holdfast-peer-zookeeper",
              "three nodes; the lock recipe by the C client, one connection"),
    Redis("redis", "Redis", "one node, no replica; a sync each second, so what was granted may be forgotten",
          1, "everysec"),
    Redis("redis-always", "Redis, always", "one node, no replica; appendfsync always", 1, "always"),
    Redis("redlock", "Redlock", "three nodes; a sync each second, so what was granted may be forgotten",
          3, "everysec"),
    Redis("redlock-always", "Redlock, always", "three nodes; appendfsync always", 3, "always"),
]
