//! Every mistake is found, at its place, with what to write instead.

use super::{SMALL, account, fill, read, refused};

#[test]
fn all_mistakes_are_told_at_once_with_their_places() {
    let text = fill(
        r#"[server]
listn = "127.0.0.1:1"
body_timeout = "5 apples"
max_body = 0

[admin]
token = "hunter2"

[upstreams.a]
vendor = "ENGINE"
timeout = 5

[upstreams.b]
vendor = "nobody"

[plans.p]
burst = 0
quota = { dya = 5 }

[tenants.t]
plan = "q"
keys = [{ id = "k.1", secret = { env = "X" } }, { id = "é", secret = 7 }]

[[routes]]
tenant = "u"
to = [{ upstream = "a", weight = -1 }, { upstream = "c" }]
"#,
    );
    let told: Vec<_> = refused(&text)
        .errors
        .iter()
        .map(|error| {
            let (message, _) = error
                .message
                .split_once("; ")
                .unwrap_or((&error.message, ""));
            format!("{}:{} {}: {message}", error.line, error.column, error.key)
        })
        .collect();
    assert_eq!(
        told,
        [
            "2:1 server.listn: unknown key `listn`",
            r#"3:16 server.body_timeout: "5 apples" does not fit"#,
            "4:12 server.max_body: 0 lets no picture in",
            "7:9 admin.token: a secret does not stand in the configuration",
            "11:11 upstreams.a.timeout: 5 does not fit",
            r#"14:10 upstreams.b.vendor: "nobody" is not a vendor that can be called"#,
            "17:9 plans.p.burst: 0 does not fit",
            "18:11 plans.p.quota.dya: unknown key `dya`",
            r#"21:8 tenants.t.plan: "q" is not a plan"#,
            r#"22:16 tenants.t.keys[0].id: "k.1" is not a name"#,
            r#"22:56 tenants.t.keys[1].id: "é" is not a name"#,
            "22:70 tenants.t.keys[1].secret: a whole number does not fit",
            r#"25:10 routes[0].tenant: "u" is not a tenant"#,
            "26:34 routes[0].to[0].weight: -1 does not fit",
            r#"26:53 routes[0].to[1].upstream: "c" is not an upstream"#,
        ]
    );
}

#[test]
fn a_mistake_is_one_line_that_says_what_to_write() {
    let errors = refused("[server]\n  body_timeout = \"5 apples\"\n");
    assert_eq!(
        errors.to_string(),
        "t.toml:2:18: server.body_timeout: \"5 apples\" does not fit; write a duration like \"5s\", \"250ms\", \"2m\" or \"24h\""
    );
    let errors = refused("[server]\nbody_time_out = \"5s\"\n");
    assert_eq!(
        errors.to_string(),
        "t.toml:2:1: server.body_time_out: unknown key `body_time_out`; expected one of `listen`, `public_url`, `max_body`, \
         `body_memory`, `body_timeout`, `header_timeout`, `shutdown_grace`, `threads`; did you mean `body_timeout`?"
    );
}

