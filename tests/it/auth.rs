//! Who gets in, and what the others are told.

use jiff::Timestamp;
use livegate::auth::{MasterKey, authenticate};
use livegate::canonical::{Op, Problem, ProblemKind, Secret};
use livegate::tenancy::{self, Key, Snapshot};
use livegate::vendors::{Presented, VENDORS};

/// Two dialects that there are.
fn dialects() -> [&'static str; 2] {
    let mut ids = VENDORS
        .iter()
        .filter(|vendor| vendor.inbound.is_some())
        .map(|vendor| vendor.id);
    [ids.next().expect("one"), ids.next().expect("two")]
}

fn master() -> MasterKey {
    MasterKey::from_hex(&"5a".repeat(32)).expect("valid")
}

/// Tenants `open` (key `all`, and `old`, which has expired) and `narrow` (may speak the first dialect; key `n`, and `op`,
/// which may only match faces). Each key's secret is the name of its variable.
fn snapshot() -> Snapshot {
    let [first, second] = dialects();
    let text = format!(
        r#"
        [plans.p]
        quota = "unlimited"
        [tenants.open]
        plan = "p"
        keys = [
            {{ id = "all", secret = {{ env = "SECRET_ALL" }} }},
            {{ id = "one", secret = {{ env = "SECRET_ONE" }}, dialects = ["{second}"] }},
            {{ id = "old", secret = {{ env = "SECRET_OLD" }}, expires_at = "2026-01-01T00:00:00Z", ops = ["face-match"] }},
        ]
        [tenants.narrow]
        plan = "p"
        dialects = ["{first}"]
        keys = [
            {{ id = "n", secret = {{ env = "SECRET_N" }} }},
            {{ id = "op", secret = {{ env = "SECRET_OP" }}, ops = ["face-match"] }},
        ]
        "#
    );
    let config =
        livegate::config::Loaded::from_text("t".to_owned(), text, |name| Ok(name.to_owned()));
    let config = config.expect("valid").config.tenancy;
    let digest = |secret: &Secret| master().digest(secret.expose());
    let resolve = |source: &livegate::units::SecretSource| match source {
        livegate::units::SecretSource::Env(name) => Ok(Secret::new(name.clone())),
        livegate::units::SecretSource::File(path) => Err(path.clone()),
    };
    tenancy::compile(&config, &resolve, &digest).expect("valid")
}

fn pair(id: &str, secret: &str) -> Presented {
    Presented::Pair {
        id: id.to_owned(),
        secret: Secret::new(secret.to_owned()),
    }
}

fn bearer(token: &str) -> Presented {
    Presented::Bearer(Secret::new(token.to_owned()))
}

fn ask(
    presented: Option<&Presented>,
    dialect: &'static str,
    op: Op,
    now: &str,
) -> Result<String, Problem> {
    ask_of(&snapshot(), presented, dialect, op, now)
}

fn ask_of(
    snapshot: &Snapshot,
    presented: Option<&Presented>,
    dialect: &'static str,
    op: Op,
    now: &str,
) -> Result<String, Problem> {
    let now: Timestamp = now.parse().expect("a moment");
    let caller = authenticate(snapshot, &master(), presented, dialect, op, now)?;
    Ok(format!("{}/{}", caller.tenant.id, caller.key.id))
}

const BEFORE: &str = "2025-12-31T23:59:59.999Z";
const AFTER: &str = "2026-01-01T00:00:00Z";

#[test]
fn a_key_works_as_a_pair_and_as_a_bearer_token() {
    let [first, second] = dialects();
    for presented in [pair("all", "SECRET_ALL"), bearer("all.SECRET_ALL")] {
        for dialect in [first, second] {
            for op in Op::ALL {
                let caller = ask(Some(&presented), dialect, op, AFTER).expect("right");
                assert_eq!(caller, "open/all");
            }
        }
    }
}

