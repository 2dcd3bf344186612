"""Sign-ins by one-time codes over RADIUS (PAP), at FreeRADIUS or at Gatematch's front door: in one request, the code in
the password field; or in two, the server asking back between them."""
import argparse, asyncio, hashlib, hmac, itertools, os, struct
import codes
from load import Processes, Refused, measure

REQUEST, ACCEPT, CHALLENGE = 1, 2, 11
TRIES, AGAIN_AFTER = 5, 2.0  # the same bytes again after so many seconds
USER_NAME, USER_PASSWORD, STATE, MESSAGE_AUTHENTICATOR = 1, 2, 24, 80


class Client(asyncio.DatagramProtocol):
    """A socket with one request under way at a time."""

    def __init__(self, secret):
        self.secret, self.number, self.waiting = secret, 0, None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        if self.waiting is not None and not self.waiting.done() and data[1] == self.number:
            self.waiting.set_result(data)

    def _hidden(self, password, authenticator):  # RFC 2865 section 5.2
        padded, last, hidden = password + b"\0" * (-len(password) % 16), authenticator, b""
        for at in range(0, len(padded), 16):
            pad = hashlib.md5(self.secret + last).digest()
            last = bytes(a ^ b for a, b in zip(padded[at:at + 16], pad))
            hidden += last
        return hidden

    async def ask(self, user, password, state=None):
        """The code of the answer, and its State."""
        self.number, authenticator = (self.number + 1) % 256, os.urandom(16)
        fields = [(MESSAGE_AUTHENTICATOR, bytes(16)), (USER_NAME, user.encode()),
                  (USER_PASSWORD, self._hidden(password.encode(), authenticator))] + ([(STATE, state)] if state else [])
        attributes = b"".join(struct.pack("BB", kind, len(value) + 2) + value for kind, value in fields)
        head = struct.pack("!BBH", REQUEST, self.number, 20 + len(attributes)) + authenticator
        mac = hmac.digest(self.secret, head + attributes, hashlib.md5)
        answer = await self._answer(head + attributes[:2] + mac + attributes[18:])
        sound = hashlib.md5(answer[:4] + authenticator + answer[20:] + self.secret).digest()
        if sound != answer[4:20]:
            raise Refused("an answer that is not signed with the secret")
        return answer[0], self._state(answer)

    async def _answer(self, request):
        self.waiting = asyncio.get_running_loop().create_future()
        for _ in range(TRIES):
            self.transport.sendto(request)
            done, _ = await asyncio.wait([self.waiting], timeout=AGAIN_AFTER)
            if done:
                return self.waiting.result()
        raise Refused(f"no answer to {TRIES} tries")

    @staticmethod
    def _state(answer):
        at = 20
        while at < len(answer):
            if answer[at] == STATE:
                return answer[at + 2:at + answer[at + 1]]
            at += answer[at + 1]
        return None


def signs_in(client, people, two_steps, again):
    turn = itertools.cycle(people)

    def next_code():
        if again:
            name, app = next(turn)
            return name, app.code(codes.step_now())
        return next(((name, code) for name, app in people if (code := app.next())), (None, None))

    async def sign_in():
        name, code = next_code()
        if code is None:
            return False
        state = None
        if two_steps:
            kind, state = await client.ask(name, "a-password")
            if kind != CHALLENGE:
                raise Refused(f"packet {kind} where the server should ask back")
        kind, _ = await client.ask(name, code, state)
        if kind != ACCEPT:
            raise Refused(f"packet {kind} in place of an Access-Accept")
        return True
    return sign_in


async def main(options):
    with open(options.seeds) as file:
        lines = itertools.islice(file, options.half == "second", None, 2)
        people = [(name, codes.App(reach=1, seed=bytes.fromhex(seed), first=int(first)))
                  for name, seed, first in map(str.split, lines)]
    host, _, port = options.server.rpartition(":")
    clients = []
    for _ in range(options.concurrency):
        make = asyncio.get_running_loop().create_datagram_endpoint
        clients.append((await make(lambda: Client(options.secret.encode()), (options.source, 0), (host, int(port))))[1])
    loops = [signs_in(client, people[at::len(clients)], options.two_steps, options.again)
             for at, client in enumerate(clients)]
    one = await measure(options.what, loops, Processes(options.process), seconds=options.seconds)
    failed = f", failed: {one['failed']}" if one["failed"] else ""
    print(f"{one['what']:<58} {one['per_second']:>9.0f}/s {one['cpu_ms'] * 1e3:>8.1f} us CPU, "
          f"p50 {one['p50_ms']:.1f} ms, p99 {one['p99_ms']:.1f} ms{failed}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="HOST:PORT")
    parser.add_argument("--secret", required=True)
    parser.add_argument("--process", type=int, required=True)
    parser.add_argument("--seeds", required=True, help="a file: name, seed in hex and first step of each")
    parser.add_argument("--what", required=True)
    parser.add_argument("--two-steps", action="store_true")
    parser.add_argument("--again", action="store_true", help="for a server that takes a code more than once")
    parser.add_argument("--half", choices=["first", "second"], default="first", help="of the people")
    parser.add_argument("--source", default="127.0.0.1", help="the address that the client has")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10)
    asyncio.run(main(parser.parse_args()))
