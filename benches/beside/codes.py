"""An authenticator app: time-based codes (RFC 6238, SHA-1, six digits, 30 seconds)."""
import base64, hashlib, hmac, os, time


def step_now():
    return int(time.time()) // 30


class App:
    """Shows codes that have not been used: the servers take each once, and none older than the last one."""

    def __init__(self, reach, first=0, seed=None):
        """`reach`: how many steps before and after now the server takes. `first`: the first step it may use."""
        self.seed = seed or os.urandom(20)
        self.reach, self.last = reach, first - 1

    @property
    def base32(self):
        return base64.b32encode(self.seed).decode()

    def code(self, step):
        mac = hmac.digest(self.seed, step.to_bytes(8, "big"), hashlib.sha1)
        offset = mac[19] & 15
        return f"{(int.from_bytes(mac[offset:offset + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"

    def next(self):
        """The oldest code that still works and was not used, or None."""
        now = step_now()
        step = max(self.last + 1, now - self.reach)
        if step > now + self.reach:
            return None
        self.last = step
        return self.code(step)
