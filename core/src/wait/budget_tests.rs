use super::*;

fn bucket(burst: f64, refill: f64) -> Arc<Bucket> {
    Arc::new(Bucket::new(Budget { burst, refill }))
}

#[tokio::test(start_paused = true)]
async fn after_the_burst_comes_the_refill() {
    let bucket = bucket(10.0, 0.5);
    let began = Instant::now();
    for _ in 0..10 {
        bucket.take(began).await;
    }
    assert!(began.elapsed() < Duration::from_millis(1));
    for _ in 0..5 {
        bucket.take(began).await;
    }
    let passed = began.elapsed().as_secs_f64();
    assert!((9.9..10.1).contains(&passed), "{passed}");
}

#[tokio::test(start_paused = true)]
async fn who_is_due_longest_is_first() {
    let bucket = bucket(1.0, 1.0);
    let now = Instant::now();
    bucket.take(now).await;
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut takers = Vec::new();
    for due in [3, 1, 2] {
        let (bucket, served) = (Arc::clone(&bucket), Arc::clone(&served));
        takers.push(tokio::spawn(async move {
            bucket.take(now + Duration::from_secs(due)).await;
            lock(&served).push(due);
        }));
    }
    for taker in takers {
        taker.await.unwrap();
    }
    assert_eq!(*lock(&served), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn throttling_halves_once_for_calls_sent_together() {
    let bucket = bucket(10.0, 10.0);
    let sent = Instant::now();
    sleep(Duration::from_millis(100)).await;
    assert!(bucket.throttled(sent));
    assert!(!bucket.throttled(sent), "it was sent under the old budget");
    assert!((4.9..5.1).contains(&bucket.rate()), "{}", bucket.rate());
    sleep(Duration::from_secs(60)).await;
    assert!(bucket.throttled(Instant::now()));
    assert!(bucket.rate() < 5.0);
    sleep(Duration::from_secs_f64(RECOVERY)).await;
    assert_eq!(bucket.rate(), 10.0, "it comes back");
}

#[tokio::test(start_paused = true)]
async fn throttling_leaves_a_remainder() {
    let bucket = bucket(10.0, 8.0);
    for _ in 0..20 {
        sleep(Duration::from_millis(1)).await;
        bucket.throttled(Instant::now());
    }
    assert!(bucket.rate() >= 8.0 * FLOOR, "{}", bucket.rate());
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_costs_no_token() {
    let bucket = bucket(1.0, 0.1);
    let now = Instant::now();
    bucket.take(now).await;
    let gone = tokio::spawn({
        let bucket = Arc::clone(&bucket);
        async move { bucket.take(now).await }
    });
    sleep(Duration::from_secs(1)).await;
    gone.abort();
    bucket.take(now + Duration::from_secs(5)).await;
    let passed = now.elapsed().as_secs_f64();
    assert!((9.9..10.1).contains(&passed), "{passed}");
}

#[tokio::test(start_paused = true)]
async fn a_token_put_back_goes_to_who_waits() {
    let bucket = bucket(1.0, 0.01);
    let now = Instant::now();
    bucket.take(now).await;
    let next = tokio::spawn({
        let bucket = Arc::clone(&bucket);
        async move { bucket.take(now).await }
    });
    sleep(Duration::from_secs(1)).await;
    bucket.put_back();
    next.await.unwrap();
    assert!(now.elapsed() < Duration::from_secs(2), "{:?}", now.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_token_granted_to_who_has_gone_is_put_back() {
    let bucket = bucket(1.0, 0.01);
    let now = Instant::now();
    bucket.take(now).await;
    let mut gone = Box::pin(bucket.take(now));
    tokio::select! {
        () = &mut gone => panic!("there was no token"),
        () = sleep(Duration::from_secs(1)) => {}
    }
    bucket.put_back();
    // It has the token but never learns of it.
    drop(gone);
    bucket.take(now).await;
    assert!(now.elapsed() < Duration::from_secs(2), "{:?}", now.elapsed());
}

#[tokio::test(start_paused = true)]
async fn options_apply_to_buckets_in_use() {
    let (budgets, mut options) = (Budgets::default(), Options::default());
    let api = crate::service::emr::states::STEP.single;
    let buckets = budgets.of("scope", api, &options);
    assert_eq!(buckets.len(), 2, "its own and the account's");
    assert_eq!(buckets[0].rate(), 0.5);
    options.budgets.insert("emr:DescribeStep".to_owned(), Budget { burst: 5.0, refill: 2.0 });
    budgets.configure(&options);
    assert_eq!(buckets[0].rate(), 2.0);
    assert_eq!(budgets.of("scope", api, &options)[0].rate(), 2.0);
    assert_eq!(budgets.of("other", api, &Options::default())[0].rate(), 0.5);
}

#[tokio::test(start_paused = true)]
async fn buckets_that_nobody_draws_on_are_let_go() {
    let (budgets, options) = (Budgets::default(), Options::default());
    let api = crate::service::glue::states::JOB_RUN.single;
    let held = budgets.of("held", api, &options);
    for number in 0..100 {
        budgets.of(&format!("scope {number}"), api, &options)[0].take(Instant::now()).await;
    }
    let known = || lock(&budgets.buckets).len();
    assert!(known() > 100, "they must not forget what was taken");
    sleep(Duration::from_secs(10)).await;
    budgets.of("new", api, &options);
    assert_eq!(known(), 2, "the new and the one in use");
    drop(held);
}
