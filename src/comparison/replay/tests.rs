use super::*;
use crate::{applications::snapshot_for_tests, comparison::as_lines, config};

const SHOP: &str = "00000000-0000-0000-0000-000000000002";
const GROUP: &str = "00000000-0000-0000-0000-0000000000aa";

fn documents(spec: &str) -> String {
    format!(
        "apiVersion: nais.io/v1alpha1\nkind: Application\nmetadata: {{name: api, namespace: team, \
         annotations: {{portvakt.dev/client-id: 00000000-0000-0000-0000-000000000001}}}}\nspec:\n\
         {spec}\n---\napiVersion: nais.io/v1alpha1\nkind: Application\nmetadata: {{name: shop, \
         namespace: team, annotations: {{portvakt.dev/client-id: {SHOP}}}}}\n"
    )
}

fn replay(log: &str, old: &str, new: &str) -> Replay {
    let config = config::defaults("dev").unwrap();
    let (old, new) = (snapshot_for_tests(&documents(old)), snapshot_for_tests(&documents(new)));
    let sides = [Side::new(&config, &old.index), Side::new(&config, &new.index)];
    Replay::of(log.as_bytes(), &sides[0], &sides[1]).unwrap()
}

/// A record of a caller, at a second of one minute.
fn record(second: u8, decision: &str, reason: &str, caller: &str) -> String {
    format!(
        r#"{{"time":"2026-01-01T00:00:{second:02}.000Z","decision_id":"x","decision":"{decision}","reason":"{reason}","application":"dev:team:api","method":"GET","path":"/alive"{caller}}}"#
    ) + "\n"
}

fn shop() -> String {
    format!(
        r#","caller":{{"kind":"application","client_id":"{SHOP}","application":"dev:team:shop","tenant_id":"{SHOP}","roles":["access_as_application"]}}"#
    )
}

fn user() -> String {
    format!(
        r#","caller":{{"kind":"user","client_id":"{SHOP}","tenant_id":"{SHOP}","object_id":"h:1","scopes":"defaultaccess","groups":["{GROUP}"]}}"#
    )
}

const RULE: &str = "  accessPolicy: {inbound: {rules: [{application: shop}]}}";

fn flips(replay: &Replay) -> Vec<String> {
    let flip = |f: Flip| {
        let times = [f.first, f.last].map(|time| time[17..19].to_owned()).join("-");
        format!("{:?} {} {} {} {} {} {times}", f.effect, f.kind, f.caller, f.old, f.new, f.count)
    };
    replay.flips().map(flip).collect()
}

#[test]
fn callers_whose_answer_is_another_one_are_grouped_with_their_times() {
    let log = [
        record(20, "allow", "application_granted", &shop()),
        record(10, "allow", "application_granted", &shop()),
        record(30, "allow", "application_granted", &shop()),
        record(15, "deny", "user_not_granted", &user()),
    ]
    .concat();
    let groups =
        format!("{RULE}\n  azure: {{application: {{claims: {{groups: [{{id: {GROUP}}}]}}}}}}");
    let none = "  azure: {application: {enabled: true}}";
    for (old, new, expected) in [
        (RULE, RULE, vec![]),
        (
            RULE,
            none,
            vec![
                "Loss application dev:team:shop application_granted consumer_not_granted 3 10-30"
                    .to_owned(),
            ],
        ),
        (RULE, &groups, vec![format!("Gain user {SHOP} user_not_granted user_granted 1 15-15")]),
    ] {
        let found = replay(&log, old, new);
        assert_eq!(flips(&found), expected, "{old} {new}");
        assert_eq!((found.records, found.rehearsed, found.unlike_recorded), (4, 4, 0));
    }
    assert_eq!(replay(&log, none, RULE).unlike_recorded, 4);
}

