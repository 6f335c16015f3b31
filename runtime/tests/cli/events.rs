//! The stream of events: it resumes, it backs off, and it ends when time does not help.

use std::time::{Duration, Instant};

use breakerbox::admin::{Client, ClientErrorKind, Events, LiveEvent};

use crate::breaker::{snapshot, transition};
use crate::fake::{Act, Fake, http, problem, stream};

const PATIENCE: Duration = Duration::from_secs(60);

async fn next(events: &mut Events) -> Option<Result<LiveEvent, ClientErrorKind>> {
    let next = tokio::time::timeout(PATIENCE, events.next()).await.expect("something comes");
    next.map(|event| event.map_err(|error| error.kind()))
}

async fn message(events: &mut Events) -> String {
    match next(events).await {
        Some(Ok(LiveEvent::Happened(happening))) => happening.message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn events_are_read_with_what_they_tell() {
    let body = format!(
        ": hello\n\n{}event: stats\ndata: {{\"circuit_breakers\":[],\"summary\":{},\"alerts\":[],\"removed\":[\"b\"]}}\n\n\
         event: lagged\ndata: {{\"missed\":7}}\n\n{}event: of_a_newer_server\ndata: {{\"new\":1}}\n\n",
        snapshot("r-1", &["payments"]),
        crate::breaker::health(&[]),
        transition("r-2", "a\u{1b}b"),
    );
    let fake = Fake::always(vec![stream(&body), Act::Hang]);
    let mut events = Client::new(&fake.url()).unwrap().events();
    let Some(Ok(LiveEvent::Snapshot(first))) = next(&mut events).await else { panic!("a snapshot is first") };
    assert_eq!(first.circuit_breakers[0].name, "payments");
    assert_eq!(first.history["payments"], [(1_795_221_713.5, 1, 2, 3)]);
    let Some(Ok(LiveEvent::Stats(stats))) = next(&mut events).await else { panic!("then stats") };
    assert_eq!(stats.removed, ["b"]);
    assert_eq!(next(&mut events).await, Some(Ok(LiveEvent::Lagged { missed: 7 })));
    let Some(Ok(LiveEvent::Happened(happened))) = next(&mut events).await else { panic!("then a transition") };
    assert_eq!((happened.kind.as_str(), happened.breaker.as_deref()), ("transition", Some("a\u{1b}b")));
    assert_eq!(happened.data["reason"], "failure_threshold");
    assert!(happened.at.is_some());
    let Some(Ok(LiveEvent::Happened(happened))) = next(&mut events).await else { panic!("then something new") };
    assert_eq!((happened.kind.as_str(), happened.message.as_str()), ("of_a_newer_server", ""));
}

#[tokio::test]
async fn a_lost_connection_is_told_waited_for_and_resumed_after_the_last_event() {
    let fake = Fake::by_turn(|turn| match turn {
        // Half an event is no event, and its id counts for nothing.
        0 => {
            vec![stream(&format!(
                "retry: 200\n\n{}{}id: r-9\ndata: half\nda",
                snapshot("r-1", &[]),
                transition("r-2", "a")
            ))]
        }
        1 => vec![],
        2 => http("502 Bad Gateway", "text/html", "restarting"),
        _ => vec![stream(&transition("r-3", "a")), Act::Hang],
    });
    let mut events = Client::new(&fake.url()).unwrap().events();
    assert!(matches!(next(&mut events).await, Some(Ok(LiveEvent::Snapshot(_)))));
    assert_eq!(message(&mut events).await, "event r-2");
    let began = Instant::now();
    assert_eq!(next(&mut events).await, Some(Err(ClientErrorKind::Unreachable)));
    assert_eq!(next(&mut events).await, Some(Err(ClientErrorKind::Unreachable)));
    assert_eq!(next(&mut events).await, Some(Err(ClientErrorKind::Unexpected)));
    assert_eq!(message(&mut events).await, "event r-3");
    // 200 ms, twice that, twice that again.
    assert!(began.elapsed() >= Duration::from_millis(1400), "{:?}", began.elapsed());
    let ids: Vec<Option<String>> = fake
        .requests()
        .iter()
        .map(|request| {
            request.to_lowercase().lines().find_map(|line| line.strip_prefix("last-event-id: ").map(str::to_owned))
        })
        .collect();
    let last = Some("r-2".to_owned());
    assert_eq!(ids, [None, last.clone(), last.clone(), last]);
}

#[tokio::test]
async fn what_time_does_not_mend_ends_the_stream() {
    let wrong = format!("event: snapshot\ndata: {}\n\n", "{}");
    for (answer, kind) in [
        (problem("401 Unauthorized", "{}"), ClientErrorKind::Unauthorized),
        (problem("404 Not Found", r#"{"detail":"no circuit breaker named 'x'"}"#), ClientErrorKind::NotFound),
        (http("200 OK", "text/html", "<h1>hello</h1>"), ClientErrorKind::Unexpected),
        (vec![stream(&wrong), Act::Hang], ClientErrorKind::Unexpected),
        (vec![stream("data: no JSON\n\n"), Act::Hang], ClientErrorKind::Unexpected),
    ] {
        let fake = Fake::always(answer);
        let mut events = Client::new(&fake.url()).unwrap().events_of("x").unwrap();
        assert_eq!(next(&mut events).await, Some(Err(kind)));
        assert_eq!(next(&mut events).await, None);
        assert_eq!(fake.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_does_not_begin_is_waited_for_as_long_as_the_timeout() {
    let fake = Fake::always(vec![Act::Hang]);
    let mut events = Client::builder(&fake.url()).timeout(Duration::from_millis(200)).build().unwrap().events();
    assert_eq!(next(&mut events).await, Some(Err(ClientErrorKind::TimedOut)));
}

#[tokio::test]
async fn a_stream_that_is_quiet_outlives_the_timeout() {
    let fake = Fake::always(vec![stream(&snapshot("r-1", &[])), Act::Hang]);
    let mut events = Client::builder(&fake.url()).timeout(Duration::from_millis(200)).build().unwrap().events();
    assert!(matches!(next(&mut events).await, Some(Ok(LiveEvent::Snapshot(_)))));
    // A dropped wait loses nothing.
    assert!(tokio::time::timeout(Duration::from_millis(600), events.next()).await.is_err());
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn a_server_that_has_fallen_silent_is_given_up_after_two_missing_signs_of_life() {
    let fake = Fake::always(vec![stream(&snapshot("r-1", &[])), Act::Hang]);
    let mut events = Client::new(&fake.url()).unwrap().events();
    assert!(matches!(next(&mut events).await, Some(Ok(LiveEvent::Snapshot(_)))));
    // From here time jumps whenever everybody waits for it.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let error = events.next().await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.is_temporary()), (ClientErrorKind::TimedOut, true));
    assert!((30..60).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}
