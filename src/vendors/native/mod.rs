//! Stand-in until the adapter is written.
use super::{Fixtures, Vendor};

/// The vendor.
pub static VENDOR: Vendor = Vendor {
    id: "native",
    name: "livegate",
    scale: None,
    fixtures: Fixtures::Own,
    inbound: None,
    outbound: None,
};

/// The inbound half.
pub static INBOUND: &dyn super::Inbound = &Stub;

#[derive(Debug)]
struct Stub;

impl super::Inbound for Stub {
    fn capabilities(&self) -> &'static super::Capabilities {
        unimplemented!()
    }
    fn recognise(&self, _: &http::request::Parts) -> Option<crate::canonical::Op> {
        None
    }
    fn claims(&self, _: &http::request::Parts) -> bool {
        false
    }
    fn credential(&self, _: &http::request::Parts) -> Option<super::Presented> {
        None
    }
    fn parse_request(
        &self,
        _: &super::DialectCx<'_>,
        _: crate::canonical::Op,
        _: http::Request<bytes::Bytes>,
    ) -> Result<crate::canonical::Call, crate::canonical::Problem> {
        unimplemented!()
    }
    fn render_response(
        &self,
        _: &super::DialectCx<'_>,
        _: &crate::canonical::Call,
        _: &crate::canonical::Outcome,
    ) -> http::Response<bytes::Bytes> {
        unimplemented!()
    }
    fn render_problem(
        &self,
        _: &super::DialectCx<'_>,
        _: Option<crate::canonical::Op>,
        _: &crate::canonical::Problem,
    ) -> http::Response<bytes::Bytes> {
        unimplemented!()
    }
}
