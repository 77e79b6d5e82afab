//! Signature v3, `TC3-HMAC-SHA256`: what proves to the vendor that the owner of a secret key made a request.
//!
//! Only what our requests need: a POST to `/` without a query, whose content type and host are signed.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::canonical::{Problem, ProblemKind};

const ALGORITHM: &str = "TC3-HMAC-SHA256";
const SIGNED_HEADERS: &str = "content-type;host";

/// A request as far as it is signed.
pub(super) struct Signed<'a> {
    /// The product that is called: first label of its host.
    pub service: &'a str,
    /// As the `Host` header will say it.
    pub host: &'a str,
    /// As the header says it.
    pub content_type: &'a str,
    pub body: &'a [u8],
    /// Since 1970. The vendor takes five minutes of difference.
    pub unix_seconds: i64,
}

// === impl Signed ===

impl Signed<'_> {
    /// The `Authorization` header.
    pub(super) fn authorization(
        &self,
        secret_id: &str,
        secret_key: &str,
    ) -> Result<Zeroizing<String>, Problem> {
        let date = Timestamp::from_second(self.unix_seconds)
            .map_err(|error| {
                Problem::new(ProblemKind::Internal, "the clock cannot be right").source(error)
            })?
            .strftime("%Y-%m-%d")
            .to_string();
        let scope = format!("{date}/{}/tc3_request", self.service);
        let (host, content_type) = (
            self.host.to_ascii_lowercase(),
            self.content_type.to_ascii_lowercase(),
        );
        let canonical = format!(
            "POST\n/\n\ncontent-type:{content_type}\nhost:{host}\n\n{SIGNED_HEADERS}\n{}",
            hex(&Sha256::digest(self.body))
        );
        let to_sign = format!(
            "{ALGORITHM}\n{}\n{scope}\n{}",
            self.unix_seconds,
            hex(&Sha256::digest(canonical))
        );
        let root = Zeroizing::new(format!("TC3{secret_key}"));
        let of_day = mac(root.as_bytes(), &date)?;
        let of_service = mac(&of_day, self.service)?;
        let of_request = mac(&of_service, "tc3_request")?;
        let signature = hex(&mac(&of_request, &to_sign)?);
        Ok(Zeroizing::new(format!(
            "{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={SIGNED_HEADERS}, Signature={signature}"
        )))
    }
}

fn mac(key: &[u8], text: &str) -> Result<[u8; 32], Problem> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|error| {
        Problem::new(ProblemKind::Internal, "the request cannot be signed").source(error)
    })?;
    mac.update(text.as_bytes());
    Ok(mac.finalize().into_bytes().into())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the vendor's page: `DescribeInstances` of the product `cvm`.
    #[test]
    fn the_vendors_example_comes_out() {
        let signed = Signed {
            service: "cvm",
            host: "cvm.tencentcloudapi.com",
            content_type: "application/json; charset=utf-8",
            body: br#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#,
            unix_seconds: 1_551_113_065,
        };
        let authorization = signed
            .authorization(
                "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
                "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
            )
            .unwrap();
        assert_eq!(
            *authorization,
            "TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, \
             SignedHeaders=content-type;host, \
             Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
        );
    }

    #[test]
    fn the_date_is_the_one_in_greenwich() {
        for (unix_seconds, date) in [
            (1_699_999_999, "/2023-11-14/"),
            (1_700_006_399, "/2023-11-14/"),
            (1_700_006_400, "/2023-11-15/"),
        ] {
            let signed = Signed {
                service: "iai",
                host: "h",
                content_type: "application/json",
                body: b"",
                unix_seconds,
            };
            assert!(signed.authorization("i", "k").unwrap().contains(date));
        }
    }
}
