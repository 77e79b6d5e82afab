//! `[[routes]]`: conditions that can come true, and upstreams that can carry what they admit.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Compiler, Dialect, callable};
use crate::canonical::Op;
use crate::tenancy::{Route, Target, Upstream, config};
use crate::vendors::{self, Carriage, VENDORS, Vendor};

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
            let Some((vendor, _)) = callable(&asked.vendor) else {
                continue;
            };
            let carriage = carriage(dialect, op, vendor);
            let agreed = |opt_in| {
                let mut asking = self
                    .config
                    .tenants
                    .iter()
                    .filter(|(name, _)| tenant.is_none_or(|only| only == *name));
                asking.any(|(_, tenant)| tenant.allow.contains(&opt_in))
            };
            if let Carriage::OptIn(opt_in) = carriage
                && !agreed(opt_in)
            {
                let (id, opt_in) = (vendor.id, opt_in.as_str());
                self.complain(path.clone(), format!(r#"vendor "{id}" may not be able to read it; if you have tried, write allow = ["{opt_in}"] in the tenant"#));
            }
            if carriage == Carriage::Impossible {
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

/// The best that can be said of any call that the route admits: an op that both sides have, with media in a form that
/// gets there.
fn carriage(dialect: Option<Dialect>, op: Option<Op>, upstream: &Vendor) -> Carriage {
    let dialects = VENDORS
        .iter()
        .copied()
        .filter(|vendor| dialect.is_none_or(|(only, _)| only.id == vendor.id));
    let admitted = dialects
        .filter_map(|vendor| Some((vendor, vendor.inbound?)))
        .flat_map(|(vendor, inbound)| {
            let asked = inbound
                .capabilities()
                .ops
                .iter()
                .filter(move |asked| op.is_none_or(|op| op == asked.op));
            asked.flat_map(move |asked| {
                asked
                    .forms
                    .iter()
                    .map(move |form| vendors::carriage(vendor, upstream, asked.op, *form))
            })
        });
    let mut best = Carriage::Impossible;
    for carriage in admitted {
        match carriage {
            Carriage::Carried => return carriage,
            Carriage::OptIn(_) => best = carriage,
            Carriage::Impossible => {}
        }
    }
    best
}
