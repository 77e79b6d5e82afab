//! From what is written to what every request reads.
//!
//! Pure: whoever calls this has the files and the environment, and hands them in as two functions. It goes on after a
//! mistake, so that one run finds all of them; a thing that refers to a broken thing is not called broken for it.

mod own;
mod route;
mod tenant;
mod upstream;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use thiserror::Error;

use super::config::Config;
use super::{DigestedSecret, Snapshot};
use crate::canonical::{Op, Secret};
use crate::units::SecretSource;
use crate::vendors::{self, Inbound, Outbound, VENDORS, Vendor};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {message}")]
pub struct CompileError {
    /// Where: `upstreams.NAME.timeout`, `routes[0].to[1].upstream`.
    pub path: String,
    /// What, and what to write instead. Holds no secret.
    pub message: String,
}

/// Compiles the whole configuration, or says everything that is wrong with it.
///
/// `resolve` reads a secret, or says in a sentence why it cannot; `digest` is the master key's.
pub fn compile(
    config: &Config,
    resolve: &dyn Fn(&SecretSource) -> Result<Secret, String>,
    digest: &dyn Fn(&Secret) -> DigestedSecret,
) -> Result<Snapshot, Vec<CompileError>> {
    let mut compiler = Compiler {
        config,
        resolve,
        digest,
        errors: Vec::new(),
    };
    let snapshot = compiler.snapshot();
    if compiler.errors.is_empty() {
        Ok(snapshot)
    } else {
        Err(compiler.errors)
    }
}

struct Compiler<'a> {
    config: &'a Config,
    resolve: &'a dyn Fn(&SecretSource) -> Result<Secret, String>,
    digest: &'a dyn Fn(&Secret) -> DigestedSecret,
    errors: Vec<CompileError>,
}

// === impl Compiler ===

impl Compiler<'_> {
    fn snapshot(&mut self) -> Snapshot {
        let config = self.config;
        let mut upstreams = HashMap::new();
        for (name, written) in &config.upstreams {
            if let Some(upstream) = self.upstream(name, written) {
                upstreams.insert(name.clone(), Arc::new(upstream));
            }
        }
        let mut plans = BTreeMap::new();
        for (name, written) in &config.plans {
            plans.insert(name.as_str(), Arc::new(self.plan(name, written)));
        }
        let mut tenants = HashMap::new();
        let mut keys = HashMap::new();
        for (name, written) in &config.tenants {
            let tenant = Arc::new(self.tenant(name, written, &plans));
            for (index, key) in written.keys.iter().enumerate() {
                let path = format!("tenants.{name}.keys[{index}]");
                self.key(&path, key, &tenant, &mut keys);
            }
            tenants.insert(name.clone(), tenant);
        }
        let mut routes = Vec::new();
        for (index, written) in config.routes.iter().enumerate() {
            routes.push(self.route(index, written, &upstreams));
        }
        Snapshot {
            keys,
            tenants,
            upstreams,
            routes,
        }
    }

    /// Names stand in paths of the admin API, in labels and, as key ids, before the dot of a bearer token.
    fn name(&mut self, path: &str, name: &str) {
        let fits = (1..=64).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if !fits {
            self.complain(
                path,
                format!("{name:?} is not a name; write 1 to 64 letters, digits, _ or -"),
            );
        }
    }

    fn secret(&mut self, path: String, source: &SecretSource) -> Option<Secret> {
        (self.resolve)(source)
            .map_err(|message| self.complain(path, message))
            .ok()
    }

    fn dialects(&mut self, path: &str, written: Option<&[String]>) -> Option<Vec<&'static str>> {
        self.list(path, written, |compiler, path, name| {
            compiler.dialect(path, name).map(|(vendor, _)| vendor.id)
        })
    }

    fn ops(&mut self, path: &str, written: Option<&[String]>) -> Option<Vec<Op>> {
        self.list(path, written, Self::op)
    }

    fn list<T>(
        &mut self,
        path: &str,
        written: Option<&[String]>,
        read: impl Fn(&mut Self, String, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let written = written?;
        if written.is_empty() {
            self.complain(
                path,
                "an empty list allows nothing; remove it to allow everything",
            );
        }
        let names = written.iter().enumerate();
        let read = names.filter_map(|(index, name)| read(self, format!("{path}[{index}]"), name));
        Some(read.collect())
    }

    fn dialect(&mut self, path: String, name: &str) -> Option<Dialect> {
        let found = vendors::by_id(name).and_then(|vendor| Some((vendor, vendor.inbound?)));
        if found.is_none() {
            let choices = VENDORS.iter().filter(|vendor| vendor.inbound.is_some());
            self.not_one_of(path, name, "a dialect", ids(choices));
        }
        found
    }

    fn op(&mut self, path: String, name: &str) -> Option<Op> {
        let found = Op::from_name(name);
        if found.is_none() {
            self.not_one_of(path, name, "an op", Op::ALL.into_iter().map(Op::as_str));
        }
        found
    }

    fn superfluous(&mut self, path: String, vendor: &Vendor) {
        self.complain(
            path,
            format!(r#"vendor "{}" has no use for this; remove it"#, vendor.id),
        );
    }

    fn not_one_of<'n>(
        &mut self,
        path: String,
        name: &str,
        what: &str,
        choices: impl Iterator<Item = &'n str>,
    ) {
        let choices = choices.collect::<Vec<_>>().join(", ");
        let problem = if name.is_empty() {
            "missing".to_owned()
        } else {
            format!("{name:?} is not {what}")
        };
        let advice = if choices.is_empty() {
            format!("{what} must be configured first")
        } else {
            format!("write one of: {choices}")
        };
        self.complain(path, format!("{problem}; {advice}"));
    }

    fn complain(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.errors.push(CompileError {
            path: path.into(),
            message: message.into(),
        });
    }
}

type Dialect = (&'static Vendor, &'static dyn Inbound);

fn callable(id: &str) -> Option<(&'static Vendor, &'static dyn Outbound)> {
    let vendor = vendors::by_id(id)?;
    Some((vendor, vendor.outbound?))
}

fn ids<'v>(vendors: impl Iterator<Item = &'v &'static Vendor>) -> impl Iterator<Item = &'v str> {
    vendors.map(|vendor| vendor.id)
}
