"""Gatematch: the same two kinds of sign-in. Push by `gatematch-sim load`; codes by the loop that measures the others.
With --seeds it only makes people with tokens, for who measures them elsewhere."""
import argparse, asyncio, json, os, subprocess, tempfile
import codes
from load import Http, Processes, Refused, measure

ACCOUNTS = 80  # for each of those who sign in at once, since a code works once


class Site:
    def __init__(self, options):
        self.options = options
        key = self.run("admin-key", "create", "--name", "bench", "--role", "admin")["key"]
        self.admin = {"Authorization": f"Bearer {key}"}
        os.environ["GATEMATCH_ADMIN_KEY"] = key
        gateway = self.run("gateway", "add", "bench", "--application", "Remote Desktop", "--can-display")
        self.gateway = {"Authorization": f"Bearer {gateway['key']}"}

    def run(self, *words, program="gatematch"):
        place = ["--config", self.options.config] if program == "gatematch" else []
        command = [os.path.join(self.options.bin, program), *place, *words, "--json"]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)

    async def accounts(self, names):
        """People with a token each, as out of a maker's file. The tokens work from their next step on."""
        queue = iter(names)

        async def make():
            http = Http(self.options.url, self.admin)
            for name in queue:
                status, answer = await http.ask("PUT", f"/v1/users/{name}", body={})
                if status != 201:
                    raise SystemExit(f"{name} was not made: {status} {answer}")
        await asyncio.gather(*(make() for _ in range(16)))
        apps = [codes.App(reach=1) for _ in names]
        with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
            file.write("upn,serial number,secret key,time interval,manufacturer,model\n")
            for at, (name, app) in enumerate(zip(names, apps)):
                file.write(f"{name},{at},{app.base32},30,bench,bench\n")
            file.flush()
            self.run("totp", "import", file.name)
        for app in apps:
            app.last = codes.step_now()
        return list(zip(names, apps))

    def signs_in_by_code(self, people):
        http, count = Http(self.options.url, self.gateway), iter(range(1 << 40))

        async def ask(path, body, wanted):
            status, answer = await http.ask("POST", path, body=body)
            if status not in (200, 201) or answer["status"] != wanted:
                raise Refused(f"{status} {answer.get('status')} {answer.get('reason') or answer.get('code')}")
            return answer

        async def sign_in():
            for name, app in people:
                if code := app.next():
                    break
            else:
                return False
            opened = await ask("/v1/challenges", {"user": name, "methods": ["totp"]}, "pending")
            path = f"/v1/challenges/{opened['id']}"
            await ask(f"{path}/passcode", {"passcode": code}, "approved")
            await ask(f"{path}/redeem", {"redemption_id": f"{name}-{next(count)}"}, "redeemed")
            return True
        return sign_in

    def push(self, logins):
        users = str(self.options.concurrency)
        return self.run("load", "--server", self.options.url, "--users", users, "--concurrency", users, "--logins",
                        str(logins), program="gatematch-sim")


def most_memory(process):
    """Resident MiB at its highest since the process began; `gatematch serve` has no other."""
    with open(f"/proc/{process}/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM:"))


async def main(options):
    site, server, database = Site(options), Processes(options.server), Processes(options.database_pid)

    def report(result):
        options.out.write(json.dumps({"server": f"Gatematch, {options.database}"} | result) + "\n")
        options.out.flush()

    def cpu():
        return server.cpu(), database.cpu()

    def each(spent, logins):
        """Milliseconds of each sign-in, without what it cost to enroll."""
        return (spent[2] - 2 * spent[1] + spent[0]) * 1e3 / logins

    names = [f"code-{at}" for at in range(options.concurrency * ACCOUNTS)]
    accounts = await site.accounts(names)
    if options.seeds:
        options.seeds.writelines(f"{name} {app.seed.hex()} {app.last + 1}\n" for name, app in accounts)
        return
    people = [site.signs_in_by_code(accounts[at::options.concurrency]) for at in range(options.concurrency)]
    report(await measure("one-time code", people, server, database, options.seconds))

    # A load enrolls its phones first. The short one, which also warms up, says what that costs.
    spent = [cpu()]
    short = site.push(options.concurrency * 4)
    spent.append(cpu())
    logins = int(short["per_second"] * options.seconds) or 1
    whole = site.push(options.concurrency * 4 + logins)
    spent.append(cpu())
    own, of_database = zip(*spent)
    report({
        "what": "push", "logins": whole["let_in"], "failed": whole["failed"], "seconds": whole["seconds"],
        "per_second": whole["per_second"], "p50_ms": whole["whole"]["p50"], "p99_ms": whole["whole"]["p99"],
        "cpu_ms": each(own, logins), "memory_mib": most_memory(options.server),
        "database_cpu_ms": each(of_database, logins) if database.root else None,
        "database_memory_mib": database.memory() if database.root else None,
    })


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--bin", required=True, help="the folder with gatematch and gatematch-sim")
    parser.add_argument("--config", required=True)
    parser.add_argument("--server", type=int, required=True, help="its process")
    parser.add_argument("--database", default="SQLite", help="its name")
    parser.add_argument("--database-pid", type=int)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--out", type=argparse.FileType("a"))
    parser.add_argument("--seeds", type=argparse.FileType("w"))
    asyncio.run(main(parser.parse_args()))
