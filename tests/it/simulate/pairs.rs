//! Law P5: every dialect through the real gateway to every simulated upstream, on sockets. The caller reads the verdict
//! that the vendor gave.

use std::fmt::Write as _;

use ::http::Response;
use bytes::Bytes;
use livegate::canonical::{CallId, MediaForm, Op};
use livegate::clock::Clock;
use livegate::simulate::{Account, Script, Scripted};
use livegate::vendors::{self, Carriage, Credentials, Turn, UpstreamCx, VENDORS, Vendor};

use super::lab::{Lab, decision, picture, rule, simulated};
use crate::support::files;
use crate::support::gateway::{Gateway, SECRET};
use crate::support::http::{self, Reply};

const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[store]
url = "sqlite://{dir}/livegate.db"
master_key = { file = "{dir}/master.key" }
[media]
allow_hosts = ["{files}"]
[plans.free]
quota = "unlimited"
"#;

/// Pictures of the script.
const LIVE: u32 = 1;
const SPOOF: u32 = 2;

#[test]
fn a_verdict_survives_between_every_dialect_and_every_upstream() {
    let lab = Lab::new();
    let script = Script {
        default: None,
        rules: vec![rule(LIVE, Scripted::Live), rule(SPOOF, Scripted::Spoof)],
    };
    let mut config = CONFIG.replace("{files}", &lab.files.to_string());
    let mut secrets = Vec::new();
    let mut upstreams = Vec::new();
    for vendor in simulated() {
        let simulator = lab.simulate(vendor, script.clone(), None);
        let upstream = lab.upstream(vendor, &simulator);
        let name = vendor.id;
        write!(
            config,
            "[upstreams.{name}]\nvendor = \"{name}\"\nbase_url = \"{}\"\n",
            upstream.base_url
        )
        .expect("written");
        for (key, secret) in &upstream.secrets {
            writeln!(config, "{key} = {{ file = \"{{dir}}/{name}.{key}\" }}").expect("written");
            secrets.push((format!("{name}.{key}"), secret.expose().to_owned()));
        }
        writeln!(config, "{}", tenant(name, &mut secrets)).expect("written");
        upstreams.push((vendor, simulator));
    }
    let files: Vec<(&str, &str)> = secrets
        .iter()
        .map(|(name, text)| (&**name, &**text))
        .collect();
    // No route leads to the engine, so no weights are needed.
    let gateway = Gateway::start_with(&config, "unused".as_ref(), &files);

    for (upstream, simulator) in upstreams {
        let mut carried = 0;
        for dialect in VENDORS
            .iter()
            .copied()
            .filter(|vendor| vendor.inbound.is_some())
        {
            let client = Client::new(dialect, upstream.id);
            for op in client.ops(upstream) {
                for (number, live) in [(LIVE, true), (SPOOF, false)] {
                    let Some(read) = client.ask(&lab, &gateway, op, number) else {
                        continue;
                    };
                    let pair = format!("{} to {}, {op}", dialect.id, upstream.id);
                    assert_eq!(read, Some(live), "{pair}");
                    carried += 1;
                }
            }
        }
        assert_eq!(simulator.counts().requests, carried, "{}", upstream.id);
        assert!(carried >= 2, "nothing is carried to {}", upstream.id);
    }
}

/// A tenant whose only route leads to the upstream of the same name, with what its clients encrypt with. It agrees to
/// whatever is carried by agreement only.
fn tenant(name: &str, secrets: &mut Vec<(String, String)>) -> String {
    let mut text = format!(
        "[tenants.{name}]\nplan = \"free\"\nallow = [\"foreign-bundle\"]\nkeys = [{{ id = \"{name}\", secret = {{ file = \"{{dir}}/secret\" }} }}]\n"
    );
    for dialect in VENDORS {
        for (index, (key, secret)) in own_secrets(dialect).into_iter().enumerate() {
            if index == 0 {
                writeln!(text, "[tenants.{name}.{}]", dialect.id).expect("written");
            }
            let file = format!("own.{}.{key}", dialect.id);
            writeln!(text, "{key} = {{ file = \"{{dir}}/{file}\" }}").expect("written");
            secrets.push((file, secret));
        }
    }
    text + &format!("[[routes]]\ntenant = \"{name}\"\nto = [{{ upstream = \"{name}\" }}]\n")
}

