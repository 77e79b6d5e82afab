//! Which addresses a download may reach.
//!
//! A caller who names a URL makes this machine connect somewhere. That somewhere must be on the public internet: not this
//! machine, not its network, not a cloud's metadata service, however the address is dressed up (RFC 6890 and the
//! registries of special-purpose addresses it points to). Names are judged by what they resolve to, and whoever connects
//! uses the very address that was judged, so that a second look-up cannot give another.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::Scheme;
use serde::Deserialize;

use crate::canonical::{Problem, ProblemKind};

/// Longest URL that is looked at.
const MAX_URL: usize = 4096;

/// `[media]`. Takes effect at start; a reload does not change it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `host:port` pairs, as they are written in URLs, that may be reached though their addresses are private.
    pub allow_hosts: Vec<String>,
}

/// A place that a URL names, not judged yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// Name or address, without brackets.
    pub host: String,
    /// Port, the scheme's own if none is written.
    pub port: u16,
    /// https.
    pub tls: bool,
    /// Path and query.
    pub path: String,
    /// Host and port as they are written, for the host header and the list of allowed ones.
    pub authority: String,
}

/// Judges places.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    allowed: Vec<String>,
}

// === impl Place ===

impl Place {
    /// Takes a URL apart. http and https only, no user name, nothing after a `#`.
    ///
    /// # Errors
    ///
    /// `DownloadFailed`; the text of the URL is not repeated, for it may carry a signature.
    pub fn parse(url: &str) -> Result<Self, Problem> {
        let url = url.split('#').next().unwrap_or_default();
        if url.len() > MAX_URL {
            return Err(refused("the url is too long"));
        }
        let uri: Uri = url.parse().map_err(|_| refused("the url cannot be read"))?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(_) | None => return Err(refused("the url must begin with http:// or https://")),
        };
        let authority = uri
            .authority()
            .ok_or_else(|| refused("the url names no host"))?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(refused("the url must name a host and no user"));
        }
        // What follows the host is a port that can be read, or nothing.
        let written = authority
            .as_str()
            .strip_prefix(authority.host())
            .unwrap_or_default();
        let port = match (authority.port_u16(), tls) {
            (Some(port), _) => port,
            (None, _) if !written.is_empty() => {
                return Err(refused("the url's port cannot be read"));
            }
            (None, true) => 443,
            (None, false) => 80,
        };
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port,
            tls,
            path: uri
                .path_and_query()
                .map_or("/", |path| path.as_str())
                .to_owned(),
            authority: authority.as_str().to_ascii_lowercase(),
        })
    }

    /// The place that a redirect from here leads to: a URL of its own, or a path on the same host.
    pub fn redirected(&self, location: &str) -> Result<Self, Problem> {
        if location.starts_with("//") {
            let scheme = if self.tls { "https" } else { "http" };
            return Self::parse(&format!("{scheme}:{location}"));
        }
        if location.starts_with('/') {
            let path = location.split('#').next().unwrap_or_default();
            return Ok(Self {
                path: path.to_owned(),
                ..self.clone()
            });
        }
        Self::parse(location)
    }
}

/// The host only: path and query may carry a signature.
impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Place").field(&self.authority).finish()
    }
}

// === impl Guard ===

impl Guard {
    /// A guard with these exceptions.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let allowed = config
            .allow_hosts
            .iter()
            .map(|host| host.to_ascii_lowercase());
        Self {
            allowed: allowed.collect(),
        }
    }

    /// Whether every address that a place resolves to may be reached. A name with one private address among public ones
    /// is refused: which of them a connection would use is not for its owner to choose.
    ///
    /// # Errors
    ///
    /// `DownloadFailed`, the same for "does not exist" and "may not be reached", so that nobody can map our network.
    pub fn judge(&self, place: &Place, addresses: &[IpAddr]) -> Result<(), Problem> {
        let excepted = self.allowed.contains(&place.authority);
        let reachable =
            !addresses.is_empty() && addresses.iter().all(|address| is_public(*address));
        if reachable || (excepted && !addresses.is_empty()) {
            Ok(())
        } else {
            Err(refused("the file could not be fetched"))
        }
    }
}

