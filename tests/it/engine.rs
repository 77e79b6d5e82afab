//! The engine on real weights and a real portrait. Attacks are simulated.

use std::path::PathBuf;

use bytes::Bytes;
use image::imageops::{self, FilterType};
use image::{DynamicImage, RgbImage};
use livegate::canonical::{Orientation, Verdict};
use livegate::engine::network::{Network, OnnxNetwork};
use livegate::engine::{Config, Engine, InspectError, Report};
use livegate::simulate::recapture::recapture;

use crate::support::models::models;
use crate::support::pictures::{jpeg, png, portrait, with_orientation};

fn config(models: PathBuf) -> Config {
    Config {
        models,
        threads: 1,
        ..Config::default()
    }
}

async fn inspect(bytes: Vec<u8>) -> Result<Report, InspectError> {
    let engine = Engine::start(&config(models()));
    assert_eq!(engine.status(), Ok(()));
    engine.inspect(Bytes::from(bytes)).await
}

async fn report(picture: &RgbImage) -> Report {
    inspect(png(picture)).await.expect("a report")
}

fn sample() -> RgbImage {
    portrait(&models())
}

/// `picture` on a plain ground of `width` x `height`.
fn pasted(picture: &RgbImage, width: u32, height: u32, x: i64, y: i64) -> RgbImage {
    let mut ground = RgbImage::from_pixel(width, height, image::Rgb([96, 112, 96]));
    imageops::overlay(&mut ground, picture, x, y);
    ground
}

fn shrunk(picture: &RgbImage, side: u32) -> RgbImage {
    imageops::resize(picture, side, side, FilterType::Triangle)
}

#[track_caller]
fn assert_unjudged(report: &Report, reason: &str) {
    assert_eq!(report.verdict, Verdict::Undecided);
    assert_eq!(report.reason, Some(reason));
    assert_eq!(report.live_probability, None);
}

#[test]
fn the_liveness_network_gives_the_published_logits() {
    let network = OnnxNetwork::load(&models().join("fr_liveness.onnx")).expect("loads");
    let input = (0..3 * 128 * 128)
        .map(|k: u32| (k * 7919 % 1000) as f32 / 1000.0 * 255.0)
        .collect();
    let outputs = network.run([1, 3, 128, 128], input).expect("runs");
    for (logit, expected) in outputs[0].iter().zip([2.5638, 1.9772, -4.5410]) {
        assert!((logit - expected).abs() < 1e-3, "{outputs:?}");
    }
}

#[tokio::test]
async fn a_portrait_is_live_in_both_formats() {
    let picture = sample();
    for bytes in [png(&picture), jpeg(&picture, 90), jpeg(&picture, 60)] {
        let report = inspect(bytes).await.expect("a report");
        assert_eq!(report.verdict, Verdict::Live, "{report:?}");
        assert_eq!(report.reason, None);
        assert!(report.live_probability.is_some_and(|p| p > 0.95));
        let details = report.details;
        assert_eq!(
            (details.face_count, details.orientation),
            (1, Orientation::Up)
        );
        assert!(details.quality > 0.5 && details.face_quality > 0.5);
        assert!(!details.blur_or_dark && !details.face_too_small && !details.image_too_small);
    }
}

#[tokio::test]
async fn a_photograph_of_a_screen_is_a_spoof() {
    let copy = recapture(&DynamicImage::ImageRgb8(sample()));
    let report = inspect(copy).await.expect("a report");
    assert_eq!(report.verdict, Verdict::Spoof, "{report:?}");
    assert!(
        report.live_probability.is_some_and(|p| p < 0.2),
        "{report:?}"
    );
}

#[tokio::test]
async fn the_report_is_json_in_lower_case() {
    let report = report(&sample()).await;
    let json = serde_json::to_value(&report).expect("serialises");
    assert_eq!(json["verdict"], "live");
    assert_eq!(json["reason"], serde_json::Value::Null);
    assert_eq!(json["live_at"], 0.87);
    assert_eq!(json["spoof_below"], 0.5);
    assert_eq!(json["details"]["orientation"], "up");
    assert_eq!(json["details"]["face_count"], 1);
}