/// Of every secret that a dialect's clients encrypt with, one that is not the published default.
fn own_secrets(vendor: &Vendor) -> Vec<(&'static str, String)> {
    use livegate::vendors::SettingKind::{Number, Secret};
    let secret = |setting: &livegate::vendors::Setting| match setting.kind {
        Secret { bytes, .. } => Some((setting.name, "k".repeat(bytes))),
        Number(_) => None,
    };
    vendor.settings.iter().filter_map(secret).collect()
}

/// A caller of a dialect: the outbound half of the same vendor, or, of our own API, the sample.
struct Client {
    vendor: &'static Vendor,
    account: Account,
}

// === impl Client ===

impl Client {
    /// With the gateway's key of that id.
    fn new(vendor: &'static Vendor, key: &str) -> Self {
        let mut account = Account {
            id: key.to_owned(),
            secret: livegate::canonical::Secret::new(SECRET.to_owned()),
            ..Account::default()
        };
        for (name, secret) in own_secrets(vendor) {
            let setting = format!("{}.{name}={secret}", vendor.id);
            account.set(&setting).expect("fits");
        }
        Self { vendor, account }
    }

    /// What can be asked in this dialect, answered by that upstream with a decision, and carried there.
    fn ops(&self, upstream: &Vendor) -> Vec<Op> {
        let served = self.vendor.inbound.expect("a dialect").capabilities();
        let possible = |op: &Op| {
            let Some(dialect) = served.support(*op) else {
                return false;
            };
            let form = if dialect.forms.contains(&MediaForm::Bytes) {
                MediaForm::Bytes
            } else {
                MediaForm::Url
            };
            let carriage = vendors::carriage(self.vendor, upstream, *op, form);
            carriage != Carriage::Impossible && !matches!(op, Op::FaceQuality | Op::Upload)
        };
        Op::ALL.into_iter().filter(possible).collect()
    }

    /// Whether the answer lets the person pass. The outer `None`: this client cannot ask that.
    fn ask(&self, lab: &Lab, gateway: &Gateway, op: Op, number: u32) -> Option<Option<bool>> {
        let Some(outbound) = self.vendor.outbound else {
            let credentials = Credentials {
                id: &self.account.id,
                secret: self.account.secret.expose(),
            };
            let sample = self.vendor.inbound?.sample(op, &credentials)?;
            let file = picture(number);
            let url = files::url(lab.files, &file);
            let request = sample.request(&file, &url).expect("a request");
            let verdict = http::send(gateway.public, &request, &[]).json()["verdict"].clone();
            return Some(match verdict.as_str() {
                Some("live") => Some(true),
                Some("spoof") => Some(false),
                _ => None,
            });
        };
        let base = format!("http://{}", gateway.public);
        let secrets = self.account.secrets_for(self.vendor);
        let now = Clock::system().now().as_second();
        let id = CallId::from_bytes([9; 16]);
        let cx = UpstreamCx::new(id, &base, self.vendor.scale, now, &secrets);
        let call = lab.call(self.vendor, op, number);
        let mut turn = outbound.render_request(&call, &cx).expect("rendered");
        loop {
            match turn {
                Turn::Done(outcome) => return Some(decision(&outcome)),
                Turn::Send { request, memo } => {
                    let reply = http::send(gateway.public, &request, &self.credential(lab));
                    let said = String::from_utf8_lossy(&reply.body).into_owned();
                    turn = outbound
                        .parse_response(&call, memo, response(reply), &cx)
                        .unwrap_or_else(|problem| panic!("{problem}, for it said {said}"));
                }
            }
        }
    }

    /// What clients of an API without any credential add for ours.
    fn credential(&self, lab: &Lab) -> Vec<(&'static str, &'static str)> {
        if lab.asks_for_credential(self.vendor) {
            return Vec::new();
        }
        let token: &'static str = format!("Bearer {}", self.account.token()).leak();
        vec![("authorization", token)]
    }
}

fn response(reply: Reply) -> Response<Bytes> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response.body(Bytes::from(reply.body)).expect("a response")
}
