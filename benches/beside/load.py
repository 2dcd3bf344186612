"""A closed loop over HTTP: so many people at once, each begins his next sign-in when his last one is over. And what
the server under it spends: processor time and memory of all of its processes, read from /proc."""
import asyncio, json, os, time, urllib.parse

TICKS = os.sysconf("SC_CLK_TCK")


class Refused(Exception):
    """A sign-in that ended otherwise than it should."""


class Http:
    """One connection, opened anew whenever the server has closed it."""

    def __init__(self, url, headers=None):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.headers = parts.hostname, parts.port, headers or {}
        self.reader = self.writer = None

    async def ask(self, method, path, form=None, body=None, headers=None):
        """Sends a form or JSON; gives the status and the JSON of the answer."""
        data, kind = b"", None
        if form is not None and method == "GET":
            path = f"{path}?{urllib.parse.urlencode(form)}"
        elif form is not None:
            data, kind = urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded"
        elif body is not None:
            data, kind = json.dumps(body).encode(), "application/json"
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}", "User-Agent: gatematch-benches",
                 f"Content-Length: {len(data)}"]
        lines += [f"Content-Type: {kind}"] if kind else []
        lines += [f"{name}: {value}" for name, value in (self.headers | (headers or {})).items()]
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        return await self._answer()

    async def _answer(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        data = await self.reader.readexactly(int(fields.get("content-length", 0)))
        if fields.get("connection", "").lower() == "close":
            self.close()
        return status, json.loads(data) if data else None

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


class Processes:
    """A process and all that come from it, now and later."""

    def __init__(self, root):
        self.root = root

    def _stats(self):
        parents, times = {}, {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(name)] = int(fields[1])
            times[int(name)] = sum(map(int, fields[11:15]))  # its own time, and that of its children that are gone
        return parents, times

    def _tree(self, parents):
        tree = {self.root}
        while more := {pid for pid, parent in parents.items() if parent in tree} - tree:
            tree |= more
        return tree

    def cpu(self):
        """Seconds of processor time, user and system, so far."""
        if self.root is None:
            return 0.0
        parents, times = self._stats()
        return sum(times.get(pid, 0) for pid in self._tree(parents)) / TICKS

    def memory(self):
        """Resident MiB now. A page that several of them share counts once (PSS)."""
        if self.root is None:
            return 0.0
        parents, total = self._stats()[0], 0
        for pid in self._tree(parents):
            try:
                with open(f"/proc/{pid}/smaps_rollup") as file:
                    total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
            except OSError:
                continue
        return total / 1024


def percentile(sorted_values, percent):
    rank = -(-len(sorted_values) * percent // 100) - 1
    return sorted_values[max(rank, 0)] if sorted_values else 0.0


async def measure(what, people, server, database=Processes(None), seconds=15.0, warm=1):
    """Runs `people`, each a coroutine function for one sign-in of one person, all at once, for so many seconds. A
    person who answers False has nothing left to sign in with. The first `warm` sign-ins of each do not count."""
    async def repeat(person, until, count, took, failed):
        while (until is None or time.monotonic() < until) and (count is None or count > 0):
            began = time.monotonic()
            try:
                if await person() is False:
                    return
                took.append(time.monotonic() - began)
            except Refused as refused:
                failed[str(refused)] = failed.get(str(refused), 0) + 1
            count = None if count is None else count - 1

    await asyncio.gather(*(repeat(person, None, warm, [], {}) for person in people))
    took, failed, peak = [], {}, [0.0, 0.0]

    async def watch():
        while True:
            peak[:] = [max(peak[0], server.memory()), max(peak[1], database.memory())]
            await asyncio.sleep(1)

    watching = asyncio.create_task(watch())
    before, began = (server.cpu(), database.cpu()), time.monotonic()
    await asyncio.gather(*(repeat(person, began + seconds, None, took, failed) for person in people))
    lasted, after = time.monotonic() - began, (server.cpu(), database.cpu())
    watching.cancel()
    took.sort()
    done = len(took) + sum(failed.values())
    return {
        "what": what, "logins": len(took), "failed": failed, "seconds": lasted, "per_second": len(took) / lasted,
        "p50_ms": percentile(took, 50) * 1e3, "p99_ms": percentile(took, 99) * 1e3,
        "cpu_ms": (after[0] - before[0]) * 1e3 / max(done, 1),
        "database_cpu_ms": (after[1] - before[1]) * 1e3 / max(done, 1) if database.root else None,
        "memory_mib": peak[0], "database_memory_mib": peak[1] if database.root else None,
    }
