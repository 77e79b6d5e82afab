//! How vendors' numbers become comparable without ever moving a verdict.
//!
//! The canonical number is an *attack score*: 0..1, up = attack, decision at 0.5. A [`Scale`] describes one vendor's
//! number and maps it piecewise linearly around the vendor's threshold.
//!
//! # Design
//!
//! *Verdict first, then the number.* A score is derived from the verdict side it must stand on, so no rounding and no
//! threshold override can move it across. Two vendors' numbers are not calibrated against each other by this (nobody
//! publishes error rates per threshold); only the decision survives, and that is the promise.

use super::outcome::Verdict;

/// 0..1, up = attack, decision at 0.5.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct AttackScore(f64);

// === impl AttackScore ===

impl AttackScore {
    /// The decision: attack at or above.
    pub const THRESHOLD: f64 = 0.5;

    /// The largest score that still means live.
    const LIVE_MAX: f64 = 0.499_999;

    /// `None` if the value is not a number between 0 and 1.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// Clamps `value` (any number, NaN counts as 1) to the side of the threshold that `verdict` stands on.
    /// An undecided verdict has no score.
    #[must_use]
    pub fn on_side(verdict: Verdict, value: f64) -> Option<Self> {
        let value = if value.is_nan() { 1.0 } else { value };
        match verdict {
            Verdict::Live => Some(Self(value.clamp(0.0, Self::LIVE_MAX))),
            Verdict::Spoof => Some(Self(value.clamp(Self::THRESHOLD, 1.0))),
            Verdict::Undecided => None,
        }
    }

    /// The number.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }
}

/// Which way a vendor's number grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Larger means attack.
    AttackUp,
    /// Larger means live.
    LiveUp,
}

/// What a score equal to the threshold means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary {
    /// The vendor says live.
    Live,
    /// The vendor says attack, or says nothing: unknown counts as attack.
    Attack,
}

/// One vendor's number: its range, direction, threshold, and where a synthesised one may not fall.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Which way it grows.
    pub direction: Direction,
    /// The vendor's recommended threshold.
    pub threshold: f64,
    /// What equality means.
    pub boundary: Boundary,
    /// Distance from the threshold within which no synthesised score is emitted: clients of one vendor disagree there.
    pub margin: f64,
    /// Decimals of a synthesised score.
    pub decimals: u32,
}

// === impl Scale ===

impl Scale {
    /// The same scale with another threshold, for an upstream that is configured so. `None` if it is not inside the
    /// range.
    #[must_use]
    pub fn with_threshold(self, threshold: f64) -> Option<Self> {
        (threshold > self.min && threshold < self.max).then_some(Self { threshold, ..self })
    }

    /// Reads a vendor's number. Outside the range, or not a number: `None`, which the caller makes `Undecided`.
    #[must_use]
    pub fn read(&self, native: f64) -> Option<(Verdict, AttackScore)> {
        if !(self.min..=self.max).contains(&native) {
            return None;
        }
        let attack_side = match self.direction {
            Direction::AttackUp => native > self.threshold,
            Direction::LiveUp => native < self.threshold,
        };
        let at_threshold = native == self.threshold && self.boundary == Boundary::Attack;
        let verdict = if attack_side || at_threshold {
            Verdict::Spoof
        } else {
            Verdict::Live
        };
        let score = AttackScore::on_side(verdict, self.attack_at(native))?;
        Some((verdict, score))
    }

    /// Writes a number for a verdict that another upstream reached. Always on the verdict's side of the recommended
    /// threshold, outside the margin, rounded to [`Scale::decimals`]. `None` for an undecided verdict.
    #[must_use]
    pub fn write(&self, verdict: Verdict, score: Option<AttackScore>) -> Option<f64> {
        let middle = match verdict {
            Verdict::Live => 0.25,
            Verdict::Spoof => 0.75,
            Verdict::Undecided => return None,
        };
        let attack =
            AttackScore::on_side(verdict, score.map_or(middle, AttackScore::value))?.value();
        let unit = 10f64.powi(self.decimals.cast_signed());
        let rounded = (self.native_at(attack) * unit).round();
        // The band is closed, so the nearest allowed value is one step beyond its edge.
        let below = ((self.threshold - self.margin) * unit - 1e-6).ceil() - 1.0;
        let above = ((self.threshold + self.margin) * unit + 1e-6).floor() + 1.0;
        let high = match self.direction {
            Direction::AttackUp => verdict == Verdict::Spoof,
            Direction::LiveUp => verdict == Verdict::Live,
        };
        let allowed = if high {
            rounded.max(above)
        } else {
            rounded.min(below)
        };
        Some((allowed / unit).clamp(self.min, self.max))
    }

