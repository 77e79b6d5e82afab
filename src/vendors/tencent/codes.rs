//! What the vendor's error codes mean.
//!
//! One row per published code: those that the vendor's SDK lists for the action, also the many that are about face
//! libraries and cannot come, and those that every product of the vendor shares.

use Meaning::{
    Account, Download, NoFace, Ours, Parameter, Pixels, Throttle, Timeout, TooLarge, TooManyFaces,
    Trouble, Unreadable,
};
use http::HeaderMap;

use crate::canonical::{Problem, ProblemKind, Retry};
use crate::vendors::reply;

/// Who has to do something about it, and what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// The caller: another picture.
    NoFace,
    TooManyFaces,
    Pixels,
    TooLarge,
    Unreadable,
    Download,
    Parameter,
    /// The owner of the account.
    Account,
    Throttle,
    /// Nobody: it may pass.
    Timeout,
    Trouble,
    /// We, for we asked what nobody should ask.
    Ours,
}

const TABLE: &[(&str, Meaning)] = &[
    // Of the action, for a single picture.
    ("FailedOperation.FaceSizeTooSmall", Pixels),
    ("FailedOperation.ImageDecodeFailed", Unreadable),
    ("FailedOperation.ImageDownloadError", Download),
    ("FailedOperation.ImageFacedetectFailed", NoFace),
    ("FailedOperation.ImageResolutionExceed", Pixels),
    ("FailedOperation.ImageResolutionTooSmall", Pixels),
    ("FailedOperation.ImageSizeExceed", TooLarge),
    ("FailedOperation.RequestLimitExceeded", Throttle),
    ("FailedOperation.RequestTimeout", Timeout),
    ("FailedOperation.RpcFail", Trouble),
    ("FailedOperation.ServerError", Trouble),
    ("FailedOperation.UnKnowError", Trouble),
    ("InternalError", Trouble),
    ("InvalidParameter.InvalidParameter", Parameter),
    ("InvalidParameterValue.FaceModelVersionIllegal", Ours),
    ("InvalidParameterValue.ImageEmpty", Unreadable),
    ("InvalidParameterValue.NoFaceInPhoto", NoFace),
    ("InvalidParameterValue.UrlIllegal", Download),
    ("LimitExceeded.ErrorFaceNumExceed", TooManyFaces),
    ("MissingParameter.ErrorParameterEmpty", Ours),
    ("ResourceUnavailable.Delivering", Account),
    ("ResourceUnavailable.Freeze", Account),
    ("ResourceUnavailable.InArrears", Account),
    ("ResourceUnavailable.LowBalance", Account),
    ("ResourceUnavailable.NotExist", Account),
    ("ResourceUnavailable.Recover", Account),
    ("ResourceUnavailable.StopUsing", Account),
    ("ResourceUnavailable.UnknownStatus", Account),
    ("ResourcesSoldOut.ChargeStatusException", Account),
    ("UnsupportedOperation.UnknowMethod", Ours),
    // Of the action by its list, though it has no library of faces.
    ("FailedOperation.ConflictOperation", Ours),
    ("FailedOperation.DuplicatedGroupDescription", Ours),
    ("FailedOperation.GroupInDeletedState", Ours),
    ("FailedOperation.GroupPersonMapExist", Ours),
    ("FailedOperation.GroupPersonMapNotExist", Ours),
    ("FailedOperation.SearchFacesExceed", Ours),
    ("InvalidParameterValue.AccountFaceNumExceed", Ours),
    ("InvalidParameterValue.DeleteFaceNumExceed", Ours),
    ("InvalidParameterValue.GroupExDescriptionsExceed", Ours),
    (
        "InvalidParameterValue.GroupExDescriptionsNameIdentical",
        Ours,
    ),
    ("InvalidParameterValue.GroupExDescriptionsNameIllegal", Ours),
    ("InvalidParameterValue.GroupExDescriptionsNameTooLong", Ours),
    ("InvalidParameterValue.GroupFaceNumExceed", Ours),
    ("InvalidParameterValue.GroupIdAlreadyExist", Ours),
    ("InvalidParameterValue.GroupIdIllegal", Ours),
    ("InvalidParameterValue.GroupIdNotExist", Ours),
    ("InvalidParameterValue.GroupIdTooLong", Ours),
    ("InvalidParameterValue.GroupIdsExceed", Ours),
    ("InvalidParameterValue.GroupNameAlreadyExist", Ours),
    ("InvalidParameterValue.GroupNameIllegal", Ours),
    ("InvalidParameterValue.GroupNameTooLong", Ours),
    ("InvalidParameterValue.GroupNumExceed", Ours),
    ("InvalidParameterValue.GroupNumPerPersonExceed", Ours),
    ("InvalidParameterValue.GroupTagIllegal", Ours),
    ("InvalidParameterValue.GroupTagTooLong", Ours),
    ("InvalidParameterValue.LimitExceed", Ours),
    ("InvalidParameterValue.NoFaceInGroups", Ours),
    ("InvalidParameterValue.OffsetExceed", Ours),
    ("InvalidParameterValue.PersonExDescriptionInfosExceed", Ours),
    (
        "InvalidParameterValue.PersonExDescriptionsNameIdentical",
        Ours,
    ),
    (
        "InvalidParameterValue.PersonExDescriptionsNameIllegal",
        Ours,
    ),
    (
        "InvalidParameterValue.PersonExDescriptionsNameTooLong",
        Ours,
    ),
    ("InvalidParameterValue.PersonExistInGroup", Ours),
    ("InvalidParameterValue.PersonFaceNumExceed", Ours),
    ("InvalidParameterValue.PersonGenderIllegal", Ours),
    ("InvalidParameterValue.PersonIdAlreadyExist", Ours),
    ("InvalidParameterValue.PersonIdIllegal", Ours),
    ("InvalidParameterValue.PersonIdNotExist", Ours),
    ("InvalidParameterValue.PersonIdTooLong", Ours),
    ("InvalidParameterValue.PersonNameIllegal", Ours),
    ("InvalidParameterValue.PersonNameTooLong", Ours),
    ("InvalidParameterValue.SearchPersonsExceed", Ours),
    ("InvalidParameterValue.UploadFaceNumExceed", Ours),
    // Of every product.
    ("ActionOffline", Ours),
    ("AuthFailure.InvalidAuthorization", Account),
    ("AuthFailure.InvalidSecretId", Account),
    ("AuthFailure.MFAFailure", Account),
    ("AuthFailure.SecretIdNotFound", Account),
    ("AuthFailure.SignatureExpire", Account),
    ("AuthFailure.SignatureFailure", Account),
    ("AuthFailure.TokenFailure", Account),
    ("AuthFailure.UnauthorizedOperation", Account),
    ("DryRunOperation", Ours),
    ("FailedOperation", Trouble),
    ("InvalidAction", Ours),
    ("InvalidParameter", Parameter),
    ("InvalidParameterValue", Parameter),
    ("InvalidRequest", Ours),
    ("IpInBlacklist", Account),
    ("IpNotInWhitelist", Account),
    ("LimitExceeded", Account),
    ("MissingParameter", Ours),
    ("NoSuchProduct", Ours),
    ("NoSuchVersion", Ours),
    ("RequestLimitExceeded", Throttle),
    (
        "RequestLimitExceeded.GlobalRegionUinLimitExceeded",
        Throttle,
    ),
    ("RequestLimitExceeded.IPLimitExceeded", Throttle),
    ("RequestLimitExceeded.UinLimitExceeded", Throttle),
    ("RequestSizeLimitExceeded", TooLarge),
    ("ResourceInUse", Ours),
    ("ResourceInsufficient", Account),
    ("ResourceNotFound", Ours),
    ("ResourceUnavailable", Account),
    ("ResponseSizeLimitExceeded", Ours),
    ("ServiceUnavailable", Trouble),
    ("UnauthorizedOperation", Account),
    ("UnknownParameter", Ours),
    ("UnsupportedOperation", Ours),
    ("UnsupportedProtocol", Ours),
    ("UnsupportedRegion", Ours),
];

