//! [`Algorithm`]: the ways to sign a token that Fanfare knows.

/// A way to sign a token (RFC 7518 3.1, RFC 8037 3.1). There is no `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256 and a shared secret.
    Hs256,
    /// HMAC with SHA-384 and a shared secret.
    Hs384,
    /// HMAC with SHA-512 and a shared secret.
    Hs512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// EdDSA with Ed25519.
    EdDsa,
}

/// The kind of key that an algorithm takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// A secret that both sides have, with at least so many bytes: those of the hash (RFC 7518 3.2).
    Secret { bytes_min: usize },
    /// A public key of RSA.
    Rsa,
    /// A point on a curve, whose coordinates have so many bytes each.
    Ec { coordinate_bytes: usize },
    /// A public key of Ed25519.
    Ed,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Self; 8] =
        [Self::Hs256, Self::Hs384, Self::Hs512, Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];
    /// The algorithms whose keys may be known to everybody. A JWK set without a list of its own has these.
    pub const ASYMMETRIC: [Self; 5] = [Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    /// The name in a token's `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of that name. Case matters (RFC 7515 4.1.1).
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Whether the key that checks a signature can also make one.
    pub fn is_symmetric(self) -> bool {
        matches!(self.family(), Family::Secret { .. })
    }

    pub(crate) fn family(self) -> Family {
        match self {
            Self::Hs256 => Family::Secret { bytes_min: 32 },
            Self::Hs384 => Family::Secret { bytes_min: 48 },
            Self::Hs512 => Family::Secret { bytes_min: 64 },
            Self::Rs256 | Self::Ps256 => Family::Rsa,
            Self::Es256 => Family::Ec { coordinate_bytes: 32 },
            Self::Es384 => Family::Ec { coordinate_bytes: 48 },
            Self::EdDsa => Family::Ed,
        }
    }

    /// The same algorithm in `jsonwebtoken`.
    pub(crate) fn in_library(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::Hs384 => jsonwebtoken::Algorithm::HS384,
            Self::Hs512 => jsonwebtoken::Algorithm::HS512,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Ps256 => jsonwebtoken::Algorithm::PS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Es384 => jsonwebtoken::Algorithm::ES384,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}
