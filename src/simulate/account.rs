//! What a simulator and its callers agree on: one account, and the vendor's own settings.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::script::Digest;
use crate::canonical::{Problem, ProblemKind, Secret};
use crate::vendors::{
    DialectSettings, OwnSettings, Presented, Setting, SettingKind, Vendor, by_id,
};

/// The one account of a simulator.
#[derive(Debug, Clone)]
pub struct Account {
    /// Public half.
    pub id: String,
    /// Secret half.
    pub secret: Secret,
    /// How its dialects are spelt; what is not set is the vendor's published default.
    pub settings: DialectSettings,
}

/// A setting that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingError {
    /// Not `vendor.name=value`.
    #[error("a setting is written vendor.name=value")]
    Form,
    /// No such name.
    #[error("vendor {vendor:?} has no setting {name:?}; it has {known}")]
    Unknown {
        /// As it was written.
        vendor: String,
        /// As it was written.
        name: String,
        /// What could be written.
        known: String,
    },
    /// Another length, or another number.
    #[error("setting {name} must be {wanted}")]
    Value {
        /// Which.
        name: &'static str,
        /// What could be written.
        wanted: String,
    },
}

/// Fills up secrets that no vendor publishes and nobody set.
const FILLER: &str = "sim-secret-";
/// Bytes of an id's mark.
const MARK: usize = 16;

// === impl Account ===

impl Default for Account {
    fn default() -> Self {
        Self {
            id: "sim".to_owned(),
            secret: Secret::new("sim-secret".to_owned()),
            settings: DialectSettings::default(),
        }
    }
}

impl Account {
    /// Takes one `vendor.name=value`.
    ///
    /// # Errors
    ///
    /// See [`SettingError`]; the value is not repeated, for it may be secret.
    pub fn set(&mut self, text: &str) -> Result<(), SettingError> {
        let parts = text.split_once('=').and_then(|(path, value)| {
            let (vendor, name) = path.split_once('.')?;
            Some((vendor, name, value))
        });
        let (vendor, name, value) = parts.ok_or(SettingError::Form)?;
        let known = by_id(vendor).map_or(&[][..], |vendor| vendor.settings);
        let (Some(vendor), Some(setting)) = (
            by_id(vendor),
            known.iter().find(|setting| setting.name == name),
        ) else {
            let names: Vec<&str> = known.iter().map(|setting| setting.name).collect();
            return Err(SettingError::Unknown {
                vendor: vendor.to_owned(),
                name: name.to_owned(),
                known: if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                },
            });
        };
        let own = self.settings.own.entry(vendor.id).or_default();
        put(own, setting, value)
    }

    /// The same account with every secret of the vendor's settings that was not set: the one it publishes, else some text of
    /// the right length.
    #[must_use]
    pub fn with_defaults_of(mut self, vendor: &Vendor) -> Self {
        let own = self.settings.own.entry(vendor.id).or_default();
        for setting in vendor.settings {
            if let SettingKind::Secret { bytes, published } = setting.kind {
                let default = || published.map_or_else(|| filler(bytes), str::to_owned);
                let secret = own.secrets.entry(setting.name);
                secret.or_insert_with(|| Secret::new(default()));
            }
        }
        self
    }

    /// What an upstream of this vendor is configured with to reach a simulator with this account: names as
    /// [`Outbound::credentials`](crate::vendors::Outbound::credentials) has them. A vendor that takes one token gets
    /// `id.secret`.
    #[must_use]
    pub fn secrets_for(&self, vendor: &Vendor) -> Vec<(&'static str, Secret)> {
        let names = vendor.outbound.map_or(&[][..], |half| half.credentials());
        let credentials = presented_names(vendor);
        let own = self.settings.own.get(vendor.id);
        let value = |name: &str| {
            let set = own.and_then(|own| own.secrets.get(name));
            set.cloned()
                .unwrap_or_else(|| match credentials.as_slice() {
                    [_] => Secret::new(self.token()),
                    [id, ..] if *id == name => Secret::new(self.id.clone()),
                    [..] => self.secret.clone(),
                })
        };
        names.iter().map(|name| (*name, value(name))).collect()
    }

    /// `id.secret`, the credential of dialects that take one token.
    #[must_use]
    pub fn token(&self) -> String {
        format!("{}.{}", self.id, self.secret.expose())
    }

    /// Whether a credential is this account's. A vendor whose own API has none asks for none.
    pub(super) fn admit(
        &self,
        vendor: &Vendor,
        presented: Option<&Presented>,
    ) -> Result<(), Problem> {
        let matches = |given: &str, ours: &str| bool::from(given.as_bytes().ct_eq(ours.as_bytes()));
        let right = match presented {
            _ if asks_nothing(vendor) => true,
            Some(Presented::Pair { id, secret }) => {
                *id == self.id && matches(secret.expose(), self.secret.expose())
            }
            Some(Presented::Bearer(token)) => matches(token.expose(), &self.token()),
            None => false,
        };
        if right {
            Ok(())
        } else {
            Err(Problem::new(
                ProblemKind::Unauthorized,
                "the credential is missing or wrong",
            ))
        }
    }

    /// An id for media of that digest: the digest itself, marked so that no other account's id passes. Nothing is kept.
    pub(super) fn issue(&self, digest: &Digest) -> String {
        let mark = self.mark(digest);
        let bytes = digest.0.iter().chain(&mark);
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }

    /// The digest of the media that an id stands for.
    pub(super) fn redeem(&self, id: &str) -> Result<Digest, Problem> {
        let unknown = || {
            Problem::new(
                ProblemKind::MediaUnreadable,
                "there is no media with this id",
            )
        };
        let digest = id
            .get(..64)
            .and_then(Digest::from_hex)
            .ok_or_else(unknown)?;
        let ours = bool::from(self.issue(&digest).as_bytes().ct_eq(id.as_bytes()));
        ours.then_some(digest).ok_or_else(unknown)
    }

    fn mark(&self, digest: &Digest) -> [u8; MARK] {
        let mut mark = [0; MARK];
        // HMAC takes keys of every length.
        if let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(self.secret.expose().as_bytes()) {
            hmac.update(self.id.as_bytes());
            hmac.update(&digest.0);
            for (to, from) in mark.iter_mut().zip(hmac.finalize().into_bytes()) {
                *to = from;
            }
        }
        mark
    }
}

