//! `[[routes]]`: conditions that can come true, and upstreams that can carry what they admit.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Compiler, Dialect, callable};
use crate::canonical::Op;
use crate::tenancy::{Route, Target, Upstream, config};
use crate::vendors::{Inbound, Outbound, VENDORS};

impl Compiler<'_> {
    pub(super) fn route(
        &mut self,
        index: usize,
        written: &config::Route,
        upstreams: &HashMap<String, Arc<Upstream>>,
    ) -> Route {
        let at = |key: &str| format!("routes[{index}].{key}");
        let tenant = named(written.tenant.as_deref());
        if let Some(name) = tenant
            && !self.config.tenants.contains_key(name)
        {
            let choices = self.config.tenants.keys().map(String::as_str);
            self.not_one_of(at("tenant"), name, "a tenant", choices);
        }
        let dialect =
            named(written.dialect.as_deref()).and_then(|name| self.dialect(at("dialect"), name));
        let op = named(written.op.as_deref()).and_then(|name| self.op(at("op"), name));
        if let (Some((dialect, inbound)), Some(op)) = (dialect, op)
            && inbound.capabilities().support(op).is_none()
        {
            let has = inbound
                .capabilities()
                .ops
                .iter()
                .map(|support| support.op.as_str());
            let what = format!(r#"an op of dialect "{}""#, dialect.id);
            self.not_one_of(at("op"), op.as_str(), &what, has);
        }

        let mut to = Vec::new();
        for (position, target) in written.to.iter().enumerate() {
            let path = at(&format!("to[{position}].upstream"));
            let Some(asked) = self.config.upstreams.get(&target.upstream) else {
                let choices = self.config.upstreams.keys().map(String::as_str);
                self.not_one_of(path, &target.upstream, "an upstream", choices);
                continue;
            };
            if let Some((vendor, outbound)) = callable(&asked.vendor)
                && !carries(dialect, op, outbound)
            {
                let call = match op {
                    Some(op) => format!(r#"op "{op}""#),
                    None => "any op".to_owned(),
                };
                let from = match dialect {
                    Some((dialect, _)) => format!(r#"dialect "{}""#, dialect.id),
                    None => "any dialect".to_owned(),
                };
                self.complain(
                    path,
                    format!(
                        r#"vendor "{}" cannot carry {call} of {from}; route it to an upstream that can, or narrow the route"#,
                        vendor.id
                    ),
                );
            }
            to.extend(upstreams.get(&target.upstream).map(|upstream| Target {
                upstream: Arc::clone(upstream),
                weight: target.weight,
            }));
        }
        if written.to.is_empty() {
            self.complain(
                at("to"),
                r#"a route must lead somewhere; write to = [{ upstream = "NAME" }]"#,
            );
        } else if written.to.iter().all(|target| target.weight == 0) {
            self.complain(at("to"), "all weights are 0; give one upstream a share");
        }
        Route {
            tenant: tenant.map(Arc::from),
            dialect: dialect.map(|(vendor, _)| vendor.id),
            op,
            to,
        }
    }
}

/// A route's condition; `None` = any.
fn named(written: Option<&str>) -> Option<&str> {
    written.filter(|name| *name != "*")
}

/// Whether there is a call at all that the route admits and the upstream takes: an op that both sides have, with media
/// in a form that both know.
fn carries(dialect: Option<Dialect>, op: Option<Op>, outbound: &dyn Outbound) -> bool {
    let admitted = |inbound: &dyn Inbound| {
        inbound.capabilities().ops.iter().any(|asked| {
            op.is_none_or(|op| op == asked.op)
                && outbound
                    .capabilities()
                    .support(asked.op)
                    .is_some_and(|taken| asked.forms.iter().any(|form| taken.carries(*form)))
        })
    };
    match dialect {
        Some((_, inbound)) => admitted(inbound),
        None => VENDORS
            .iter()
            .filter_map(|vendor| vendor.inbound)
            .any(admitted),
    }
}
