//! The operations of a service that take a ready-made body.

/// All of a service's operations differ in nothing but the body and `X-Amz-Target`, so one of the SDK,
/// the carrier, carries them all: each further one would add some 200 KB to the wheel. The carrier's
/// output is empty, so that it parses nothing of the others' replies.
macro_rules! operations {
    ($service:literal, $client:ident, $target:literal by $carrier:ident: [$($name:literal),+ $(,)?]) => {
        /// The operations that `Session::call` offers.
        pub const OPERATIONS: &[&str] = &[$($name),+];

        /// Sends the raw body through the operation of that name; the reply is left in `raw`.
        pub(crate) async fn send(
            session: &$crate::Session,
            operation: &str,
            raw: &$crate::request::Raw,
        ) -> $crate::Result<()> {
            if !OPERATIONS.contains(&operation) {
                return Err($crate::service::unknown($service, operation));
            }
            let carrier = $client(session, raw.is_once()).$carrier().customize();
            let raw = raw.clone().to(format!(concat!($target, ".{}"), operation));
            let sent = Box::pin(carrier.interceptor(raw).send()).await;
            sent.map(|_| ()).map_err(|e| $crate::Error::from_sdk($service, operation, e))
        }
    };
}
pub(crate) use operations;
