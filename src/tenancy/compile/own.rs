//! `[tenants.NAME.VENDOR]`: what only one vendor's clients can be set up with, and secrets that have an exact length.

use std::collections::BTreeMap;

use super::Compiler;
use crate::canonical::Secret;
use crate::tenancy::config;
use crate::units::SecretSource;
use crate::vendors::{OptIn, OwnSettings, SettingKind, VENDORS, Vendor};

impl Compiler<'_> {
    /// By vendor id. A secret that is not written is the published one where the tenant allows that, else absent.
    pub(super) fn own_settings(
        &mut self,
        tenant: &str,
        written: &config::Tenant,
    ) -> BTreeMap<&'static str, OwnSettings> {
        let allowed = written.allow.contains(&OptIn::PublishedKey);
        let nothing = config::OwnTable::default();
        let with_settings = VENDORS.iter().filter(|vendor| !vendor.settings.is_empty());
        let mut all = BTreeMap::new();
        for vendor in with_settings {
            let table = written.own.get(vendor.id).unwrap_or(&nothing);
            let at = format!("tenants.{tenant}.{}", vendor.id);
            all.insert(vendor.id, self.own_table(&at, vendor, table, allowed));
        }
        all
    }

    fn own_table(
        &mut self,
        at: &str,
        vendor: &Vendor,
        table: &config::OwnTable,
        published_allowed: bool,
    ) -> OwnSettings {
        let mut own = OwnSettings::default();
        let mut is_published = !table.secrets.is_empty();
        for setting in vendor.settings {
            let path = format!("{at}.{}", setting.name);
            match setting.kind {
                SettingKind::Secret { bytes, published } => {
                    let secret = match table.secrets.get(setting.name) {
                        Some(source) => self.sized_secret(path, source, Some(bytes)),
                        None if table.secrets.is_empty() => published
                            .filter(|_| published_allowed)
                            .map(|text| Secret::new(text.to_owned())),
                        None => {
                            self.complain(path, "missing; the secrets of this table go together");
                            None
                        }
                    };
                    is_published &= secret.as_ref().map(Secret::expose) == published;
                    own.secrets
                        .extend(secret.map(|secret| (setting.name, secret)));
                }
                SettingKind::Number(choices) => match table.numbers.get(setting.name) {
                    Some(number) if choices.contains(number) => {
                        own.numbers.insert(setting.name, *number);
                    }
                    Some(number) => {
                        let choices: Vec<_> = choices.iter().map(i64::to_string).collect();
                        let choices = choices.join(", ");
                        self.complain(
                            path,
                            format!("{number} does not fit; write one of: {choices}"),
                        );
                    }
                    None => {}
                },
            }
        }
        if is_published && !published_allowed {
            self.complain(
                at,
                r#"these secrets are published by the vendor; make your own, or write allow = ["published-key"]"#,
            );
        }
        own
    }

    /// A secret; if `bytes` are given, of exactly that length.
    pub(super) fn sized_secret(
        &mut self,
        path: String,
        source: &SecretSource,
        bytes: Option<usize>,
    ) -> Option<Secret> {
        let secret = self.secret(path.clone(), source)?;
        let found = secret.expose().len();
        match bytes {
            Some(bytes) if bytes != found => {
                self.complain(
                    path,
                    format!("this secret has {found} bytes; it must have exactly {bytes}"),
                );
                None
            }
            Some(_) | None => Some(secret),
        }
    }
}

/// The length that a vendor's secrets of that name have, if it is fixed.
pub(super) fn length_of(vendor: &Vendor, name: &str) -> Option<usize> {
    vendor
        .settings
        .iter()
        .find_map(|setting| match setting.kind {
            SettingKind::Secret { bytes, .. } if setting.name == name => Some(bytes),
            SettingKind::Secret { .. } | SettingKind::Number(_) => None,
        })
}
