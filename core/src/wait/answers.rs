//! Answers that many want at once: asked for by one, good for all for a little while.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::lock;
use crate::error::Result;

const GOOD_FOR: Duration = Duration::from_secs(30);

/// By session and question.
#[derive(Default)]
pub(crate) struct Answers(Mutex<HashMap<(u64, String), Answer>>);

struct Answer {
    asked: Instant,
    value: Arc<OnceCell<Value>>,
}

impl Answers {
    /// The answer that is known or on its way, else that of `ask`. A failure is not kept.
    pub async fn get(&self, session: u64, question: String, ask: impl Future<Output = Result<Value>>) -> Result<Value> {
        let value = {
            let mut answers = lock(&self.0);
            answers.retain(|_, answer| answer.asked.elapsed() < GOOD_FOR);
            let fresh = || Answer { asked: Instant::now(), value: Arc::default() };
            Arc::clone(&answers.entry((session, question)).or_insert_with(fresh).value)
        };
        value.get_or_try_init(|| ask).await.cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use serde_json::json;
    use tokio::time::sleep;

    use super::*;
    use crate::error::Error;

    #[tokio::test(start_paused = true)]
    async fn one_asks_for_all_and_again_after_a_while() {
        let (answers, asked) = (Answers::default(), AtomicU32::new(0));
        let get = async |session, question: &str| {
            let ask = async {
                sleep(Duration::from_secs(1)).await;
                Ok(json!(asked.fetch_add(1, Relaxed)))
            };
            answers.get(session, question.to_owned(), ask).await.unwrap()
        };
        let (one, same, ..) = tokio::join!(get(1, "a"), get(1, "a"), get(1, "b"), get(2, "a"));
        assert_eq!((one.clone(), asked.load(Relaxed)), (same, 3));
        assert_eq!(get(1, "a").await, one);
        sleep(GOOD_FOR).await;
        assert_eq!(get(1, "a").await, json!(3));
        assert_eq!(lock(&answers.0).len(), 1, "old answers are let go");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_asked_anew() {
        let answers = Answers::default();
        let failed = answers.get(1, "a".to_owned(), async { Err(Error::Cancelled) }).await;
        assert!(failed.is_err());
        assert_eq!(answers.get(1, "a".to_owned(), async { Ok(json!(1)) }).await.unwrap(), json!(1));
    }
}