#[test]
fn missing_unknown_and_wrong_are_one_answer() {
    let [first, _] = dialects();
    let presented = [
        pair("all", "wrong"),
        pair("all", ""),
        pair("all", "SECRET_ALL "),
        pair("all", "secret_all"),
        pair("all", "SECRET_N"),
        pair("nobody", "SECRET_ALL"),
        pair("", ""),
        pair("ALL", "SECRET_ALL"),
        pair("all.SECRET_ALL", ""),
        bearer("all.wrong"),
        bearer("allSECRET_ALL"),
        bearer(".SECRET_ALL"),
        bearer("all."),
        bearer(""),
        bearer("nobody.SECRET_ALL"),
        // Neither of these learns that the key has expired, or what it may do.
        pair("old", "wrong"),
        pair("op", "wrong"),
    ];
    let problems = presented.iter().map(Some).chain([None]).map(|presented| {
        let problem = ask(presented, first, Op::ImageLiveness, AFTER).expect_err("wrong");
        assert_eq!(problem.kind, ProblemKind::Unauthorized, "{presented:?}");
        format!("{problem:?}")
    });
    let told: std::collections::BTreeSet<_> = problems.collect();
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn only_the_first_dot_of_a_token_divides_it() {
    let mut snapshot = snapshot();
    let mut key = copy(&snapshot.keys["all"]);
    key.secrets = vec![master().digest("a.b.c")];
    snapshot.keys.insert("all".to_owned(), key.into());
    let token = bearer("all.a.b.c");
    ask_of(&snapshot, Some(&token), dialects()[0], Op::Upload, AFTER).expect("right");
}

#[test]
fn both_secrets_of_a_rotation_work_and_none_is_none() {
    let mut snapshot = snapshot();
    let mut key = copy(&snapshot.keys["all"]);
    key.secrets = vec![master().digest("former"), master().digest("next")];
    snapshot.keys.insert("all".to_owned(), key.into());
    let asked = |snapshot: &Snapshot, secret| {
        ask_of(
            snapshot,
            Some(&pair("all", secret)),
            dialects()[0],
            Op::Upload,
            AFTER,
        )
    };
    asked(&snapshot, "former").expect("right");
    asked(&snapshot, "next").expect("right");
    asked(&snapshot, "SECRET_ALL").expect_err("retired");

    let mut key = copy(&snapshot.keys["all"]);
    key.secrets = Vec::new();
    snapshot.keys.insert("all".to_owned(), key.into());
    asked(&snapshot, "").expect_err("no secret lives");
}

#[test]
fn a_key_ends_at_its_moment_and_that_is_said_before_what_it_may_do() {
    let asked = |op, now| ask(Some(&pair("old", "SECRET_OLD")), dialects()[0], op, now);
    asked(Op::FaceMatch, BEFORE).expect("still valid");
    for op in [Op::FaceMatch, Op::ImageLiveness] {
        let problem = asked(op, AFTER).expect_err("expired");
        assert_eq!(problem.kind, ProblemKind::KeyExpired);
    }
}

#[test]
fn dialect_and_op_are_checked_after_the_secret() {
    let [first, second] = dialects();
    let (one, n, op) = (
        pair("one", "SECRET_ONE"),
        pair("n", "SECRET_N"),
        pair("op", "SECRET_OP"),
    );
    let cases = [
        (&one, second, Op::ImageLiveness, true),
        (&one, first, Op::ImageLiveness, false),
        (&n, first, Op::ImageLiveness, true),
        (&n, second, Op::ImageLiveness, false),
        (&op, first, Op::FaceMatch, true),
        (&op, first, Op::ImageLiveness, false),
        (&op, second, Op::FaceMatch, false),
    ];
    for (presented, dialect, op, allowed) in cases {
        let problem = ask(Some(presented), dialect, op, AFTER)
            .err()
            .map(|problem| problem.kind);
        let expected = (!allowed).then_some(ProblemKind::NotEntitled);
        assert_eq!(problem, expected, "{presented:?} {dialect} {op}");
    }
}

fn copy(key: &Key) -> Key {
    Key {
        id: key.id.clone(),
        tenant: key.tenant.clone(),
        secrets: key.secrets.clone(),
        expires_at: key.expires_at,
        dialects: key.dialects.clone(),
        ops: key.ops.clone(),
    }
}
