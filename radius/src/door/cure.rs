//! What the administrator can do about each cause, in one sentence with the names of the Windows dialogs.

pub(super) const UNKNOWN_CLIENT: &str = "\
    If this address is a gateway of yours, add a [[radius.client]] whose network holds it; if not, let the \
    firewall keep it away from this port.";
pub(super) const MALFORMED: &str = "\
    Something other than RADIUS authentication is sent to this port, or the path cuts large datagrams: check what \
    the sender is, and the firewall between.";
pub(super) const CODE_NOT_SUPPORTED: &str = "\
    Send only authentication here: on the gateway's NPS, Remote RADIUS Server Groups > TS GATEWAY SERVER GROUP > \
    server > Authentication/Accounting tab, let accounting go elsewhere or nowhere.";
pub(super) const MESSAGE_AUTHENTICATOR_MISSING: &str = "\
    On the gateway's NPS, Remote RADIUS Server Groups > TS GATEWAY SERVER GROUP > server > \
    Authentication/Accounting tab, tick \"Request must contain the message authenticator attribute\".";
pub(super) const MESSAGE_AUTHENTICATOR_WRONG: &str = "\
    The shared secrets differ: enter the secret of this [[radius.client]] in RD Gateway Manager > Properties > RD \
    CAP Store for this server, or correct it in the settings file.";
pub(super) const MESSAGE_AUTHENTICATOR_REPEATED: &str = "\
    The sender puts several Message-Authenticator attributes into one request, which RFC 3579 forbids: update it, \
    or remove the rule that adds one.";
pub(super) const PROXY_STATE_UNSIGNED: &str = "\
    On the gateway's NPS, Remote RADIUS Server Groups > TS GATEWAY SERVER GROUP > server > \
    Authentication/Accounting tab, tick \"Request must contain the message authenticator attribute\": a \
    Proxy-State without one is never trusted (CVE-2024-3596).";
pub(super) const PROXY_STATE_TOO_LONG: &str = "\
    The request passed through too many RADIUS proxies, or one of them adds too much Proxy-State: let the gateway \
    send to this server directly.";
pub(super) const EAP_NOT_SUPPORTED: &str = "\
    EAP is not supported here: let the client use PAP, or send a login of RD Gateway, which has no password at \
    all.";
pub(super) const ATTRIBUTE_REPEATED: &str = "\
    The sender puts User-Name, User-Password, CHAP-Password or State into one request more than once: remove the \
    rule that adds it.";
pub(super) const USER_NAME_MISSING: &str = "\
    The request names no user: in the connection request policy of the sending NPS, Settings > Attribute, remove \
    the rule that empties User-Name.";
pub(super) const USER_NAME_UNREADABLE: &str = "The User-Name is not UTF-8: let the sender write user names as UTF-8.";
pub(super) const PASSWORD_UNREADABLE: &str = "\
    The User-Password is not one to eight blocks of 16 octets, because the sender breaks RFC 2865 or sends more than \
    128 octets; or a code should stand in it and the client sends none: let the client use PAP, not CHAP or MS-CHAP.";
pub(super) const AUTHENTICATOR_REUSED: &str = "\
    The client repeats its Request Authenticators, which must be new and unpredictable for each request (RFC 2865, \
    section 3): update it, or set another client in its place.";
pub(super) const OVERLOADED: &str = "\
    More requests arrive than can be decided: look for the client that sends them, or add a second front door.";
pub(super) const CLIENT_OVERLOADED: &str = "\
    Too many logins of this client wait at the same time: look for one that repeats them, or raise its limit in \
    [[radius.client]].";
pub(super) const SERVER_UNAVAILABLE: &str = "\
    Check that the Gatematch server runs and that server_url in [radius] reaches it; its own log names what it \
    lacks.";
pub(super) const GATEWAY_KEY_REFUSED: &str = "\
    The server does not know the gateway key of this [[radius.client]]: make one with `gatematch gateway add` and \
    enter it as gateway_key.";
pub(super) const CALL_REFUSED: &str = "\
    The server understands a call of this front door in another way: bring both to the same version, and look into \
    the server's log.";
pub(super) const RESULT_UNBELIEVABLE: &str = "\
    Nobody was let in on it: check that server_url in [radius] leads to the server that the phones use, and that no \
    other one answers in its place.";
pub(super) const CLOCK_DIFFERS: &str = "\
    Set the clocks of this machine and of the Gatematch server by the same time server.";
pub(super) const UPSTREAM_UNAVAILABLE: &str = "\
    Check that the upstream NPS runs, that this machine is among its RADIUS Clients, that the secrets are equal, \
    and that the firewall lets UDP 1812 through.";
pub(super) const UPSTREAM_UNAUTHENTIC: &str = "\
    The secret of the upstream server differs (NPS console > RADIUS Clients and Servers > RADIUS Clients > this \
    machine > Settings tab), or it sends no Message-Authenticator and needs its updates.";
pub(super) const UPSTREAM_CHALLENGE: &str = "\
    The upstream server asks the person for more, which cannot be passed on: give this machine a network policy \
    there that decides by password alone.";
pub(super) const NOT_PASSED_ON: &str = "\
    The request with its attributes is too long for the upstream server: let the sender send fewer.";
pub(super) const ANSWER_TOO_LONG: &str = "\
    The attributes of the answer exceed 4096 octets: set fewer for this client, or let the upstream server send \
    fewer.";
pub(super) const NO_ENTROPY: &str = "The operating system gave no random numbers: restart this machine.";
