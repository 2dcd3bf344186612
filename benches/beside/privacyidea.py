"""privacyIDEA: sets it up by its own API, enrolls simulated people, and signs them in.
Needs Python's `cryptography`, which privacyIDEA brings."""
import argparse, asyncio, base64, datetime, json, os, time
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
import codes
from load import Http, Processes, Refused, measure

REALM = "people"
PIN = "a-pin-of-his-own"
# The app that goes with it makes keys of 4,096 bits. One for all simulated phones: making it is the phone's work.
PHONE = rsa.generate_private_key(public_exponent=65537, key_size=4096)


def signed(text):
    return base64.b32encode(PHONE.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


def public_key():
    der = PHONE.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


class Site:
    def __init__(self, options):
        self.options = options
        self.admin = None

    async def ask(self, http, method, path, form=None, admin=False):
        headers = {"PI-Authorization": self.admin} if admin else None
        status, answer = await http.ask(method, path, form=form, headers=headers)
        if status != 200 or not answer["result"]["status"]:
            raise SystemExit(f"privacyIDEA answered {status} to {method} {path}: {json.dumps(answer)[:600]}")
        return answer

    def http(self):
        return Http(self.options.url)

    async def set_up(self, people):
        """An administrator's token, a realm with `people` out of a file, and the policies that push needs."""
        http = self.http()
        login = {"username": self.options.admin, "password": self.options.password}
        answer = await self.ask(http, "POST", "/auth", login)
        self.admin = answer["result"]["value"]["token"]
        with open(self.options.people, "w") as file:
            file.writelines(f"{name}:x:{1000 + at}:1000:{name}::\n" for at, name in enumerate(people))
        resolver = {"type": "passwdresolver", "fileName": self.options.people}
        await self.ask(http, "POST", "/resolver/file", resolver, admin=True)
        await self.ask(http, "POST", f"/realm/{REALM}", {"resolvers": "file"}, admin=True)
        await self.ask(http, "POST", f"/defaultrealm/{REALM}", {}, admin=True)
        enroll = f"push_firebase_configuration=poll only, push_registration_url={self.options.url}/ttype/push"
        await self.ask(http, "POST", "/policy/push", {"scope": "enrollment", "action": enroll}, admin=True)

    async def code_token(self, name, pin):
        # It takes codes up to six steps away; three of them are left for what passes while the request waits.
        app = codes.App(reach=3)
        seed = {"type": "totp", "user": name, "realm": REALM, "otpkey": app.seed.hex()} | ({"pin": pin} if pin else {})
        await self.ask(self.http(), "POST", "/token/init", seed, admin=True)
        return app

    async def phone(self, name):
        """Both steps of the enrollment: what the QR code would show, and what the phone sends then."""
        http = self.http()
        wanted = {"type": "push", "user": name, "realm": REALM, "genkey": 1}
        detail = (await self.ask(http, "POST", "/token/init", wanted, admin=True))["detail"]
        sent = {"enrollment_credential": detail["enrollment_credential"], "serial": detail["serial"], "fbtoken": "",
                "pubkey": public_key()}
        await self.ask(http, "POST", "/ttype/push", sent)
        return detail["serial"]

    def signs_in_by_code(self, people, pin):
        """One of 64: he has several accounts, since each code works once."""
        http = self.http()

        async def sign_in():
            for name, app in people:
                if code := app.next():
                    break
            else:
                return False
            answer = await self.ask(http, "POST", "/validate/check", {"user": name, "pass": pin + code})
            if answer["result"]["value"] is not True:
                raise Refused(answer["detail"].get("message"))
            return True
        return sign_in

    def signs_in_by_phone(self, name, serial):
        """The way of its documentation for `outofband`, without a request too many: the phone asks once, as if it had
        been woken, and the login side polls once, after the answer."""
        login, phone = self.http(), self.http()

        async def sign_in():
            answer = await self.ask(login, "POST", "/validate/triggerchallenge", {"user": name}, admin=True)
            transaction = answer["detail"]["transaction_id"]
            at = datetime.datetime.now(datetime.timezone.utc).isoformat()
            asked = {"serial": serial, "timestamp": at, "signature": signed(f"{serial}|{at}")}
            waiting = (await self.ask(phone, "GET", "/ttype/push", asked))["result"]["value"]
            if len(waiting) != 1:
                raise Refused(f"{len(waiting)} requests wait on the phone")
            approved = {"serial": serial, "signature": signed(f"{waiting[0]['nonce']}|{serial}")}
            if (await self.ask(phone, "POST", "/ttype/push", approved))["result"]["value"] is not True:
                raise Refused("the answer of the phone was not taken")
            polled = await self.ask(login, "GET", "/validate/polltransaction", {"transaction_id": transaction})
            if polled["result"]["value"] is not True:
                raise Refused("not answered yet")
            last = {"user": name, "transaction_id": transaction, "pass": ""}
            if (await self.ask(login, "POST", "/validate/check", last))["result"]["value"] is not True:
                raise Refused("not let in")
            return True
        return sign_in


async def few_at_once(jobs, limit=8):
    gate = asyncio.Semaphore(limit)

    async def one(job):
        async with gate:
            return await job
    return await asyncio.gather(*(one(job) for job in jobs))


async def main(options):
    site, count = Site(options), options.concurrency
    server, database = Processes(options.server), Processes(options.database_pid)
    spare = [f"code{at}" for at in range(count * 2)]
    coded, phoned = [f"pin{at}" for at in range(count)], [f"push{at}" for at in range(count)]
    await site.set_up(spare + coded + phoned)

    async def report(what, people, warm=1):
        result = await measure(what, people, server, database, options.seconds, warm)
        options.out.write(json.dumps({"server": f"privacyIDEA, {options.database}"} | result) + "\n")
        options.out.flush()

    apps = await few_at_once([site.code_token(name, "") for name in spare])
    pairs = list(zip(spare, apps))
    people = [site.signs_in_by_code(pairs[at::count], "") for at in range(count)]
    await report("one-time code", people)

    began, spent = time.monotonic(), server.cpu()
    serials = await few_at_once([site.phone(name) for name in phoned])
    print(f"{count} phones enrolled in {time.monotonic() - began:.0f} s, "
          f"{(server.cpu() - spent) / count:.2f} s of processor time each", flush=True)
    await report("push", [site.signs_in_by_phone(*one) for one in zip(phoned, serials)])

    if options.pin:
        apps = await few_at_once([site.code_token(name, PIN) for name in coded])
        people = [site.signs_in_by_code([pair], PIN) for pair in zip(coded, apps)]
        await report("PIN and one-time code", people, warm=0)  # each takes seconds, and the server is warm


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--admin", required=True)
    parser.add_argument("--people", required=True, help="where the file with the people is written")
    parser.add_argument("--server", type=int, required=True, help="its process")
    parser.add_argument("--database", required=True, help="its name")
    parser.add_argument("--database-pid", type=int)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--pin", action="store_true", help="measure codes behind a PIN, too")
    parser.add_argument("--out", type=argparse.FileType("a"), required=True)
    parsed = parser.parse_args()
    parsed.password = os.environ["PRIVACYIDEA_PASSWORD"]
    asyncio.run(main(parsed))
