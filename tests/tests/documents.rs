//! `openapi.yaml` says what the server does: the document, the table of routes and the table of problems are
//! compared, each with the other in both directions.

use std::collections::{BTreeMap, BTreeSet};

use gatematch_protocol::problem::Code;
use gatematch_server::http::routes::table;
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi.yaml");
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The document as JSON, in which it has one meaning. A key that stands twice does not load.
fn document() -> Value {
    let text = std::fs::read_to_string(DOCUMENT).unwrap();
    let documents = Yaml::load_from_str(&text).unwrap();
    let [document] = documents.as_slice() else { panic!("{} documents in one file", documents.len()) };
    json(document)
}

fn json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(flag)) => Value::from(*flag),
        Yaml::Value(Scalar::Integer(number)) => Value::from(*number),
        Yaml::Value(Scalar::FloatingPoint(number)) => Value::from(number.into_inner()),
        Yaml::Value(Scalar::String(text)) => Value::from(text.as_ref()),
        Yaml::Sequence(items) => items.iter().map(json).collect(),
        Yaml::Mapping(members) => {
            // A status that is a number in YAML is a name in JSON: OpenAPI wants it quoted, and so do we.
            let name = |key: &Yaml<'_>| key.as_str().unwrap_or_else(|| panic!("{key:?} is no name")).to_owned();
            Value::Object(members.iter().map(|(key, value)| (name(key), json(value))).collect())
        }
        other => panic!("{other:?} has no meaning in JSON"),
    }
}

/// One operation of the document, by method and path.
type Operations = BTreeMap<(String, String), Map<String, Value>>;

fn operations(document: &Value) -> Operations {
    let mut found = Operations::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (name, operation) in item.as_object().unwrap() {
            if METHODS.contains(&name.as_str()) {
                let key = (name.to_uppercase(), path.clone());
                found.insert(key, operation.as_object().unwrap().clone());
            }
        }
    }
    found
}

fn words(value: &Value) -> BTreeSet<String> {
    let words = value.as_array().unwrap_or_else(|| panic!("{value} is no list"));
    let set: BTreeSet<String> = words.iter().map(|word| word.as_str().unwrap().to_owned()).collect();
    assert_eq!(set.len(), words.len(), "{value} says something twice");
    set
}

#[test]
fn documents_every_route_stands_in_the_document_and_every_operation_in_the_table() {
    let documented: BTreeMap<_, _> = operations(&document())
        .into_iter()
        .map(|(key, operation)| (key, words(&operation["x-gatematch-who"])))
        .collect();
    let mut served = BTreeMap::new();
    for route in table() {
        let who = route.who.words().into_iter().map(str::to_owned).collect();
        let key = (route.method.to_string(), route.path.to_owned());
        assert!(served.insert(key.clone(), who).is_none(), "{key:?} stands twice in the table");
    }
    let missing: Vec<_> = served.keys().filter(|key| !documented.contains_key(*key)).collect();
    let invented: Vec<_> = documented.keys().filter(|key| !served.contains_key(*key)).collect();
    assert!(missing.is_empty() && invented.is_empty(), "not in the document: {missing:?}; not served: {invented:?}");
    for (key, who) in &served {
        assert_eq!(&documented[key], who, "who may call {key:?}");
    }
}

#[test]
fn documents_every_problem_code_stands_in_the_document_with_its_status_and_title() {
    let document = document();
    let documented: BTreeMap<String, (u64, String)> = document["x-gatematch-problem-codes"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(code, about)| {
            let (status, title) = (about["status"].as_u64().unwrap(), about["title"].as_str().unwrap());
            (code.clone(), (status, title.to_owned()))
        })
        .collect();
    let known: BTreeMap<String, (u64, String)> = Code::ALL
        .iter()
        .map(|code| (code.as_str().to_owned(), (u64::from(code.status()), code.title().to_owned())))
        .collect();
    assert_eq!(documented, known);
}

#[test]
fn documents_every_reason_and_limit_is_explained_and_nothing_else() {
    use gatematch_domain::challenge::Reason;
    use gatematch_domain::limits::Limited;
    use gatematch_protocol::problem::reasons::{Explained, LIMITS, REASONS};

    let explained = |table: &[Explained]| -> BTreeSet<&str> { table.iter().map(|about| about.word).collect() };
    let reasons = Reason::ALL.map(Reason::as_str);
    assert_eq!(explained(&REASONS), BTreeSet::from(reasons));
    let limits = [Limited::Cooldown, Limited::Reported, Limited::Backoff, Limited::Prompts, Limited::Pending];
    assert_eq!(explained(&LIMITS), BTreeSet::from(limits.map(Limited::as_str)));
}

