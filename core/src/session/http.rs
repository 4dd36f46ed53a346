//! The HTTP client of a session: one pool of connections for all its services.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::{ProxyConfig, ProxyError};
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use hyper_util::client::proxy::matcher::Matcher;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::settings::{Settings, Verify, settings_error};
use super::unverified::Unverified;
use crate::Result;

pub(super) fn client(settings: &Settings) -> Result<SharedHttpClient> {
    Ok(SharedHttpClient::new(Pool { shared: Arc::new(Shared::new(settings)?), connectors: Mutex::default() }))
}

/// What all connectors of a session have in common.
struct Shared {
    /// `None`: any certificate is taken.
    trust: Option<TrustStore>,
    proxies: Proxies,
}

impl Shared {
    fn new(settings: &Settings) -> Result<Self> {
        let trust = match &settings.verify {
            Verify::Switch(true) => match std::env::var("AWS_CA_BUNDLE") {
                Ok(path) if !path.is_empty() => Some(trust_file("AWS_CA_BUNDLE", &path)?),
                _ => Some(TrustStore::default()),
            },
            Verify::Switch(false) => None,
            Verify::CaFile(path) => Some(trust_file("verify", path)?),
        };
        Ok(Self { trust, proxies: Proxies::new(settings)? })
    }
}

/// The certificates of a PEM file, checked here: the SDK would panic on a bad one at the first call.
fn trust_file(setting: &str, path: &str) -> Result<TrustStore> {
    let bad = |e: &dyn fmt::Display| settings_error(format!("{setting}: cannot use the CA file {path}: {e}"));
    let pem = std::fs::read(path).map_err(|e| bad(&e))?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate.map_err(|e| bad(&e))?).map_err(|e| bad(&e))?;
    }
    if roots.is_empty() {
        return Err(bad(&"it holds no certificate"));
    }
    Ok(TrustStore::empty().with_pem_certificate(pem))
}

/// The proxies of the settings, or else the environment's.
struct Proxies {
    plain: ProxyConfig,
    tls: ProxyConfig,
    given: BTreeMap<String, String>,
}

impl Proxies {
    fn new(settings: &Settings) -> Result<Self> {
        let given = settings.proxies.clone();
        if given.is_empty() {
            return Ok(Self { plain: ProxyConfig::from_env(), tls: ProxyConfig::from_env(), given });
        }
        let config = |scheme: &str, make: fn(String) -> std::result::Result<ProxyConfig, ProxyError>| {
            given.get(scheme).map_or(Ok(ProxyConfig::disabled()), |url| {
                make(url.clone()).map_err(|_| settings_error(format!("proxies.{scheme}: not an address")))
            })
        };
        let (plain, tls) = (config("http", ProxyConfig::http)?, config("https", ProxyConfig::https)?);
        Ok(Self { plain, tls, given })
    }

    fn matcher(&self) -> Matcher {
        if self.given.is_empty() {
            return Matcher::from_env();
        }
        let url = |scheme| self.given.get(scheme).cloned().unwrap_or_default();
        Matcher::builder().http(url("http")).https(url("https")).build()
    }
}

/// Connectors by their time-outs; in practice one or two.
type Connectors = Vec<((Option<Duration>, Option<Duration>), SharedHttpConnector)>;

struct Pool {
    shared: Arc<Shared>,
    connectors: Mutex<Connectors>,
}

impl HttpClient for Pool {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let key = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, connector)) = connectors.iter().find(|(known, _)| *known == key) {
            return connector.clone();
        }
        let connector = SharedHttpConnector::new(ByScheme {
            shared: self.shared.clone(),
            settings: settings.clone(),
            sleep: components.sleep_impl(),
            plain: OnceLock::new(),
            tls: OnceLock::new(),
        });
        connectors.push((key, connector.clone()));
        connector
    }
}

/// Builds the TLS side, with its hundred root certificates, only when an https address is called.
struct ByScheme {
    shared: Arc<Shared>,
    settings: HttpConnectorSettings,
    sleep: Option<SharedAsyncSleep>,
    plain: OnceLock<Connector>,
    tls: OnceLock<SharedHttpConnector>,
}

impl ByScheme {
    fn builder(&self, proxy: &ProxyConfig) -> aws_smithy_http_client::ConnectorBuilder {
        let mut builder = Connector::builder().connector_settings(self.settings.clone()).proxy_config(proxy.clone());
        builder.set_sleep_impl(self.sleep.clone());
        builder
    }

    fn plain(&self) -> &Connector {
        self.plain.get_or_init(|| self.builder(&self.shared.proxies.plain).build_http())
    }

    fn tls(&self) -> std::result::Result<&SharedHttpConnector, ConnectorError> {
        if let Some(connector) = self.tls.get() {
            return Ok(connector);
        }
        let connector = match &self.shared.trust {
            Some(trust) => {
                let context = TlsContext::builder().with_trust_store(trust.clone()).build();
                let context = context.map_err(|e| ConnectorError::user(e.into()))?;
                let ring = tls::Provider::rustls(tls::rustls_provider::CryptoMode::Ring);
                let builder = self.builder(&self.shared.proxies.tls).tls_provider(ring).tls_context(context);
                SharedHttpConnector::new(builder.build())
            }
            None => {
                let unverified = Unverified::new(&self.settings, self.shared.proxies.matcher());
                SharedHttpConnector::new(unverified.map_err(|e| ConnectorError::user(e.into()))?)
            }
        };
        Ok(self.tls.get_or_init(|| connector))
    }
}

impl HttpConnector for ByScheme {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if request.uri().starts_with("http://") {
            return self.plain().call(request);
        }
        match self.tls() {
            Ok(connector) => connector.call(request),
            Err(e) => HttpConnectorFuture::ready(Err(e)),
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl fmt::Debug for ByScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByScheme").finish_non_exhaustive()
    }
}