    /// Piecewise linear: the live side maps to 0..0.5, the attack side to 0.5..1.
    fn attack_at(self, native: f64) -> f64 {
        let (live_end, attack_end) = self.ends();
        let on_live_side = (native - self.threshold) * (live_end - self.threshold) > 0.0;
        if on_live_side {
            0.5 * (native - live_end) / (self.threshold - live_end)
        } else {
            0.5 + 0.5 * (native - self.threshold) / (attack_end - self.threshold)
        }
    }

    fn native_at(self, attack: f64) -> f64 {
        let (live_end, attack_end) = self.ends();
        if attack < AttackScore::THRESHOLD {
            live_end + (self.threshold - live_end) * attack / 0.5
        } else {
            self.threshold + (attack_end - self.threshold) * (attack - 0.5) / 0.5
        }
    }

    fn ends(&self) -> (f64, f64) {
        match self.direction {
            Direction::AttackUp => (self.min, self.max),
            Direction::LiveUp => (self.max, self.min),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HACK: Scale = Scale {
        min: 0.0,
        max: 1.0,
        direction: Direction::AttackUp,
        threshold: 0.98,
        boundary: Boundary::Attack,
        margin: 0.0005,
        decimals: 5,
    };
    const LIVE: Scale = Scale {
        min: 0.0,
        max: 100.0,
        direction: Direction::LiveUp,
        threshold: 40.0,
        boundary: Boundary::Attack,
        margin: 0.5,
        decimals: 0,
    };

    #[test]
    fn reads_both_directions_around_the_threshold() {
        assert_eq!(
            HACK.read(0.0).map(|(v, s)| (v, s.value())),
            Some((Verdict::Live, 0.0))
        );
        assert_eq!(
            HACK.read(0.98).map(|(v, s)| (v, s.value())),
            Some((Verdict::Spoof, 0.5))
        );
        assert_eq!(
            HACK.read(1.0).map(|(v, s)| (v, s.value())),
            Some((Verdict::Spoof, 1.0))
        );
        assert_eq!(
            LIVE.read(0.0).map(|(v, s)| (v, s.value())),
            Some((Verdict::Spoof, 1.0))
        );
        assert_eq!(
            LIVE.read(40.0).map(|(v, s)| (v, s.value())),
            Some((Verdict::Spoof, 0.5))
        );
        assert_eq!(
            LIVE.read(70.0).map(|(v, s)| (v, s.value())),
            Some((Verdict::Live, 0.25))
        );
        assert_eq!(
            LIVE.read(100.0).map(|(v, s)| (v, s.value())),
            Some((Verdict::Live, 0.0))
        );
    }

    #[test]
    fn what_is_not_on_the_scale_is_not_read() {
        for native in [f64::NAN, f64::INFINITY, -0.1, 1.1] {
            assert_eq!(HACK.read(native), None);
        }
    }

    /// Every attack score on a fine grid, both scales: the written number gives the same verdict back, stands outside
    /// the margin, and never falls while the attack score rises.
    #[test]
    fn writing_keeps_the_verdict_the_margin_and_the_order() {
        for scale in [HACK, LIVE] {
            for verdict in [Verdict::Live, Verdict::Spoof] {
                let mut last = None;
                for step in 0..=10_000 {
                    let score = AttackScore::new(f64::from(step) / 10_000.0);
                    let native = scale.write(verdict, score).expect("decided");
                    assert_eq!(
                        scale.read(native).map(|(v, _)| v),
                        Some(verdict),
                        "{native}"
                    );
                    assert!(
                        (native - scale.threshold).abs() > scale.margin,
                        "{native} in the band"
                    );
                    let rising = match scale.direction {
                        Direction::AttackUp => native,
                        Direction::LiveUp => -native,
                    };
                    assert!(
                        last.is_none_or(|last| rising >= last),
                        "not monotone at {step}"
                    );
                    last = Some(rising);
                }
            }
        }
    }

    #[test]
    fn an_undecided_verdict_has_no_number() {
        assert_eq!(HACK.write(Verdict::Undecided, AttackScore::new(0.1)), None);
    }

    #[test]
    fn thresholds_can_be_overridden_inside_the_range_only() {
        let strict = LIVE.with_threshold(70.0).expect("inside");
        assert_eq!(strict.read(60.0).map(|(v, _)| v), Some(Verdict::Spoof));
        assert_eq!(LIVE.with_threshold(100.0), None);
        assert_eq!(LIVE.with_threshold(f64::NAN), None);
    }
}