/// What callers of a vendor's own API present, beside what they only encrypt with.
fn presented_names(vendor: &Vendor) -> Vec<&'static str> {
    let names = vendor.outbound.map_or(&[][..], |half| half.credentials());
    let is_setting = |name: &&str| vendor.settings.iter().any(|own| own.name == *name);
    names
        .iter()
        .copied()
        .filter(|name| !is_setting(name))
        .collect()
}

/// Whether a vendor's own API has no credential at all. Ours always has one.
fn asks_nothing(vendor: &Vendor) -> bool {
    vendor.outbound.is_some() && presented_names(vendor).is_empty()
}

fn put(own: &mut OwnSettings, setting: &Setting, value: &str) -> Result<(), SettingError> {
    let refused = |wanted| SettingError::Value {
        name: setting.name,
        wanted,
    };
    match setting.kind {
        SettingKind::Secret { bytes, .. } => {
            if value.len() != bytes {
                return Err(refused(format!("{bytes} bytes long")));
            }
            own.secrets
                .insert(setting.name, Secret::new(value.to_owned()));
        }
        SettingKind::Number(allowed) => {
            let number = value.parse().ok().filter(|number| allowed.contains(number));
            let Some(number) = number else {
                let allowed: Vec<String> = allowed.iter().map(i64::to_string).collect();
                return Err(refused(allowed.join(" or ")));
            };
            own.numbers.insert(setting.name, number);
        }
    }
    Ok(())
}

fn filler(bytes: usize) -> String {
    FILLER.chars().cycle().take(bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_opens_for_the_account_that_got_it_and_for_no_other() {
        let account = Account::default();
        let digest = Digest::of(b"media");
        let id = account.issue(&digest);
        assert_eq!(account.redeem(&id).expect("ours"), digest);
        let other_id = Account {
            id: "other".to_owned(),
            ..Account::default()
        };
        let other_secret = Account {
            secret: Secret::new("other".to_owned()),
            ..Account::default()
        };
        for stranger in [other_id, other_secret] {
            assert!(stranger.redeem(&id).is_err());
        }
        for id in ["", "abc", &id[..64], &id.replace('a', "b"), &"é".repeat(40)] {
            let problem = account.redeem(id).expect_err("not ours");
            assert_eq!(problem.kind, ProblemKind::MediaUnreadable);
        }
    }

    #[test]
    fn settings_are_held_to_their_kind() {
        const SECRET: Setting = Setting {
            name: "key",
            kind: SettingKind::Secret {
                bytes: 4,
                published: None,
            },
        };
        const NUMBER: Setting = Setting {
            name: "status",
            kind: SettingKind::Number(&[200, 400]),
        };
        let mut own = OwnSettings::default();
        put(&mut own, &SECRET, "four").expect("fits");
        put(&mut own, &NUMBER, "400").expect("fits");
        assert_eq!(own.secrets["key"].expose(), "four");
        assert_eq!(own.numbers["status"], 400);
        let refused = put(&mut own, &SECRET, "CANARY").expect_err("too long");
        assert_eq!(refused.to_string(), "setting key must be 4 bytes long");
        let refused = put(&mut own, &NUMBER, "500").expect_err("not allowed");
        assert_eq!(refused.to_string(), "setting status must be 200 or 400");
        let mut account = Account::default();
        assert_eq!(account.set("nothing"), Err(SettingError::Form));
        let unknown = account.set("nobody.name=x").expect_err("unknown");
        assert!(unknown.to_string().contains("nobody"), "{unknown}");
    }

    #[test]
    fn what_is_not_published_is_filled_up() {
        assert_eq!(filler(12), "sim-secret-s");
        assert_eq!(filler(0), "");
    }
}