#[test]
fn mistakes_of_meaning_are_found_where_they_are() {
    read(&fill(SMALL)).expect("valid before it is changed");
    let first = account().outbound.expect("callable").credentials()[0];
    let surplus = if first == "iv" { "key" } else { "iv" };
    #[rustfmt::skip]
    let cases = [
        ("vendor = \"ACCOUNT\"\n", "", "upstreams.a.vendor", "missing; write one of: "),
        ("base_url = \"https://a.example\"\n", "", "upstreams.a.base_url", "missing; write the vendor's address"),
        ("https://a.example", "ftp://a.example", "upstreams.a.base_url", "must begin with http"),
        ("https://a.example", "https://a.example?x=1", "upstreams.a.base_url", "must end before any ?"),
        ("CREDENTIALS", "", &format!("upstreams.a.{first}"), "missing; vendor"),
        ("CREDENTIALS", &format!("CREDENTIALS\n{surplus} = {{ env = \"X\" }}"), &format!("upstreams.a.{surplus}"), "has no use for this"),
        ("CREDENTIALS", "CREDENTIALS\nthreshold = 101.0", "upstreams.a.threshold", "off the vendor's scale"),
        ("CREDENTIALS", "CREDENTIALS\ntimeout = \"0s\"", "upstreams.a.timeout", "0 leaves no time"),
        ("vendor = \"ENGINE\"", "vendor = \"ENGINE\"\nbase_url = \"http://e.example\"", "upstreams.e.base_url", "has no use for this"),
        ("vendor = \"ENGINE\"", "vendor = \"ENGINE\"\nthreshold = 0.5", "upstreams.e.threshold", "has no use for this"),
        ("[upstreams.e]", "[upstreams.\"e e\"]", "upstreams.e e", "is not a name"),
        ("rate = \"50/s\"", "burst = 5", "plans.p.rate", "missing, and burst needs it"),
        ("rate = \"50/s\"", "rate = \"0/s\"", "plans.p.rate", "does not fit"),
        ("quota = \"unlimited\"\n", "", "plans.p.quota", "missing; write quota"),
        ("quota = \"unlimited\"", "quota = {}", "plans.p.quota", "names no period"),
        ("quota = \"unlimited\"", "quota = \"none\"", "plans.p.quota", "does not fit"),
        ("plan = \"p\"\n", "", "tenants.t.plan", "missing; write one of: p"),
        ("plan = \"p\"", "plan = \"p\"\ndialects = []", "tenants.t.dialects", "allows nothing"),
        ("plan = \"p\"", "plan = \"p\"\ndialects = [\"x\"]", "tenants.t.dialects[0]", "is not a dialect"),
        ("plan = \"p\"", "plan = \"p\"\ntime_zone = \"Mars/Base\"", "tenants.t.time_zone", "is not a time zone"),
        ("plan = \"p\"", "plan = \"p\"\nscore_as = \"text\"", "tenants.t.score_as", "unknown word `text`; expected one of `number`, `string`"),
        ("id = \"k\"", "id = \"l\"", "tenants.u.keys[0].id", "unique in the gateway"),
        ("id = \"k\", ", "", "tenants.t.keys[0].id", "is not a name"),
        ("id = \"k\", secret = { env = \"X\" }", "id = \"k\"", "tenants.t.keys[0].secret", "missing; write { env"),
        ("id = \"k\"", "id = \"k\", generate = true", "tenants.t.keys[0].generate", "only a file can be made"),
        ("id = \"k\"", "id = \"k\", expires_at = \"soon\"", "tenants.t.keys[0].expires_at", "is not a moment"),
        ("id = \"k\"", "id = \"k\", ops = [\"x\"]", "tenants.t.keys[0].ops[0]", "is not an op; write one of: image-liveness"),
        ("id = \"k\", secret = { env = \"X\" }", "id = \"k\", secret = { file = \"/no/such\" }", "tenants.t.keys[0].secret", "file /no/such cannot be read"),
        ("tenant = \"*\"", "tenant = \"nobody\"", "routes[0].tenant", "is not a tenant; write one of: t, u"),
        ("tenant = \"*\"", "dialect = \"ENGINE\"", "routes[0].dialect", "is not a dialect"),
        ("tenant = \"*\"", "op = \"x\"", "routes[0].op", "is not an op"),
        ("tenant = \"*\"", "op = \"video-match\"", "routes[0].to[0].upstream", "cannot carry op \"video-match\" of any dialect"),
        ("tenant = \"*\"", "dialect = \"ACCOUNT\"\nop = \"video-match\"", "routes[0].op", "is not an op of dialect"),
        ("{ upstream = \"a\" }, { upstream = \"e\", weight = 0 }", "", "routes[0].to", "must lead somewhere"),
        ("upstream = \"a\"", "upstream = \"a\", weight = 0", "routes[0].to", "all weights are 0"),
        ("upstream = \"a\"", "weight = 2", "routes[0].to[0].upstream", "missing; write one of: a, e"),
    ];
    for (from, to, key, message) in cases {
        let text = SMALL.replacen(from, to, 1);
        assert_ne!(text, SMALL, "{from} is not in the text");
        let errors = refused(&fill(&text));
        let found = errors
            .errors
            .iter()
            .any(|error| error.key == key && error.message.contains(message));
        assert!(found, "expected {key}: {message}\nfound {errors}");
    }
}