#[test]
fn documents_every_operation_names_codes_that_exist_and_every_code_is_answered_somewhere() {
    let document = document();
    let mut answered = words(&document["x-gatematch-problems"]);
    for ((method, path), operation) in operations(&document) {
        let codes = words(&operation["x-gatematch-problems"]);
        let unknown: Vec<_> = codes.iter().filter(|code| Code::from_code(code).is_none()).collect();
        assert!(unknown.is_empty(), "{method} {path}: {unknown:?}");

        // Each refusal that is named has its response, and each response its refusal.
        let named: BTreeSet<String> =
            codes.iter().filter_map(|code| Code::from_code(code)).map(|code| code.status().to_string()).collect();
        let responses = operation["responses"].as_object().unwrap();
        let described: BTreeSet<String> =
            responses.keys().filter(|status| status.starts_with(['4', '5'])).cloned().collect();
        assert_eq!(named, described, "{method} {path}: statuses of x-gatematch-problems, and of responses");
        assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{method} {path} never succeeds");
        answered.extend(codes);
    }
    let silent: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).filter(|code| !answered.contains(*code)).collect();
    assert!(silent.is_empty(), "no operation answers {silent:?}");
}

#[test]
fn documents_credentials_follow_from_who_may() {
    let document = document();
    let schemes: BTreeSet<&String> = document["components"]["securitySchemes"].as_object().unwrap().keys().collect();
    for ((method, path), operation) in operations(&document) {
        let who = words(&operation["x-gatematch-who"]);
        let security = operation["security"].as_array().unwrap();
        let named: BTreeSet<&String> = security.iter().flat_map(|scheme| scheme.as_object().unwrap().keys()).collect();
        assert!(named.is_subset(&schemes), "{method} {path}: {named:?} are not all described");
        let roles = ["admin", "helpdesk", "auditor"].iter().any(|role| who.contains(*role));
        let adminkey = named.iter().any(|name| name.as_str() == "adminKey");
        assert_eq!(roles, adminkey, "{method} {path}: {who:?} by {named:?}");
        // A browser has its session, or is about to get it.
        let session = named.iter().any(|name| name.as_str() == "connectSession");
        if session || who.contains("browser") {
            let alone = who.contains("browser") && who.len() == 1 && named.len() <= 1;
            assert!(alone && session != named.is_empty(), "{method} {path}: {who:?} by {named:?}");
        }
        if who.contains("public") {
            assert!(named.is_empty() && who.len() == 1, "{method} {path} is for everybody, or it is not");
        }
    }
}

#[test]
fn documents_every_reference_leads_somewhere_and_every_parameter_of_a_path_is_described() {
    let document = document();
    let mut dangling = Vec::new();
    visit(&document, &mut |member, value| {
        if member == "$ref" {
            let pointer = value.as_str().and_then(|text| text.strip_prefix('#'));
            if pointer.and_then(|pointer| document.pointer(pointer)).is_none() {
                dangling.push(value.clone());
            }
        }
    });
    assert!(dangling.is_empty(), "{dangling:?}");

    let mut ids = BTreeSet::new();
    for ((method, path), operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap().to_owned();
        assert!(ids.insert(id.clone()), "{id} stands twice");
        let given = operation.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
        let resolved = given.iter().map(|parameter| match parameter["$ref"].as_str() {
            Some(reference) => document.pointer(&reference[1..]).unwrap().clone(),
            None => parameter.clone(),
        });
        let in_path = resolved.filter(|parameter| parameter["in"] == "path");
        let described: BTreeSet<String> =
            in_path.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect();
        let named: BTreeSet<String> = path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            .map(str::to_owned)
            .collect();
        assert_eq!(named, described, "{method} {path}");
    }
}

fn visit(value: &Value, seen: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                seen(name, member);
                visit(member, seen);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, seen)),
        _ => {}
    }
}

