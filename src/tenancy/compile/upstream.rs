//! `[upstreams.NAME]`: what a vendor needs, and nothing that it does not.

use std::sync::Arc;

use super::own::length_of;
use super::{Compiler, callable, ids};
use crate::canonical::Scale;
use crate::tenancy::{Upstream, config};
use crate::vendors::{VENDORS, Vendor};

impl Compiler<'_> {
    pub(super) fn upstream(&mut self, name: &str, written: &config::Upstream) -> Option<Upstream> {
        let at = |key: &str| format!("upstreams.{name}.{key}");
        self.name(&format!("upstreams.{name}"), name);
        let Some((vendor, outbound)) = callable(&written.vendor) else {
            let choices = VENDORS.iter().filter(|vendor| vendor.outbound.is_some());
            self.not_one_of(
                at("vendor"),
                &written.vendor,
                "a vendor that can be called",
                ids(choices),
            );
            return None;
        };
        let needed = outbound.credentials();
        let mut secrets = Vec::new();
        for (key, source) in written.credentials() {
            match (needed.contains(&key), source) {
                (true, Some(source)) => {
                    let secret = self.sized_secret(at(key), source, length_of(vendor, key));
                    secrets.extend(secret.map(|secret| (key, secret)));
                }
                (true, None) => self.complain(
                    at(key),
                    format!(
                        r#"missing; vendor "{}" needs {}"#,
                        vendor.id,
                        needed.join(" and ")
                    ),
                ),
                (false, Some(_)) => self.superfluous(at(key), vendor),
                (false, None) => {}
            }
        }
        // Without credentials there is no account, so nobody to reach: the engine on this machine.
        match (needed.is_empty(), &written.base_url) {
            (true, Some(_)) => self.superfluous(at("base_url"), vendor),
            (false, None) => self.complain(
                at("base_url"),
                r#"missing; write the vendor's address like "https://host.example""#,
            ),
            (true, None) | (false, Some(_)) => {}
        }
        for (key, span) in [
            ("timeout", written.timeout),
            ("connect_timeout", written.connect_timeout),
        ] {
            if span.is_zero() {
                self.complain(at(key), r#"0 leaves no time; write a duration like "10s""#);
            }
        }
        Some(Upstream {
            name: Arc::from(name),
            vendor,
            base_url: written
                .base_url
                .as_ref()
                .map(|url| url.as_str().to_owned())
                .unwrap_or_default(),
            secrets,
            timeout: written.timeout.0,
            connect_timeout: written.connect_timeout.0,
            scale: self.scale(at("threshold"), vendor, written.threshold),
        })
    }

    fn scale(&mut self, path: String, vendor: &Vendor, threshold: Option<f64>) -> Option<Scale> {
        let Some(threshold) = threshold else {
            return vendor.scale;
        };
        let Some(scale) = vendor.scale else {
            self.superfluous(path, vendor);
            return None;
        };
        let moved = scale.with_threshold(threshold);
        if moved.is_none() {
            let (min, max) = (scale.min, scale.max);
            self.complain(
                path,
                format!("{threshold} is off the vendor's scale; write a number above {min} and below {max}"),
            );
        }
        moved
    }
}