/// What a code that is not in the table means by its first part.
const FAMILIES: &[(&str, Meaning)] = &[
    ("AuthFailure", Account),
    ("UnauthorizedOperation", Account),
    ("ResourceUnavailable", Account),
    ("ResourcesSoldOut", Account),
    ("RequestLimitExceeded", Throttle),
    ("InternalError", Trouble),
];

/// The problem that a code stands for. What nobody knows is a failure that a retry cannot mend.
pub(super) fn problem(code: &str, headers: &HeaderMap) -> Problem {
    let of = |kind, detail: &'static str| Problem::new(kind, detail);
    match meaning(code) {
        NoFace => of(ProblemKind::NoFace, "no face was found in the picture"),
        TooManyFaces => of(
            ProblemKind::Undecided,
            "there are too many faces in the picture",
        ),
        Pixels => of(
            ProblemKind::PixelsOutOfRange,
            "the picture or the face on it has too few or too many pixels",
        ),
        TooLarge => of(
            ProblemKind::MediaTooLarge,
            "the picture is too large for this check",
        ),
        Unreadable => of(
            ProblemKind::MediaUnreadable,
            "the picture is damaged or not of a format that is accepted",
        ),
        Download => of(
            ProblemKind::DownloadFailed,
            "the picture could not be downloaded",
        ),
        Parameter => of(
            ProblemKind::InvalidParameter,
            "the picture or a parameter was refused",
        ),
        Account => reply::account(),
        Throttle => reply::throttled(headers),
        Timeout => reply::timed_out(),
        Trouble => reply::failed().retry(Retry::Now),
        Ours => reply::failed(),
    }
}

fn meaning(code: &str) -> Meaning {
    let family = code.split('.').next().unwrap_or_default();
    row(TABLE, code)
        .or_else(|| row(FAMILIES, family))
        .unwrap_or(Ours)
}

fn row(table: &[(&str, Meaning)], code: &str) -> Option<Meaning> {
    table
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_has_every_published_code_and_no_other() {
        let published = include_str!("../../../tests/fixtures/tencent/codes.txt");
        let published: BTreeSet<&str> = published
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        let known: BTreeSet<&str> = TABLE.iter().map(|(code, _)| *code).collect();
        assert_eq!(known, published);
        assert_eq!(known.len(), TABLE.len(), "a code has two rows");
    }

    #[test]
    fn unknown_codes_mean_what_their_family_means() {
        for (code, meaning) in [
            ("AuthFailure.Tomorrow", Account),
            ("RequestLimitExceeded.Tomorrow", Throttle),
            ("FailedOperation.Tomorrow", Ours),
            ("Tomorrow", Ours),
            ("", Ours),
        ] {
            assert_eq!(super::meaning(code), meaning, "{code}");
        }
    }
}
