"""Several machines inside this one: each is a network namespace of its own, and all are joined by a switch that can hold back, lose and
reorder whatever goes from one to another.

The switch is here, and not the kernel's `netem`, which many kernels are built without: each namespace has a TUN device, and a thread passes
packets between them. TCP, its timers and its retransmissions are the kernel's own.
"""

import contextlib
import ctypes
import fcntl
import heapq
import itertools
import os
import random
import select
import socket
import struct
import subprocess
import threading
import time

import pytest

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
NUMBERS = itertools.count()


def require():
    """Skips, and says why, where this machine does not let a test have namespaces."""
    if os.geteuid() != 0:
        pytest.skip("NO NAMESPACES: these tests need root (`sudo ./test`)")
    try:
        Host("probe", "10.77.0.9").close()
    except (OSError, subprocess.CalledProcessError) as problem:
        pytest.skip(f"NO NAMESPACES: this kernel gives no network namespace with a TUN device ({problem})")


class Host:
    """A machine: what runs `within` it sees its network only."""

    def __init__(self, name, address):
        self.name, self.address = name, address
        self.netns = f"privet-{os.getpid()}-{next(NUMBERS)}"
        self.fd = -1
        ip("netns", "add", self.netns)
        try:
            self.fd = self.device()
        except Exception:
            self.close()
            raise

    def device(self):
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        # Made here, where the switch reads it, and moved there.
        device = f"pv{os.getpid() % 10**7}.{next(NUMBERS) % 10**4}"
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
        ip("link", "set", device, "netns", self.netns)
        ip("-n", self.netns, "link", "set", "lo", "up")
        ip("-n", self.netns, "addr", "add", f"{self.address}/24", "dev", device)
        ip("-n", self.netns, "link", "set", device, "up")
        return fd

    @property
    def within(self):
        """The words before a command that runs here."""
        return ["ip", "netns", "exec", self.netns]

    @contextlib.contextmanager
    def inside(self):
        """The sockets that this thread opens are this machine's."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{self.netns}") as there:
            assert libc.setns(there.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            try:
                yield self
            finally:
                assert libc.setns(home.fileno(), CLONE_NEWNET) == 0

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1
        ip("netns", "del", self.netns)


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Way:
    """What befalls packets from one machine to another."""

    def __init__(self, delay=0.0, jitter=0.0, loss=0.0, rate=None, cut=False):
        self.delay, self.jitter, self.loss, self.rate, self.cut = delay, jitter, loss, rate, cut
        self.free = 0.0

    def arrival(self, size):
        """When a packet arrives; never where it is lost."""
        if self.cut or (self.loss and random.random() < self.loss):
            return None
        now = time.monotonic()
        if self.rate:
            self.free = max(self.free, now) + size / self.rate
            # What has to wait for longer does not fit into the queue of a router.
            if self.free > now + 0.5:
                self.free -= size / self.rate
                return None
            now = self.free
        # A packet with less luck is overtaken by those behind it.
        return now + self.delay + (random.random() * self.jitter if self.jitter else 0.0)


class Switch:
    """Passes packets between machines, and keeps a copy of what they carry."""

    def __init__(self, hosts):
        self.hosts = {socket.inet_aton(host.address): host for host in hosts}
        self.ways, self.waiting, self.order = {}, [], itertools.count()
        self.seen, self.keeping = bytearray(), False
        self.wake, self.woken = os.pipe()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def set(self, source, target, **way):
        """From now on packets from `source` to `target` go this way; without a way, as fast as they can."""
        self.ways[source.address, target.address] = Way(**way)

    def between(self, one, other, **way):
        """The same in both directions."""
        self.set(one, other, **way)
        self.set(other, one, **way)

    def clear(self):
        self.ways = {}

    def close(self):
        os.write(self.woken, b"x")
        self.thread.join()
        [os.close(fd) for fd in (self.wake, self.woken)]

    def run(self):
        sources = {host.fd: host for host in self.hosts.values()}
        while True:
            rest = max(0.0, self.waiting[0][0] - time.monotonic()) if self.waiting else 1.0
            readable, _, _ = select.select([*sources, self.wake], [], [], rest)
            if self.wake in readable:
                return
            for fd in readable:
                self.take(sources[fd])
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                self.deliver(*heapq.heappop(self.waiting)[2:])

    def take(self, source):
        for _ in range(64):
            try:
                packet = os.read(source.fd, 65536)
            except BlockingIOError:
                return
            # Of IPv4: the others are neighbours looking for each other.
            if packet[0] >> 4 == 4 and (target := self.hosts.get(packet[16:20])):
                self.route(source, target, packet)

    def route(self, source, target, packet):
        if self.keeping:
            self.seen += packet
        way = self.ways.get((source.address, target.address))
        if way is None:
            return self.deliver(target, packet)
        if arrival := way.arrival(len(packet)):
            heapq.heappush(self.waiting, (arrival, next(self.order), target, packet))

    def deliver(self, target, packet):
        with contextlib.suppress(BlockingIOError):
            os.write(target.fd, packet)


class Machines:
    """So many machines and the switch between them."""

    def __init__(self, names):
        self.all = []
        try:
            for at, name in enumerate(names):
                self.all.append(Host(name, f"10.77.0.{at + 1}"))
            self.switch = Switch(self.all)
        except Exception:
            [host.close() for host in self.all]
            raise

    def __getitem__(self, name):
        return next(host for host in self.all if host.name == name)

    def close(self):
        self.switch.close()
        [host.close() for host in self.all]