fn refused(why: &'static str) -> Problem {
    Problem::new(ProblemKind::DownloadFailed, why)
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b, c) {
        (0 | 10 | 127 | 224..=255, _, _)
        | (100, 64..=127, _)
        | (169, 254, _)
        | (172, 16..=31, _)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (192, 168, _)
        | (198, 18 | 19, _)
        | (198, 51, 100)
        | (203, 0, 113) => true,
        (_, _, _) => false,
    };
    !special
}

/// Only global unicast (2000::/3) can be public, and of it not what is reserved or carries another address within.
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(v4) = address.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let [a, b, _, _, _, _, g, h] = address.segments();
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match (a, b) {
        // NAT64: the last 32 bits are where it really goes.
        (0x0064, 0xff9b) => is_public_v4(v4(g, h)),
        // 6to4 and Teredo tunnels, benchmarking, ORCHID, documentation.
        (0x2002, _) | (0x2001, 0..=0x01ff | 0x0db8) | (0x3fff, 0..=0x0fff) => false,
        (0x2000..=0x3fff, _) => true,
        (_, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_and_its_network_are_not_public() {
        let private = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
        ];
        for address in private {
            assert!(
                !is_public(address.parse().expect("an address")),
                "{address}"
            );
        }
        for address in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(address.parse().expect("an address")), "{address}");
        }
    }

    #[test]
    fn only_plain_web_addresses_are_places() {
        let wrong = [
            "",
            "file:///etc/passwd",
            "ftp://host/x",
            "gopher://host",
            "http://",
            "http://user@host/",
            "http://user:pw@host/",
            "//host/x",
            "host/x",
            "http:///x",
            "http://host:99999/",
            "javascript:x",
        ];
        for url in wrong {
            assert!(Place::parse(url).is_err(), "{url}");
        }
        let place = Place::parse("https://Example.com/a?b=c)#d").expect("a place");
        assert_eq!(
            (&*place.host, place.port, place.tls, &*place.path),
            ("Example.com", 443, true, "/a?b=c)")
        );
        let place = Place::parse("http://[::1]:8080").expect("a place");
        assert_eq!((&*place.host, place.port, &*place.path), ("::1", 8080, "/"));
    }

    #[test]
    fn redirects_are_places_of_their_own() {
        let place = Place::parse("https://one.example/a").expect("a place");
        assert_eq!(place.redirected("/b").expect("a place").path, "/b");
        assert_eq!(
            place.redirected("//two.example/").expect("a place").host,
            "two.example"
        );
        assert_eq!(
            place.redirected("http://127.0.0.1/").expect("a place").host,
            "127.0.0.1"
        );
        assert!(place.redirected("file:///x").is_err());
        assert!(place.redirected("relative").is_err());
    }

    #[test]
    fn one_private_address_spoils_a_name_unless_it_is_allowed() {
        let public: IpAddr = "1.1.1.1".parse().expect("an address");
        let private: IpAddr = "127.0.0.1".parse().expect("an address");
        let place = Place::parse("http://Storage.example:9000/x").expect("a place");
        let guard = Guard::default();
        assert!(guard.judge(&place, &[public]).is_ok());
        assert!(guard.judge(&place, &[public, private]).is_err());
        assert!(guard.judge(&place, &[]).is_err());
        let config = Config {
            allow_hosts: vec!["storage.example:9000".to_owned()],
        };
        assert!(Guard::new(&config).judge(&place, &[private]).is_ok());
        let other_port = Place::parse("http://storage.example:9001/x").expect("a place");
        assert!(Guard::new(&config).judge(&other_port, &[private]).is_err());
    }
}
