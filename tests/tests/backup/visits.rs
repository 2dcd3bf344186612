//! Who was signed in at the console, who was invited, and who managed others.

use gatematch_tests::guest::Browser;
use gatematch_tests::machine::Machine;
use sqlx::SqlitePool;

async fn roles(machine: &Machine) -> Vec<(String, Option<String>)> {
    let path = format!("sqlite://{}", machine.database().display());
    let database = SqlitePool::connect(&path).await.unwrap();
    let roles =
        sqlx::query_as("SELECT username, role FROM users ORDER BY username").fetch_all(&database).await.unwrap();
    database.close().await;
    roles
}

fn token(link: &serde_json::Value) -> String {
    link["link"].as_str().unwrap().split_once('#').unwrap().1.to_owned()
}

/// Whether the invitation lets in.
async fn lets_in(browser: &mut Browser, token: &str) -> bool {
    browser.post("/console/invitation", &[("invitation", token)]).await.status == 303
}

#[tokio::test]
async fn st_06_a_restore_brings_back_no_visit_no_invitation_and_no_role() {
    let machine = Machine::new();
    let ada = token(&machine.json("console-link ada").await);
    machine.json("console-link dora --role admin").await;
    let serving = machine.serve().await;
    let mut browser = Browser::new(serving.base());
    assert!(lets_in(&mut browser, &ada).await);
    assert_eq!(browser.get("/console").await.status, 200);
    let open = token(&machine.json("console-link erin --role helpdesk").await);
    let backup = machine.path().join("backup");
    machine.done(&format!("backup {}", backup.display())).await;
    // Dora is no administrator any more, and Erin has become one.
    machine.json("console-link dora --role auditor").await;
    machine.json("console-link erin --role admin").await;
    serving.stop().await;
    machine.done(&format!("restore {}", backup.display())).await;
    let role = |name: &str, role: &str| (name.to_owned(), Some(role.to_owned()));
    assert_eq!(roles(&machine).await, [role("ada", "admin"), role("dora", "auditor"), role("erin", "helpdesk")]);
    let serving = machine.serve().await;
    let mut again = Browser::new(serving.base());
    again.cookies.clone_from(&browser.cookies);
    assert_eq!(again.get("/console").await.status, 303, "a visit of before is over");
    assert!(!lets_in(&mut again, &ada).await && !lets_in(&mut again, &open).await);
    serving.stop().await;
}
