//! Whom TLS trusts, and who it says that asks.

use ::redis::{Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, TlsCertificates};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::url::RedisUrlError;

/// Certificates as they were given, in PEM.
#[derive(Clone, Default)]
pub(super) struct Certificates {
    pub(super) authority: Option<Vec<u8>>,
    /// Certificates and key.
    pub(super) own: Option<(Vec<u8>, Vec<u8>)>,
}

impl Certificates {
    /// What is wrong with them.
    pub(super) fn check(&self) -> Result<(), RedisUrlError> {
        let chains = self.authority.iter().chain(self.own.iter().map(|(chain, _)| chain));
        for pem in chains {
            let mut certificates = CertificateDer::pem_slice_iter(pem).peekable();
            if certificates.peek().is_none() || certificates.any(|certificate| certificate.is_err()) {
                return Err(RedisUrlError::new("a certificate for Redis cannot be read: give it in the PEM format"));
            }
        }
        if self.own.as_ref().is_some_and(|(_, key)| PrivateKeyDer::from_pem_slice(key).is_err()) {
            return Err(RedisUrlError::new("the private key for Redis cannot be read: give it in the PEM format"));
        }
        Ok(())
    }

    /// Has a server asked with these.
    pub(super) fn put_into(&self, info: &mut ConnectionInfo) -> Result<(), RedisUrlError> {
        let client_tls = self.own.clone().map(|(client_cert, client_key)| ClientTlsConfig { client_cert, client_key });
        let certificates = TlsCertificates { client_tls, root_cert: self.authority.clone() };
        let client = Client::build_with_tls(info.clone(), certificates).map_err(|_| {
            RedisUrlError::new("certificates are of no use here: write rediss:// in the URL, or leave them out")
        })?;
        *info = client.get_connection_info().clone();
        Ok(())
    }
}

/// Has rustls know some cryptography, if it is needed and the program has chosen none.
pub(super) fn prepare(named: &[ConnectionInfo]) {
    let is_tls = named.iter().any(|info| matches!(info.addr(), ConnectionAddr::TcpTls { .. }));
    if is_tls && CryptoProvider::get_default().is_none() {
        // Who was faster has chosen.
        let _ = ring::default_provider().install_default();
    }
}
