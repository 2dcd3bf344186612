"""Check an exported Gatematch audit log without Gatematch: that no event was changed, left out or put in.

JWKS is what <issuer>/.well-known/jwks-audit.json serves. Whoever holds a signing key can sign another history: so keep
checkpoints elsewhere (GET /v1/audit/checkpoint) and give them too; a log that was cut or rewritten then fails.
Exit 0: the log holds. 1: the first fault is named. 2: usage, or a file that cannot be read."""
import argparse, base64, contextlib, hashlib, itertools, json, pathlib, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

HEADER = set("format version issuer after prev_hash retention".split())
HASHED = set("seq id at type actor user device gateway client outcome reason number_match policy detail".split())

def check(holds, what):  # every fault is a ValueError
    if not holds:
        raise ValueError(what)

@contextlib.contextmanager
def at(where):  # says where a fault was found
    try:
        yield
    except (ValueError, RecursionError, InvalidSignature) as error:  # the last of these has no text
        raise ValueError(f"{where}: {str(error) or 'the signature does not hold'}") from None

def is_count(value):
    return type(value) is int and value >= 0  # not isinstance: to Python, true is an int

def members(pairs):
    check(len({name for name, _ in pairs if name.isascii()}) == len(pairs), "a member is there twice, or not ASCII")
    return dict(pairs)

def integer(text):  # is given what has a fraction or an exponent too, and NaN
    check(len(text) <= 17 and text.lstrip("-").isdigit() and abs(int(text)) <= 2**53, "a number is no integer to 2^53")
    return int(text)

def parse(data):
    try:  # decoded here, since json.loads would take UTF-16 too
        value = json.loads(data.decode("utf-8"), object_pairs_hook=members,
                           parse_int=integer, parse_float=integer, parse_constant=integer)
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError("not JSON in UTF-8") from None
    check(isinstance(value, dict), "not a JSON object")
    return value

def base64url(data):  # RFC 7515 section 2: without padding
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

def from_base64url(text, size=None):
    data = base64.urlsafe_b64decode(f"{text}==")  # lenient; the next line refuses all but the one right form
    check(base64url(data) == text and size in (None, len(data)), "not canonical base64url, or of another length")
    return data

def event_hash(previous, hashed):  # with ASCII names and no numbers but integers, this is the JCS of RFC 8785
    jcs = json.dumps(hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return base64url(hashlib.sha256(from_base64url(previous) + jcs.encode("utf-8")).digest())

@at("keys")
def read_keys(data):  # RFC 7517 section 5: keys of other kinds are passed over
    keys, jwks = {}, parse(data).get("keys")
    check(isinstance(jwks, list) and all(isinstance(jwk, dict) for jwk in jwks), "not a JWK Set")
    for jwk in (jwk for jwk in jwks if (jwk.get("kty"), jwk.get("crv")) == ("EC", "P-256")):
        check(isinstance(jwk.get("kid"), str) and jwk["kid"] not in keys, "a kid is missing or occurs twice")
        x, y = (int.from_bytes(from_base64url(jwk.get(name), 32), "big") for name in "xy")
        keys[jwk["kid"]] = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    return keys

def check_signed(token, typ, issuer, size, head, keys):  # RFC 7515 section 5.2; ES256: RFC 7518 section 3.4
    parts = str(token).split(".")
    check(len(parts) == 3, "not a compact JWS")
    header, payload, signature = parse(from_base64url(parts[0])), from_base64url(parts[1]), from_base64url(parts[2], 64)
    check(header == {"alg": "ES256", "typ": typ, "kid": header.get("kid")}, f"not a JWS of ES256, {typ} and a kid only")
    check(header["kid"] in list(keys), "the kid is not among the keys")
    der = utils.encode_dss_signature(*(int.from_bytes(half, "big") for half in (signature[:32], signature[32:])))
    keys[header["kid"]].verify(der, f"{parts[0]}.{parts[1]}".encode("ascii"), ec.ECDSA(hashes.SHA256()))
    claims = parse(payload)
    check(isinstance(issuer, str) and claims.get("iss") == issuer, "iss is not the issuer of this export")
    check(is_count(claims.get("iat")), "iat is not an integer")
    check(is_count(size) and (claims.get("size"), claims.get("head")) == (size, head), "another size or head is signed")

def read_checkpoint(value, issuer, keys):
    check(isinstance(value, dict) and value.keys() == {"size", "head", "signed"}, "not a checkpoint")
    check_signed(value["signed"], "gatematch-checkpoint+jwt", issuer, value["size"], value["head"], keys)
    return value["size"], value["head"]

def read_lines(file):  # in bounded memory: a line over 16 MiB is cut there, and so is no JSON
    for number, line in enumerate(iter(lambda: file.readline(16 * 1024 * 1024), b""), 1):
        with at(f"line {number}"):
            yield parse(line)
    raise ValueError("the tail is missing: the file ends without its checkpoint")

def verify(file, keys, checkpoint_files):
    lines = read_lines(file)
    header = next(lines)
    with at("line 1"):
        check(header.keys() == HEADER and header["format"] == "gatematch-audit-export", "not the header of an export")
        issuer, after, head = header["issuer"], header["after"], header["prev_hash"]
        check(is_count(header["version"]) and header["version"] == 1, "not version 1")
        check(is_count(after), "after is not a count")
        check(from_base64url(head, 32) == bytes(32) or after > 0, "prev_hash is not 32 zero bytes, though after is 0")
        if after > 0 or header["retention"] is not None:  # the server signed where the kept part begins
            check_signed(header["retention"], "gatematch-retention+jwt", issuer, after, head, keys)
    wanted = {}  # size -> the heads that checkpoints give for it
    for path in checkpoint_files:
        data = pathlib.Path(path).read_bytes().strip()
        for line in [data] if b"\n}" in data else data.split(b"\n"):  # one object over several lines, or one on each
            with at(ascii(path)):
                size, given = read_checkpoint(parse(line), issuer, keys)
            wanted.setdefault(size, []).append(given)
    for seq in itertools.count(after):  # seq and head are those of the last event read
        check(all(given == head for given in wanted.pop(seq, ())), f"event {seq}: its hash is not a checkpoint's head")
        event = next(lines)
        if event.keys() == {"checkpoint"}:
            break
        with at(f"event {seq + 1}"):
            check(event.keys() == HASHED | {"prev_hash", "hash"}, "its members are not those of an event")
            check(is_count(event["seq"]) and event["seq"] == seq + 1, "another seq is in its place")
            check(event["prev_hash"] == head, "its prev_hash is not the hash before it")
            head = event_hash(head, {name: event[name] for name in HASHED})
            check(event["hash"] == head, "its hash is not that of its content")
    with at("the last line"):
        size, given = read_checkpoint(event["checkpoint"], issuer, keys)
        check(not file.read(1), "something follows the checkpoint")
    check(max(size, *wanted, 0) <= seq, f"the tail is missing: a checkpoint is of a later event than the last, {seq}")
    check((size, given) == (seq, head), f"event {seq}: the checkpoint in the last line is not of this event and hash")
    return f"{seq - after} events, seq {after + 1} to {seq}, head {head}"

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", metavar="EXPORT")
    parser.add_argument("--keys", metavar="JWKS", required=True)
    parser.add_argument("--checkpoint", metavar="FILE", action="append", default=[])
    args = parser.parse_args()
    try:
        with open(args.export, "rb") as export:
            print("ok:", verify(export, read_keys(pathlib.Path(args.keys).read_bytes()), args.checkpoint))
    except ValueError as error:
        print(f"fault: {error}")
        sys.exit(1)
    except OSError as error:
        parser.error(str(error))