#[test]
fn a_request_without_a_caller_is_decided_as_far_as_the_log_tells_of_its_token() {
    let log = [
        record(1, "allow", "unauthenticated_path", ""),
        record(2, "deny", "token_missing", ""),
        record(3, "deny", "token_expired", ""),
        record(4, "deny", "keys_unavailable", ""),
    ]
    .concat();
    let (open, closed) = ("  liveness: {path: /alive}", "  ingresses: []");
    let found = replay(&log, open, closed);
    // Nobody looked for the token of the first.
    assert_eq!((found.records, found.rehearsed, found.untold), (4, 3, 1));
    assert_eq!(
        flips(&found),
        [
            "Loss anonymous anonymous unauthenticated_path token_missing 1 02-02",
            "Loss unknown unknown unauthenticated_path keys_unavailable 1 04-04",
            "Loss unknown unknown unauthenticated_path token_expired 1 03-03",
        ]
    );
    let found = replay(&log, closed, open);
    assert_eq!((found.rehearsed, found.untold, found.unlike_recorded), (3, 1, 0));
    assert_eq!(flips(&found).len(), 3, "all of them gains");
    let found = replay(&log, open, open);
    assert_eq!((found.rehearsed, found.untold, flips(&found).len()), (4, 0, 0));
}

#[test]
fn records_without_personal_data_tell_of_applications_alone() {
    let withheld = |record: String| record.replace(r#""object_id":"h:1","#, "");
    let of_user = user().replace(&format!(r#","groups":["{GROUP}"]"#), "");
    let without_path = |record: String| record.replace(r#","path":"/alive""#, "");
    let log = [
        record(1, "allow", "application_granted", &shop()),
        record(2, "allow", "user_granted", &of_user),
        record(3, "allow", "unauthenticated_path", ""),
        record(4, "deny", "token_missing", ""),
        record(5, "deny", "token_expired", ""),
    ]
    .map(|record| without_path(withheld(record)))
    .concat();
    let all = format!("{RULE}\n  azure: {{application: {{allowAllUsers: true}}}}");
    let open = format!("{all}\n  liveness: {{path: /alive}}");
    let found = replay(&log, &open, "  ingresses: []");
    assert_eq!((found.records, found.rehearsed, found.untold, found.withheld), (5, 1, 0, 4));
    assert_eq!(found.unlike_recorded, 0, "what is not known is not held against anybody");
    assert_eq!(flips(&found).len(), 1, "the application");
    let text = as_lines(&[], Some(&found));
    let said = "records that cannot be decided, for user or path are left out in them \
                (decision_log.personal_data): 4";
    assert!(text.contains(said), "{text}");
}

#[test]
fn lines_that_are_no_record_are_counted_and_none_forges_a_line_of_the_answer() {
    let long = "x".repeat(3 << 20);
    let good = record(1, "allow", "application_granted", &shop());
    let log = format!(
        "{good}not json\n\n{{\"level\":\"INFO\"}}\n{long}\n{good}[]\n1\nnull\n{}",
        good.trim_end().replace("\"client_id\"", "\"client\"")
    );
    let found = replay(&log, RULE, RULE);
    assert_eq!((found.records, found.foreign.count), (2, 7));
    assert_eq!(found.foreign.lines, [2, 4, 5, 7, 8]);
    let text = as_lines(&[], Some(&found));
    assert!(text.contains("lines that are no record: 7 (line 2, 4, 5, 7, 8, …)"), "{text}");
    let forged = good.replace("\"dev:team:shop\"", "\"a\\n+ b\\u001b[2J\u{202e}\u{2028}\"");
    let text = as_lines(&[], Some(&replay(&forged, RULE, "  ingresses: []")));
    assert!(
        text.contains("- application a\\n+ b\\u{1b}[2J\\u{202e}\\u{2028} → dev:team:api: "),
        "{text}"
    );
    let whole = "{\"time\":1}".repeat(3);
    assert_eq!(replay(&whole, RULE, RULE).foreign.count, 1, "a line without an end counts too");
}