#[tokio::test]
async fn the_operating_point_decides() {
    for (live_at, spoof_below, verdict) in [
        (0.999_999, 0.5, Verdict::Undecided),
        (0.999_999, 0.999_999, Verdict::Spoof),
        (0.5, 0.5, Verdict::Live),
    ] {
        let engine = Engine::start(&Config {
            live_at,
            spoof_below,
            ..config(models())
        });
        let report = engine
            .inspect(png(&sample()).into())
            .await
            .expect("a report");
        assert_eq!(report.verdict, verdict);
        assert!(report.live_probability.is_some());
        let undecided = Some("the picture is neither clearly live nor clearly a copy");
        assert_eq!(
            report.reason,
            undecided.filter(|_| verdict == Verdict::Undecided)
        );
    }
}

/// What a camera stores rotated, and says so, is judged upright.
#[tokio::test]
async fn orientation_in_the_file_changes_nothing() {
    let picture = sample();
    let stored = [
        (1, picture.clone()),
        (3, imageops::rotate180(&picture)),
        (6, imageops::rotate270(&picture)),
        (8, imageops::rotate90(&picture)),
    ];
    for (orientation, stored) in stored {
        let bytes = with_orientation(&jpeg(&stored, 95), orientation);
        let report = inspect(bytes).await.expect("a report");
        assert_eq!(report.verdict, Verdict::Live, "{orientation}: {report:?}");
        assert_eq!(report.details.orientation, Orientation::Up);
    }
}

/// A picture that lies on its side without saying so is turned by its face.
#[tokio::test]
async fn orientation_is_found_where_the_file_is_silent() {
    let picture = sample();
    let turned = [
        (Orientation::Left, imageops::rotate270(&picture)),
        (Orientation::Down, imageops::rotate180(&picture)),
        (Orientation::Right, imageops::rotate90(&picture)),
    ];
    let upright = report(&picture).await;
    for (orientation, turned) in turned {
        let report = report(&turned).await;
        assert_eq!(report.details.orientation, orientation);
        assert_eq!(report.verdict, Verdict::Live, "{report:?}");
        assert_eq!(report.details.face_count, upright.details.face_count);
    }
}

#[tokio::test]
async fn no_face_is_an_error() {
    let sky = RgbImage::from_fn(640, 480, |x, y| {
        image::Rgb([(x / 4) as u8, (y / 2) as u8, 200])
    });
    for bytes in [jpeg(&sky, 90), png(&sky), png(&RgbImage::new(1, 1))] {
        assert_eq!(inspect(bytes).await, Err(InspectError::NoFace));
    }
}

#[tokio::test]
async fn of_two_faces_the_larger_is_judged() {
    let picture = sample();
    let both = pasted(&picture, 900, 512, 0, 0);
    let small = imageops::blur(&shrunk(&picture, 300), 6.0);
    let both = {
        let mut both = both;
        imageops::overlay(&mut both, &small, 560, 100);
        both
    };
    let report = report(&both).await;
    assert_eq!(report.details.face_count, 2);
    assert_eq!(report.verdict, Verdict::Live, "{report:?}");
}

#[tokio::test]
async fn small_faces_and_pictures_are_flagged_then_refused() {
    let picture = sample();
    let flagged = report(&shrunk(&picture, 220)).await;
    assert!(flagged.details.face_too_small && flagged.details.image_too_small);
    assert!(flagged.live_probability.is_some());

    let tiny = report(&pasted(&shrunk(&picture, 120), 320, 320, 100, 100)).await;
    assert_unjudged(&tiny, "the face is too small to judge");
}

#[tokio::test]
async fn blur_is_flagged_then_refused() {
    let picture = sample();
    let flagged = report(&imageops::blur(&picture, 1.3)).await;
    assert!(flagged.details.blur_or_dark, "{flagged:?}");
    assert!(flagged.live_probability.is_some());
    let blurred = report(&imageops::blur(&picture, 5.0)).await;
    assert_unjudged(&blurred, "the face is too blurred to judge");
}

