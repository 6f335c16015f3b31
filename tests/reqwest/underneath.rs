//! The reqwest client underneath an `HttpClient`: what it says by itself, and what the builder says.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::redirect::Policy;

use crate::server::{Reply, Server};
use crate::support::{Breakers, opens_after};

fn given(policy: Policy) -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().redirect(policy)
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_that_the_client_does_not_follow_are_not_followed_unless_the_builder_says_so() {
    let server = Server::start().await;
    server
        .script(|_, head| if head.starts_with("GET / ") { Reply::redirect(302, "/there") } else { Reply::status(200) });
    let breakers = Breakers::new(opens_after(5));
    let none = || breakers.http().client(given(Policy::none()));
    let cases = [
        (none(), 302),
        (none().connect_timeout(Duration::from_secs(30)), 302),
        (none().connect_timeout(None), 302),
        (none().redirect(Policy::limited(5)), 200),
        (breakers.http().redirect(Policy::limited(5)).client(given(Policy::none())), 200),
        (breakers.http().client(given(Policy::limited(5))).redirect(Policy::none()), 302),
        (breakers.http().client(given(Policy::default())), 200),
    ];
    for (n, (builder, expected)) in cases.into_iter().enumerate() {
        let answer = builder.build().unwrap().get(server.url()).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{n}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_all_requests_can_be_set() {
    let server = Server::start().await;
    let breakers = Breakers::new(opens_after(5));
    let headers = HeaderMap::from_iter([("x-team".parse().unwrap(), HeaderValue::from_static("quotes"))]);
    let client = breakers.http().user_agent("quotes/1.0").default_headers(headers).build().unwrap();
    client.get(server.url()).send().await.unwrap();
    let head = server.heads()[0].to_lowercase();
    assert!(head.contains("user-agent: quotes/1.0\r\n") && head.contains("x-team: quotes\r\n"), "{head}");
    assert!(breakers.http().user_agent("bad\nname").build().unwrap_err().is_builder());
}
