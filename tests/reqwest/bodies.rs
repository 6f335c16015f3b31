//! Bodies that break off after a good head, and what is kept of an answer while its body is watched. How long a body holds
//! its place is `held`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use breakerbox::reqwest::{default_outcome, refusal};
use breakerbox::{Outcome, State};
use futures_util::TryStreamExt;
use http_body_util::BodyExt;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};

use crate::server::{Reply, Server};
use crate::support::{Breakers, PATIENCE, ends, opens_after, plain};

const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Ways to read a body to its end.
const READERS: [&str; 5] = ["text", "bytes", "json", "chunk", "stream"];

async fn read(mut response: Response, reader: &str) -> reqwest::Result<()> {
    match reader {
        "text" => response.text().await.map(drop),
        "bytes" => response.bytes().await.map(drop),
        "json" => response.json::<serde_json::Value>().await.map(drop),
        "chunk" => {
            while response.chunk().await?.is_some() {}
            Ok(())
        }
        _ => response.bytes_stream().try_for_each(async |_| Ok(())).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_is_a_failure_whoever_reads_it() {
    let server = Server::start().await;
    let chunked = |rest: &str| Reply::Cut(format!("{CHUNKED}{rest}").leak());
    let broken =
        [Reply::Cut(HALF), chunked("4\r\nha"), chunked("4\r\nhalf\r\n"), chunked("no number\r\n"), chunked("")];
    for reply in broken {
        server.always(reply.clone());
        for reader in READERS {
            let breakers = Breakers::new(opens_after(100));
            for response in [
                breakers.client().get(server.url()).send().await.unwrap(),
                breakers.http().build().unwrap().get(server.url()).send().await.unwrap(),
            ] {
                assert_eq!(response.status(), 200);
                let error = read(response, reader).await.unwrap_err();
                assert!(error.is_decode() && !error.is_timeout(), "{error:?}");
            }
            assert_eq!(ends(&breakers, &server), (0, 2, 0, 0), "{reply:?}, {reader}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_read_to_its_end_is_a_success() {
    let server = Server::start().await;
    let whole = ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]".to_owned(), format!("{CHUNKED}2\r\n[]\r\n0\r\n\r\n")];
    for reply in whole {
        server.always(Reply::Cut(reply.leak()));
        for reader in READERS {
            let breakers = Breakers::new(opens_after(1));
            let response = breakers.client().get(server.url()).send().await.unwrap();
            read(response, reader).await.unwrap();
            assert_eq!(ends(&breakers, &server), (1, 0, 0, 0), "{reader}");
        }
    }
    // What the reader cannot make sense of is no matter of the breaker's.
    server.always(Reply::status(200));
    let breakers = Breakers::new(opens_after(1));
    let response = breakers.client().get(server.url()).send().await.unwrap();
    assert!(response.json::<serde_json::Value>().await.unwrap_err().is_decode());
    assert_eq!(ends(&breakers, &server), (1, 0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_break_off_open_the_circuit() {
    let server = Server::start().await;
    server.always(Reply::Cut(HALF));
    let breakers = Breakers::new(opens_after(3));
    let middleware = breakers.client();
    for _ in 0..20 {
        if let Ok(response) = middleware.get(server.url()).send().await {
            response.text().await.unwrap_err();
        }
    }
    assert_eq!((server.requests(), breakers.status(&server.host()).state), (3, State::Open));

    let breakers = Breakers::new(opens_after(3));
    let client = breakers.http().build().unwrap();
    for _ in 0..20 {
        if let Ok(response) = client.get(server.url()).send().await {
            response.text().await.unwrap_err();
        }
    }
    assert_eq!((server.requests(), breakers.status(&server.host()).state), (6, State::Open));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_hangs_is_a_failure_once_a_limit_of_reqwest_cuts_it_off() {
    let server = Server::start().await;
    server.always(Reply::Part(HALF));
    let breakers = Breakers::new(opens_after(1));
    let short = Duration::from_millis(300);
    let response = breakers.client().get(server.url()).timeout(short).send().await.unwrap();
    let error = response.text().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!((ends(&breakers, &server), breakers.status(&server.host()).state), ((0, 1, 0, 0), State::Open));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_keeps_what_it_has() {
    let target = Server::start().await;
    let mut head = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nX-A: 1\r\nX-A: 2\r\n\r\ngone".to_owned();
    target.always(Reply::Cut(head.clone().leak()));
    let server = Server::start().await;
    server.always(Reply::redirect(302, &format!("{}there?q=1", target.url())));
    let breakers = Breakers::new(opens_after(5));
    let twice = ClientBuilder::new(plain()).with(breakers.middleware()).with(breakers.middleware()).build();
    let without = plain().get(server.url()).send().await.unwrap();
    let with = twice.get(server.url()).send().await.unwrap();
    assert_eq!(with.url().as_str(), format!("{}there?q=1", target.url()));
    assert_eq!(with.remote_addr().unwrap().to_string(), target.host());
    assert_eq!(with.content_length(), Some(4));
    for response in [&with, &without] {
        assert_eq!((response.status().as_u16(), response.version()), (404, reqwest::Version::HTTP_11));
        assert_eq!(response.headers().get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
    }
    assert_eq!((with.headers(), with.url()), (without.headers(), without.url()));
    assert_eq!(with.extensions().len(), without.extensions().len());
    assert_eq!(
        with.error_for_status_ref().unwrap_err().to_string(),
        without.error_for_status_ref().unwrap_err().to_string()
    );
    assert_eq!(with.text().await.unwrap(), "gone");

    // Chunked, with fields after the body.
    head = format!("{CHUNKED}2\r\nab\r\n3\r\ncde\r\n0\r\nX-Sum: 7\r\n\r\n");
    target.always(Reply::Cut(head.leak()));
    let response = twice.get(target.url()).send().await.unwrap();
    assert_eq!(response.content_length(), None);
    let body = http::Response::<reqwest::Body>::from(response).into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["x-sum"], "7");
    assert_eq!(body.to_bytes(), "abcde");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_two_breakers_hears_of_the_body() {
    let server = Server::start().await;
    let (outer, inner) = (Breakers::new(opens_after(9)), Breakers::new(opens_after(9)));
    let client = ClientBuilder::new(plain()).with(outer.middleware()).with(inner.middleware()).build();
    server.always(Reply::Cut(HALF));
    client.get(server.url()).send().await.unwrap().text().await.unwrap_err();
    server.always(Reply::status(200));
    client.get(server.url()).send().await.unwrap().text().await.unwrap();
    drop(client.get(server.url()).send().await.unwrap());
    assert_eq!((ends(&outer, &server), ends(&inner, &server)), ((2, 1, 0, 0), (2, 1, 0, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_body_of_a_host_that_a_redirect_led_to_is_told_to_nobody() {
    let target = Server::start().await;
    let server = Server::start().await;
    server.always(Reply::redirect(307, &target.url()));
    target.always(Reply::Cut(HALF));
    let breakers = Breakers::new(opens_after(9));
    let response = breakers.client().get(server.url()).send().await.unwrap();
    assert_eq!(ends(&breakers, &server), (1, 0, 0, 0));
    response.text().await.unwrap_err();
    assert_eq!(ends(&breakers, &server), (1, 0, 0, 0));
    target.always(Reply::status(200));
    breakers.client().get(server.url()).send().await.unwrap().text().await.unwrap();
    assert_eq!(ends(&breakers, &server), (2, 0, 0, 0));
    assert!(breakers.family.find(&target.host()).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_classifier_is_asked_about_the_error_of_a_body() {
    let server = Server::start().await;
    server.always(Reply::Cut(HALF));
    let breakers = Breakers::new(opens_after(1));
    let middleware = breakers.middleware().classify(|result| match result {
        Err(reqwest_middleware::Error::Reqwest(error)) if error.is_body() => Outcome::Ignored,
        other => default_outcome(other),
    });
    let client = ClientBuilder::new(plain()).with(middleware).build();
    client.get(server.url()).send().await.unwrap().text().await.unwrap_err();
    assert_eq!(ends(&breakers, &server), (0, 0, 1, 0));

    let breakers = Breakers::new(opens_after(1));
    let ill = breakers.middleware().classify(|result| match result {
        Ok(_) => Outcome::Success,
        Err(error) => panic!("the judge is ill: {error}"),
    });
    let client = ClientBuilder::new(plain()).with(ill).build();
    let response = client.get(server.url()).send().await.unwrap();
    assert!(tokio::spawn(response.text()).await.unwrap_err().is_panic());
    assert_eq!(ends(&breakers, &server), (0, 1, 0, 0));
}

/// A middleware that looks into bodies.
struct Reads(&'static str);

#[async_trait]
impl Middleware for Reads {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut http::Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let response = next.run(request, extensions).await?;
        read(response, self.0).await?;
        Ok(http::Response::new("").into())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_within_is_a_failure_and_text_that_is_no_json_says_nothing() {
    let server = Server::start().await;
    let reads = |breakers: &Breakers, reader| -> ClientWithMiddleware {
        ClientBuilder::new(plain()).with(breakers.middleware()).with_arc(Arc::new(Reads(reader))).build()
    };
    for reader in READERS {
        let breakers = Breakers::new(opens_after(9));
        server.always(Reply::Cut(HALF));
        reads(&breakers, reader).get(server.url()).send().await.unwrap_err();
        assert_eq!(ends(&breakers, &server), (0, 1, 0, 0), "{reader}");
        server.always(Reply::Part(HALF));
        let request = reads(&breakers, reader).get(server.url()).timeout(Duration::from_millis(200));
        assert!(refusal(&request.send().await.unwrap_err()).is_none());
        assert_eq!(ends(&breakers, &server), (0, 2, 0, 0), "{reader}");
    }
    let breakers = Breakers::new(opens_after(9));
    server.always(Reply::status(200));
    reads(&breakers, "json").get(server.url()).timeout(PATIENCE).send().await.unwrap_err();
    assert_eq!(ends(&breakers, &server), (0, 0, 1, 0));
}