#[tokio::test]
async fn darkness_is_flagged_then_refused() {
    let dimmed = |share: f32| {
        let mut picture = sample();
        for value in picture.iter_mut() {
            *value = (f32::from(*value) * share) as u8;
        }
        picture
    };
    let flagged = report(&dimmed(0.25)).await;
    assert!(flagged.details.blur_or_dark, "{flagged:?}");
    assert!(flagged.live_probability.is_some());
    assert_unjudged(&report(&dimmed(0.1)).await, "the face is too dark to judge");
}

#[tokio::test]
async fn greyscale_is_not_judged() {
    let grey = DynamicImage::ImageRgb8(sample()).grayscale();
    for bytes in [png(&grey.to_rgb8()), jpeg(&grey.to_rgb8(), 70)] {
        let report = inspect(bytes).await.expect("a report");
        assert_unjudged(&report, "the picture has no colour");
    }
}

#[tokio::test]
async fn a_face_without_margin_is_not_judged() {
    let close = imageops::crop_imm(&sample(), 168, 52, 110, 140).to_image();
    let close = imageops::resize(&close, 330, 420, FilterType::CatmullRom);
    assert_unjudged(
        &report(&close).await,
        "the face needs more of the picture around it",
    );
}

#[tokio::test]
async fn half_a_picture_is_unreadable() {
    let picture = sample();
    for whole in [jpeg(&picture, 90), png(&picture)] {
        for share in [1, 10, 50, 90, 99] {
            let cut = whole[..whole.len() * share / 100].to_vec();
            assert_eq!(
                inspect(cut).await,
                Err(InspectError::Unreadable),
                "{share} %"
            );
        }
    }
    // Only the end is missing, or another picture stands where it should be.
    let whole = jpeg(&picture, 90);
    let open = whole[..whole.len() - 2].to_vec();
    let spliced = [&whole[..whole.len() / 2], &whole].concat();
    for damaged in [open, spliced] {
        assert_eq!(inspect(damaged).await, Err(InspectError::Unreadable));
    }
    for nothing in [&b""[..], b"<html></html>", b"GIF89a"] {
        assert_eq!(
            inspect(nothing.to_vec()).await,
            Err(InspectError::Unreadable)
        );
    }
}

#[tokio::test]
async fn a_full_queue_is_overload() {
    let engine = Engine::start(&Config {
        queue: 1,
        ..config(models())
    });
    let bytes = Bytes::from(png(&sample()));
    let (a, b, c, d) = tokio::join!(
        engine.inspect(bytes.clone()),
        engine.inspect(bytes.clone()),
        engine.inspect(bytes.clone()),
        engine.inspect(bytes.clone()),
    );
    let all = [a, b, c, d];
    let refused = all
        .iter()
        .filter(|answer| **answer == Err(InspectError::Overloaded));
    assert!((2..4).contains(&refused.count()), "{all:?}");
    assert!(all.iter().any(Result::is_ok));
    assert!(engine.inspect(bytes).await.is_ok());
    assert_eq!(engine.waiting(), 0);
}

#[tokio::test]
async fn missing_and_damaged_weights_are_reported_and_can_be_mended() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Engine::start(&config(folder.path().to_owned()));
    let reason = engine.status().expect_err("no weights");
    assert!(reason.contains("yunet_320.onnx"), "{reason}");
    assert!(reason.contains("`livegate models fetch`"), "{reason}");
    let refused = engine.inspect(Bytes::new()).await;
    assert_eq!(refused, Err(InspectError::Unavailable(reason)));

    for file in ["yunet_320.onnx", "fr_liveness.onnx"] {
        let whole = std::fs::read(models().join(file)).expect("weights");
        std::fs::write(folder.path().join(file), &whole[..whole.len() / 2]).expect("writes");
        engine.reload();
        let reason = engine.status().expect_err("damaged weights");
        assert!(reason.contains(file), "{reason}");
        std::fs::write(folder.path().join(file), whole).expect("writes");
        engine.reload();
    }
    assert_eq!(engine.status(), Ok(()));
    // What works is kept when the folder is spoilt.
    std::fs::write(folder.path().join("yunet_320.onnx"), b"spoilt").expect("writes");
    engine.reload();
    assert_eq!(engine.status(), Ok(()));
}
