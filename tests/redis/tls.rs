//! TLS with an authority and certificates of the test's own.

use breakerbox::RedisStore;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};

use crate::server::{Server, free_port, patient};
use crate::support::{LONG, propose, sync, trip, try_sync};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn named(params: &mut CertificateParams, name: &str) {
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    named(&mut params, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

/// A certificate for this name and its key, in PEM.
fn certificate(authority: &Authority, name: &str, purpose: ExtendedKeyUsagePurpose) -> (String, String) {
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    named(&mut params, name);
    params.extended_key_usages = vec![purpose];
    let key = KeyPair::generate().expect("a key");
    (params.signed_by(&key, authority).expect("a certificate").pem(), key.serialize_pem())
}

/// A server that speaks TLS on one port and not on another.
struct Secured {
    server: Server,
    port: u16,
    authority: Authority,
}

impl Secured {
    fn start(name: &str, wants_certificates: bool) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = authority("ours");
        let (chain, key) = certificate(&authority, name, ExtendedKeyUsagePurpose::ServerAuth);
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("a file");
            path.display().to_string()
        };
        let (chain, key) = (file("chain.pem", &chain), file("key.pem", &key));
        let (ca, port) = (file("ca.pem", &authority.pem()), free_port());
        let wants = if wants_certificates { "yes" } else { "no" };
        let server = Server::start_with(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &chain,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &ca,
            "--tls-auth-clients",
            wants,
        ])?;
        Some(Secured { server, port, authority })
    }

    fn store(&self) -> RedisStore {
        patient(RedisStore::connect(format!("rediss://127.0.0.1:{}", self.port)).expect("the URL is good"))
    }
}

fn refusal(mut store: RedisStore) -> String {
    try_sync(&mut store, "i", "b").expect_err("it is refused").to_string()
}

#[test]
fn a_server_of_the_named_authority_is_trusted_and_no_other() {
    let Some(secured) = Secured::start("127.0.0.1", false) else { return };
    let trusting = || secured.store().certificate_authority(secured.authority.pem()).expect("it is PEM");
    let mut store = trusting();
    propose(&mut store, "i", "b", 0, &trip(LONG, 1));
    let said = refusal(secured.store().certificate_authority(authority("another").pem()).expect("it is PEM"));
    assert!(said.contains("TLS fails") && said.contains("UnknownIssuer") && said.contains("authority"), "{said}");
    // Without a word about it, the authorities of the system are trusted.
    let said = refusal(secured.store());
    assert!(said.contains("TLS fails"), "{said}");
    // The thread that listens has the same certificates.
    let (sender, heard) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    breakerbox::shared::SharedStore::listen(
        &mut store,
        breakerbox::shared::Nudge::new(move |_| {
            let _ = sender.lock().expect("nobody panics").send(());
        }),
    );
    heard.recv_timeout(crate::server::PATIENCE).expect("it listens");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let Some(secured) = Secured::start("example.org", false) else { return };
    let said = refusal(secured.store().certificate_authority(secured.authority.pem()).expect("it is PEM"));
    assert!(said.contains("TLS fails") && said.contains("not valid for"), "{said}");
}

#[test]
fn a_server_that_wants_a_certificate_gets_one() {
    let Some(secured) = Secured::start("127.0.0.1", true) else { return };
    let trusting = || secured.store().certificate_authority(secured.authority.pem()).expect("it is PEM");
    let (chain, key) = certificate(&secured.authority, "fleet", ExtendedKeyUsagePurpose::ClientAuth);
    sync(&mut trusting().client_certificate(chain, key).expect("they are PEM"), "i", "b");
    let said = refusal(trusting());
    assert!(said.contains("TLS fails") && said.contains("give a certificate"), "{said}");
    let (chain, key) = certificate(&authority("another"), "fleet", ExtendedKeyUsagePurpose::ClientAuth);
    let said = refusal(trusting().client_certificate(chain, key).expect("they are PEM"));
    assert!(said.contains("127.0.0.1"), "{said}");
}

#[test]
fn tls_where_there_is_none_and_none_where_there_is_are_named() {
    let Some(secured) = Secured::start("127.0.0.1", false) else { return };
    let plain = secured.server.port;
    let wrong = patient(RedisStore::connect(format!("rediss://127.0.0.1:{plain}")).expect("the URL is good"));
    // It waits for more, as that is no command.
    let wrong = wrong.connect_timeout(std::time::Duration::from_secs(1));
    let said = refusal(wrong.certificate_authority(secured.authority.pem()).expect("it is PEM"));
    assert!(said.contains("if it does not speak TLS, write redis://"), "{said}");
    let said = refusal(patient(RedisStore::connect(format!("redis://127.0.0.1:{}", secured.port)).expect("good")));
    assert!(said.contains("rediss://"), "{said}");
}

#[test]
fn what_is_no_certificate_is_refused_at_once() {
    let store = || RedisStore::connect("rediss://localhost").expect("the URL is good");
    let (chain, key) = certificate(&authority("another"), "fleet", ExtendedKeyUsagePurpose::ClientAuth);
    for wrong in [
        store().certificate_authority("secret"),
        store().certificate_authority(""),
        store().certificate_authority(key.clone()),
        store().client_certificate("secret", key.clone()),
        store().client_certificate(chain.clone(), "secret"),
        RedisStore::connect("redis://localhost").expect("the URL is good").certificate_authority(chain.clone()),
    ] {
        let error = wrong.expect_err("it is wrong").to_string();
        assert!(error.contains("PEM") || error.contains("rediss://"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
    assert!(RedisStore::connect("rediss://localhost/#insecure").is_err());
    let held = store().client_certificate(chain, key.clone()).expect("they are PEM");
    assert!(!format!("{held:?}").contains("KEY"));
}