#[test]
fn documents_the_examples_of_requests_are_messages_of_the_protocol() {
    use gatematch_protocol::{authenticator, challenge, connect, device, enrollment, gateway, policy, response, user};
    use serde::de::DeserializeOwned;

    fn reads<T: DeserializeOwned>(example: &Value) -> Result<(), serde_json::Error> {
        serde_json::from_value::<T>(example.clone()).map(drop)
    }
    let mut examples = 0;
    for ((method, path), operation) in operations(&document()) {
        let Some(body) = operation.get("requestBody") else { continue };
        let content = body["content"]["application/json"].as_object().unwrap();
        let several = content.get("examples").and_then(Value::as_object).into_iter().flatten();
        let all = content.get("example").into_iter().chain(several.map(|(_, example)| &example["value"]));
        for example in all {
            examples += 1;
            let read = match (method.as_str(), path.as_str()) {
                ("PUT", "/v1/users/{username}") => reads::<user::PutUser>(example),
                ("POST", "/v1/enrollments") => reads::<enrollment::CreateEnrollment>(example),
                ("POST", "/v1/devices") => reads::<enrollment::RegisterDevice>(example),
                ("POST", "/v1/devices/{id}/confirm") => reads::<device::ConfirmDevice>(example),
                ("PUT", "/v1/devices/self/push") => reads::<Option<device::PushSubscription>>(example),
                ("POST", "/v1/gateways") => reads::<gateway::CreateGateway>(example),
                ("POST", "/v1/gateways/self/drops") => reads::<gateway::ReportDrops>(example),
                ("POST", "/connect/sessions") => reads::<connect::ArmSession>(example),
                ("POST", "/connect/sessions/current/confirm") => reads::<connect::Confirm>(example),
                ("PUT", "/v1/policy") => reads::<policy::PutPolicy>(example),
                ("POST", "/v1/policy/explain") => reads::<policy::Explain>(example),
                ("POST", "/v1/policy/rollback") => reads::<policy::RollBack>(example),
                ("POST", "/v1/challenges") => reads::<challenge::CreateChallenge>(example),
                ("POST", "/v1/challenges/{id}/redeem") => reads::<challenge::Redeem>(example),
                ("POST", "/v1/challenges/{id}/passcode") => reads::<challenge::Passcode>(example),
                ("POST", "/v1/challenges/{id}/response") => reads::<response::PostResponse>(example),
                ("POST", "/connect/sessions/current/passcode") => reads::<challenge::Passcode>(example),
                ("POST", "/v1/users/{username}/lock" | "/v1/users/{username}/unlock") => {
                    reads::<authenticator::Because>(example)
                }
                ("POST", "/v1/users/{username}/totp" | "/v1/self/totp") => reads::<authenticator::CreateTotp>(example),
                ("POST", "/v1/users/{username}/totp/{id}/confirm" | "/v1/self/totp/{id}/confirm") => {
                    reads::<authenticator::ConfirmTotp>(example)
                }
                ("POST", "/v1/users/{username}/recovery-codes" | "/v1/self/recovery-codes") => {
                    reads::<authenticator::CreateRecoveryCodes>(example)
                }
                ("POST", "/v1/users/{username}/access-passes") => reads::<authenticator::CreateAccessPass>(example),
                ("POST", "/v1/users/{username}/bypasses") => reads::<authenticator::CreateBypass>(example),
                ("PUT", "/v1/self/devices/{id}") => reads::<authenticator::RenameDevice>(example),
                ("POST", "/v1/self/enrollments") => reads::<authenticator::CreateOwnEnrollment>(example),
                _ => panic!("{method} {path} has a body that this test does not know"),
            };
            assert!(read.is_ok(), "{method} {path}: {read:?} of {example}");
        }
    }
    assert!(examples >= 13, "{examples} examples of requests");
}

/// Every Markdown file of the tree that people read.
fn guides() -> Vec<std::path::PathBuf> {
    let top = std::path::Path::new(DOCUMENT).parent().unwrap();
    let folders = [top.to_owned(), top.join("docs"), top.join("docs/decisions"), top.join("protocol/vectors")];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let files = files.map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect()
}

#[test]
fn documents_link_to_what_is_there() {
    let mut links = 0;
    for guide in guides() {
        let text = std::fs::read_to_string(&guide).unwrap();
        for part in text.split("](").skip(1) {
            let target = part.split([')', '#']).next().unwrap();
            if target.is_empty() || target.contains("://") || target.contains(char::is_whitespace) {
                continue;
            }
            let path = guide.parent().unwrap().join(target);
            assert!(path.exists(), "{} links to {target}, which is not there", guide.display());
            links += 1;
        }
    }
    assert!(links > 50, "{links} links");
}
