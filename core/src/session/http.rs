//! The HTTP client of a session: one pool of connections for all its services.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore};
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::settings::{Settings, Verify, settings_error};
use crate::Result;

pub(super) fn client(settings: &Settings) -> Result<SharedHttpClient> {
    Ok(SharedHttpClient::new(Pool { shared: Arc::new(Shared::new(settings)?), connectors: Mutex::default() }))
}

/// What all connectors of a session have in common.
struct Shared {
    trust: TrustStore,
    proxy: ProxyConfig,
}

impl Shared {
    fn new(settings: &Settings) -> Result<Self> {
        let trust = match &settings.verify {
            Verify::Switch(true) => TrustStore::default(),
            Verify::Switch(false) => return Err(settings_error("verify: false is not built yet")),
            Verify::CaFile(path) => {
                let pem = std::fs::read(path).map_err(|e| settings_error(format!("verify: cannot read {path}: {e}")))?;
                TrustStore::empty().with_pem_certificate(pem)
            }
        };
        Ok(Self { trust, proxy: ProxyConfig::from_env() })
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
    tls: OnceLock<Connector>,
}

impl ByScheme {
    fn builder(&self) -> aws_smithy_http_client::ConnectorBuilder {
        let mut builder = Connector::builder()
            .connector_settings(self.settings.clone())
            .proxy_config(self.shared.proxy.clone());
        builder.set_sleep_impl(self.sleep.clone());
        builder
    }

    fn tls(&self) -> Connector {
        let context = TlsContext::builder()
            .with_trust_store(self.shared.trust.clone())
            .build()
            .unwrap_or_else(|_| TlsContext::default());
        self.builder()
            .tls_provider(tls::Provider::rustls(tls::rustls_provider::CryptoMode::Ring))
            .tls_context(context)
            .build()
    }
}

impl HttpConnector for ByScheme {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if request.uri().starts_with("http://") {
            self.plain.get_or_init(|| self.builder().build_http()).call(request)
        } else {
            self.tls.get_or_init(|| self.tls()).call(request)
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
